"""What cannot be planned like everything else: what comes with the set, groups that are down, leftovers."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gitops_push.cluster.api import ApiFailure
from gitops_push.cluster.http_api import HttpApi
from gitops_push.cluster.inventory_store import write_inventory
from gitops_push.cluster.planner import make_plan
from gitops_push.core.codes import Code
from gitops_push.core.errors import PlanError
from gitops_push.core.inventory import Inventory, InventoryEntry
from gitops_push.core.objects import ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.plan import Action, Fidelity
from gitops_push.core.sizes import size_problems
from tests.cluster.connecting import connected
from tests.cluster.deploying import deployed, prepare, stored
from tests.cluster.many_kinds import definition, widget
from tests.cluster.planning import request_for, until
from tests.controlplane.cluster import ControlPlane
from tests.unit.cluster.plans import actions, change_of, config_map

Body = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"
SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"


def in_namespace(body: Body, namespace: str) -> Body:
    return {**body, "metadata": {**body["metadata"], "namespace": namespace}}


def test_a_set_that_brings_its_namespace_and_definition_is_planned_by_the_schema_and_applied(api: HttpApi) -> None:
    place, group = f"new-{uuid.uuid4().hex[:8]}", f"n{uuid.uuid4().hex[:8]}.example.com"
    own = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}}
    bodies = (own, in_namespace(config_map(a="1"), place), definition(group), in_namespace(widget(group), place))
    wrong = {**bodies[3], "spec": {**bodies[3]["spec"], "ratio": "much", "parts": [{"name": "b"}, {"name": "b"}]}}
    with pytest.raises(PlanError) as raised:
        prepare(api, place, *bodies[:3], wrong)
    assert sorted(problem.message.partition(": ")[2] for problem in raised.value.problems) == [
        "spec.parts[name=b] has the same name as item 0",
        "spec.ratio must be a number, this is 'much'",
    ]
    plan = prepare(api, place, *bodies).plan
    assert {change.ref.name: change.fidelity for change in plan.changes} == {
        place: Fidelity.SERVER,
        f"widgets.{group}": Fidelity.SERVER,
        "env": Fidelity.CLIENT,
        "widget": Fidelity.SCHEMA,
    }
    assert deployed(api, place, *bodies).exit_code == 0
    after = prepare(api, place, *bodies).plan
    assert {change.fidelity for change in after.changes} == {Fidelity.SERVER}
    assert not after.has_changes


def test_a_field_that_the_definition_gains_in_the_same_run_is_planned_by_its_schema_and_applied(
    api: HttpApi, namespace: str
) -> None:
    group = f"n{uuid.uuid4().hex[:8]}.example.com"
    before = (definition(group), in_namespace(widget(group), namespace))
    assert deployed(api, namespace, *before).exit_code == 0
    wider = definition(group)
    spec = wider["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    spec["colour"] = {"type": "string", "enum": ["red"]}
    coloured = in_namespace(widget(group), namespace)
    coloured["spec"]["colour"] = "red"
    change = change_of(prepare(api, namespace, wider, coloured).plan, "widget")
    assert (change.action, change.fidelity) == (Action.UPDATE, Fidelity.SCHEMA)
    assert "colour" in change.reason
    blue = {**coloured, "spec": {**coloured["spec"], "colour": "blue"}}
    with pytest.raises(PlanError, match=r"spec\.colour must be one of red, this is 'blue'"):
        prepare(api, namespace, wider, blue)
    assert deployed(api, namespace, wider, coloured).exit_code == 0
    assert not prepare(api, namespace, wider, coloured).plan.has_changes


def test_every_kind_that_exists_nowhere_is_told_and_not_only_the_first(reader: HttpApi, namespace: str) -> None:
    bodies = [
        {"apiVersion": "apps/v1", "kind": "Deploiment", "metadata": {"name": "typo"}},
        {"apiVersion": "apps/v1beta2", "kind": "Deployment", "metadata": {"name": "old"}},
        {"apiVersion": "app/v1", "kind": "Deployment", "metadata": {"name": "group"}},
        {"apiVersion": "nowhere.example.com/v1", "kind": "Thing", "metadata": {"name": "unheard"}},
    ]
    with pytest.raises(PlanError) as raised:
        make_plan(request_for(namespace, *bodies, in_namespace(config_map(a="1"), namespace)), reader)
    assert raised.value.exit_code == 14
    told = {problem.ref.name: problem for problem in raised.value.problems if problem.ref}
    assert {name: problem.code for name, problem in told.items()} == dict.fromkeys(told, Code.KIND_NOT_SERVED)
    assert "did you mean 'Deployment'" in str(told["typo"].hint)
    assert told["old"].hint == "write apiVersion: apps/v1"
    assert "apps/v1" in str(told["group"].hint)
    assert "deploy the CustomResourceDefinition first" in str(told["unheard"].hint)
    assert all(problem.origin for problem in told.values())


@pytest.fixture
def dead_group(own_control_plane: ControlPlane) -> Iterator[str]:
    """An API group that is registered for a service that does not exist."""
    group = f"d{uuid.uuid4().hex[:8]}.example.com"
    spec = {
        "group": group,
        "version": "v1",
        "groupPriorityMinimum": 100,
        "versionPriority": 10,
        "insecureSkipTLSVerify": True,
        "service": {"namespace": "default", "name": "nothing-there"},
    }
    own_control_plane.request("POST", SERVICES, {"metadata": {"name": f"v1.{group}"}, "spec": spec})
    yield group
    own_control_plane.request("DELETE", f"{SERVICES}/v1.{group}")


def test_a_group_whose_server_is_down_stops_only_its_own_objects(
    own_control_plane: ControlPlane, reader: HttpApi, namespace: str, dead_group: str
) -> None:
    until(lambda: dead_group in reader.served_kinds(refresh=True).unavailable)
    entry = InventoryEntry(ObjectRef(dead_group, "Thing", namespace, "gone"), f"{dead_group}/v1", "some-uid")
    fine = in_namespace(config_map(a="1"), namespace)
    plan = make_plan(request_for(namespace, fine, owned=[entry]), reader)
    assert actions(plan) == {"env": Action.CREATE, "gone": Action.KEPT}
    assert dead_group in change_of(plan, "gone").reason
    thing = {"apiVersion": f"{dead_group}/v1", "kind": "Thing", "metadata": {"name": "t", "namespace": namespace}}
    with pytest.raises(PlanError) as raised:
        make_plan(request_for(namespace, fine, thing), reader)
    (problem,) = raised.value.problems
    assert (problem.code, problem.ref) == (Code.KIND_NOT_SERVED, ObjectRef(dead_group, "Thing", namespace, "t"))
    assert "its server does not answer" in problem.message
    assert f"kubectl get apiservices | grep {dead_group}" in str(problem.hint)


def test_entries_of_a_group_that_is_down_stay_in_the_inventory_through_an_apply(
    api: HttpApi, namespace: str, dead_group: str
) -> None:
    until(lambda: dead_group in api.served_kinds(refresh=True).unavailable)
    first = in_namespace(config_map(a="1"), namespace)
    assert deployed(api, namespace, first).exit_code == 0
    inventory = stored(api, namespace)
    ref = ObjectRef(dead_group, "Thing", namespace, "gone")
    entry = InventoryEntry(ref, f"{dead_group}/v1", "some-uid")
    _store(api, inventory, entry)
    assert deployed(api, namespace, in_namespace(config_map(a="2"), namespace)).exit_code == 0
    assert ref in {kept.ref for kept in stored(api, namespace).entries}


def _store(api: HttpApi, inventory: Inventory, entry: InventoryEntry) -> None:
    write_inventory(api, replace(inventory, entries=(*inventory.entries, entry)))


def test_an_object_that_is_being_deleted_is_blocked_with_what_holds_it(
    api: HttpApi, control_plane: ControlPlane, namespace: str
) -> None:
    held = in_namespace(config_map(a="1"), namespace)
    held["metadata"]["finalizers"] = ["example.com/hold", "example.com/wait"]
    assert deployed(api, namespace, held).exit_code == 0
    path = f"/api/v1/namespaces/{namespace}/configmaps/env"
    control_plane.request("DELETE", path)
    change = change_of(prepare(api, namespace, in_namespace(config_map(a="2"), namespace)).plan, "env")
    assert change.action is Action.BLOCKED
    assert "is being deleted since" in change.reason
    assert "held by finalizers example.com/hold, example.com/wait; wait until it has gone" in change.reason
    control_plane.request("PATCH", path, {"metadata": {"finalizers": []}}, "application/merge-patch+json")


def test_what_lives_in_a_namespace_that_is_being_deleted_is_told_to_wait(
    api: HttpApi, control_plane: ControlPlane
) -> None:
    place = f"going-{uuid.uuid4().hex[:8]}"
    own = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}}
    held = in_namespace(config_map("held"), place)
    held["metadata"]["finalizers"] = ["example.com/hold"]
    control_plane.request("POST", "/api/v1/namespaces", own)
    control_plane.request("POST", f"/api/v1/namespaces/{place}/configmaps", held)
    control_plane.request("DELETE", f"/api/v1/namespaces/{place}")
    with pytest.raises(PlanError) as raised:
        make_plan(request_for(place, own, in_namespace(config_map(a="1"), place)), api)
    (problem,) = raised.value.problems
    assert problem.ref == ObjectRef("", "ConfigMap", place, "env")
    assert problem.hint == "the namespace is being deleted: wait until it has gone, then run again"
    change = change_of(make_plan(request_for(place, own), api), place)
    assert (change.action, "is being deleted since" in change.reason) == (Action.BLOCKED, True)
    path = f"/api/v1/namespaces/{place}/configmaps/held"
    control_plane.request("PATCH", path, {"metadata": {"finalizers": []}}, "application/merge-patch+json")


def test_a_binding_to_a_role_of_the_set_is_planned_and_applied_by_a_credential_with_few_rights(
    own_control_plane: ControlPlane, api: HttpApi, namespace: str
) -> None:
    rules = [
        {"apiGroups": ["", "coordination.k8s.io"], "resources": ["configmaps", "leases"], "verbs": ["*"]},
        {"apiGroups": [RBAC], "resources": ["roles", "rolebindings"], "verbs": ["get", "list", "create", "patch"]},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
    ]
    user = f"u-{namespace}"
    _grant(own_control_plane, namespace, user, rules)
    metadata = {"name": "reader", "namespace": namespace}
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules[:1]}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {**metadata, "name": "readers"},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}],
    }
    with connected(own_control_plane.new_user(user)) as limited:
        change = change_of(prepare(limited, namespace, role, binding).plan, "readers")
        assert (change.action, change.fidelity) == (Action.CREATE, Fidelity.CLIENT)
        assert "it depends on rbac.authorization.k8s.io/Role" in change.reason
        assert deployed(limited, namespace, role, binding).exit_code == 0
        assert {c.fidelity for c in prepare(limited, namespace, role, binding).plan.changes} == {Fidelity.SERVER}


def _grant(control_plane: ControlPlane, namespace: str, user: str, rules: list[Body]) -> None:
    path = f"/apis/{RBAC}/v1/namespaces/{namespace}"
    control_plane.request("POST", f"{path}/roles", {"metadata": {"name": "deployer"}, "rules": rules})
    binding = {
        "metadata": {"name": "deployer"},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "deployer"},
        "subjects": [{"kind": "User", "name": user, "apiGroup": RBAC}],
    }
    control_plane.request("POST", f"{path}/rolebindings", binding)


def test_the_server_s_own_word_on_what_is_too_large_is_understood(reader: HttpApi, namespace: str) -> None:
    large = in_namespace(config_map(a="x" * 3_200_000), namespace)
    with pytest.raises(PlanError) as raised:
        make_plan(request_for(namespace, large), reader)
    (problem,) = raised.value.problems
    assert "split it" in str(problem.hint)


@pytest.mark.parametrize(
    ("kind", "field", "most"),
    [("ConfigMap", "data", 1_048_576), ("ConfigMap", "binaryData", 1_048_576), ("Secret", "data", 1_048_576)],
)
def test_the_limits_of_data_and_annotations_are_the_server_s_own(
    reader: HttpApi, namespace: str, kind: str, field: str, most: int
) -> None:
    served = reader.served_kinds().find("", kind)
    assert served is not None

    def taken(size: int, annotation: int = 0) -> tuple[bool, bool]:
        text = "x" * size if (kind, field) == ("ConfigMap", "data") else base64.b64encode(b"x" * size).decode()
        metadata = {"name": "large", "namespace": namespace, "annotations": {"a": "x" * annotation}}
        body = {"apiVersion": "v1", "kind": kind, "metadata": metadata, field: {"a": text}}
        offline = not list(size_problems(body, ObjectRef("", kind, namespace, "large"), Origin("a.yaml")))
        try:
            reader.dry_run_apply(served, namespace, "large", body)
        except ApiFailure:
            return False, offline
        return True, offline

    assert taken(most) == (True, True)
    assert taken(most + 1) == (False, False)
    assert taken(1, 262_143) == (True, True)
    assert taken(1, 262_144) == (False, False)
