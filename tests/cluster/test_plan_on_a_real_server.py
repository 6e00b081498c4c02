from __future__ import annotations

import copy
import uuid
from dataclasses import replace
from typing import Any

import pytest

from gitops_push.cluster.client import HttpApi
from gitops_push.cluster.planner import make_plan
from gitops_push.core.errors import ClusterError, PlanError, RefusedError
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.plan import Action, Fidelity
from tests.cluster.connecting import connected
from tests.cluster.many_kinds import REAL_CHANGES, definition, many_kinds, widget
from tests.cluster.planning import apply_all, request_for, until
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.unit.cluster.plans import actions, change_of, config_map, deployment

Body = dict[str, Any]


@pytest.fixture
def group(api: HttpApi) -> str:
    """The API group of a CustomResourceDefinition that is established."""
    name = f"g{uuid.uuid4().hex[:8]}.example.com"
    apply_all(request_for("default", definition(name)), api)
    until(lambda: api.served_kinds(refresh=True).find(name, "Widget") is not None)
    return name


def in_namespace(body: Body, namespace: str) -> Body:
    return {**body, "metadata": {**body["metadata"], "namespace": namespace}}


def test_after_an_apply_nothing_is_left_to_do_for_any_kind(
    api: HttpApi, reader: HttpApi, namespace: str, group: str
) -> None:
    wanted = request_for(namespace, *many_kinds(namespace), widget(group), definition(group))
    apply_all(wanted, api)
    until(lambda: api.get(_cluster_role(api), "", f"{namespace}-all")["rules"])  # type: ignore[index]
    plan = make_plan(wanted, reader)
    assert {c.ref: (c.action, c.fields, c.reason) for c in plan.changes if c.action is not Action.UNCHANGED} == {}
    assert not plan.has_changes


def _cluster_role(api: HttpApi) -> Any:
    return api.served_kinds().find("rbac.authorization.k8s.io", "ClusterRole")


def test_a_real_change_of_each_kind_is_the_one_field_shown(
    api: HttpApi, reader: HttpApi, namespace: str, group: str
) -> None:
    bodies = [*many_kinds(namespace), in_namespace(widget(group), namespace)]
    apply_all(request_for(namespace, *bodies), api)
    changed = copy.deepcopy(bodies)
    expected = {}
    for body in changed:
        if body["kind"] in REAL_CHANGES:
            change, field = REAL_CHANGES[body["kind"]]
            change(body)
            expected[body["kind"]] = [field]
    plan = make_plan(request_for(namespace, *changed), reader)
    shown = {
        change.ref.kind: [format_field_path(field.path) for field in change.fields]
        for change in plan.changes
        if change.action is Action.UPDATE
    }
    assert shown == expected
    assert set(expected) == set(REAL_CHANGES)


def test_a_secret_value_is_nowhere_in_a_plan(api: HttpApi, reader: HttpApi, namespace: str) -> None:
    secret = next(body for body in many_kinds(namespace) if body["kind"] == "Secret")
    leaky = config_map(note="the password is correct-horse-battery, the new one another-horse")
    changed = copy.deepcopy(secret)
    changed["stringData"]["password"] = "another-horse"
    fresh = make_plan(
        request_for(namespace, changed, in_namespace(config_map(note="another-horse"), namespace)), reader
    )
    apply_all(request_for(namespace, secret), api)
    plan = make_plan(request_for(namespace, changed, in_namespace(leaky, namespace)), reader)
    assert change_of(plan, "login").action is Action.UPDATE
    for text in (repr(fresh), str(fresh), repr(plan), str(plan)):
        for value in ("correct-horse-battery", "another-horse", "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5", "YW5vdGhlci1ob3JzZQ"):
            assert value not in text


def test_a_value_that_someone_set_to_the_same_before_changes_only_the_ownership(
    api: HttpApi, reader: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    before = in_namespace(config_map(a="1"), namespace)
    apply_all(request_for(namespace, before), api)
    kubectl("patch", "configmap", "env", "-n", namespace, "--type=merge", "-p", '{"data":{"b":"2"}}')
    plan = make_plan(request_for(namespace, in_namespace(config_map(a="1", b="2"), namespace)), reader)
    change = change_of(plan, "env")
    assert change.action is Action.OWNERSHIP
    assert "data.b" in change.reason


def test_an_edit_by_a_person_is_taken_back_and_says_whose_it_was(
    api: HttpApi, reader: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    wanted = request_for(namespace, in_namespace(deployment(), namespace))
    apply_all(wanted, api)
    kubectl("scale", "deployment", "web", "-n", namespace, "--replicas=5")
    change = change_of(make_plan(wanted, reader), "web")
    (loss,) = change.taken
    assert (loss.field, loss.manager) == ("spec.replicas", "kubectl")
    (field,) = change.fields
    assert (field.before, field.after) == (5, 2)
    protected = replace(wanted, environment=replace(wanted.environment, protected=True))
    with pytest.raises(RefusedError, match=r"spec\.replicas is also set to 5 by \"kubectl\" \(Update of scale"):
        make_plan(protected, reader)


def test_another_controllers_field_is_a_conflict_with_value_manager_and_line(
    api: HttpApi, reader: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    wanted = request_for(namespace, in_namespace(deployment(), namespace))
    apply_all(wanted, api)
    kubectl("set", "image", "deployment/web", "web=web:9", "-n", namespace, "--field-manager=image-updater")
    with pytest.raises(RefusedError) as raised:
        make_plan(wanted, reader)
    (problem,) = raised.value.problems
    assert problem.code == "GP0302"
    assert 'spec.template.spec.containers[name=web].image is also set to "web:9" by "image-updater"' in problem.message
    assert str(problem.origin) == "web.yaml:1:1"


def test_what_the_server_rejects_is_listed_whole_with_the_fields(reader: HttpApi, namespace: str) -> None:
    bad_port = in_namespace(deployment("ports"), namespace)
    bad_port["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] = 99999
    typo = in_namespace(deployment("typo", replica=3), namespace)
    wrong_type = in_namespace(deployment("types", replicas="three"), namespace)
    nowhere = {**config_map("nowhere"), "metadata": {"name": "nowhere", "namespace": f"{namespace}-gone"}}
    unknown = {**config_map("unknown"), "apiVersion": "apps/v1", "kind": "Deploymnet"}
    with pytest.raises(PlanError) as raised:
        make_plan(request_for(namespace, bad_port, typo, wrong_type, nowhere, unknown, config_map()), reader)
    problems = {problem.ref.name: problem for problem in raised.value.problems if problem.ref}
    assert {name: problem.code.name for name, problem in problems.items()} == {
        "ports": "DRY_RUN_REJECTED",
        "typo": "DRY_RUN_REJECTED",
        "types": "DRY_RUN_REJECTED",
        "nowhere": "NAMESPACE_MISSING",
        "unknown": "KIND_NOT_SERVED",
        "env": "NAMESPACE_MISSING",
    }
    assert "containers[0].ports[0].containerPort" in problems["ports"].message
    assert "replica" in problems["typo"].message
    assert "did you mean 'Deployment'" in str(problems["unknown"].hint)


def test_an_immutable_field_is_called_so(api: HttpApi, reader: HttpApi, namespace: str) -> None:
    apply_all(request_for(namespace, in_namespace(deployment(), namespace)), api)
    changed = in_namespace(deployment(), namespace)
    changed["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    changed["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    with pytest.raises(PlanError) as raised:
        make_plan(request_for(namespace, changed), reader)
    assert {problem.code.name for problem in raised.value.problems} == {"IMMUTABLE_FIELD"}


def test_objects_whose_namespace_or_definition_comes_with_the_set_are_planned_without_asking(reader: HttpApi) -> None:
    place, group = f"new-{uuid.uuid4().hex[:8]}", f"n{uuid.uuid4().hex[:8]}.example.com"
    own = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}}
    wanted = request_for(place, own, in_namespace(config_map(a="1"), place), definition(group), widget(group))
    plan = make_plan(wanted, reader)
    assert {change.ref.name: (change.action, change.fidelity) for change in plan.changes} == {
        place: (Action.CREATE, Fidelity.SERVER),
        f"widgets.{group}": (Action.CREATE, Fidelity.SERVER),
        "env": (Action.CREATE, Fidelity.CLIENT),
        "widget": (Action.CREATE, Fidelity.SCHEMA),
    }
    assert change_of(plan, "widget").ref.namespace == place
    assert "new namespace" in change_of(plan, "env").reason


def test_what_left_the_set_is_deleted_and_what_others_took_is_kept(
    api: HttpApi, reader: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    bodies = [in_namespace(config_map(name, a="1"), namespace) for name in ("stays", "goes", "released", "kept")]
    kept = bodies[3]["metadata"]
    kept["annotations"] = {"helm.sh/resource-policy": "keep"}
    owned = apply_all(request_for(namespace, *bodies), api)
    kubectl("label", "configmap", "released", "-n", namespace, "applyset.kubernetes.io/part-of-")
    plan = make_plan(request_for(namespace, bodies[0], owned=owned), reader)
    assert actions(plan) == {
        "goes": Action.PRUNE,
        "stays": Action.UNCHANGED,
        "released": Action.KEPT,
        "kept": Action.KEPT,
    }
    assert "helm.sh/resource-policy" in change_of(plan, "kept").reason


def test_a_credential_that_may_read_nothing_is_told_what_is_missing(
    control_plane: ControlPlane, namespace: str
) -> None:
    nobody = control_plane.new_user(f"nobody-{uuid.uuid4().hex[:6]}")
    wanted = request_for(namespace, in_namespace(config_map(a="1"), namespace))
    with (
        connected(nobody, read_only=True) as connection,
        pytest.raises(ClusterError, match=f"may neither list nor get configmaps in namespace {namespace}"),
    ):
        make_plan(wanted, connection)


def test_a_credential_that_may_only_read_is_told_which_verb_a_plan_needs(
    control_plane: ControlPlane, namespace: str, kubectl: Kubectl
) -> None:
    name = f"viewer-{uuid.uuid4().hex[:6]}"
    kubectl("create", "role", name, "-n", namespace, "--verb=get,list", "--resource=configmaps,deployments.apps")
    kubectl("create", "rolebinding", name, "-n", namespace, f"--role={name}", f"--user={name}")
    wanted = request_for(namespace, in_namespace(config_map(a="1"), namespace), in_namespace(deployment(), namespace))
    viewer = control_plane.new_user(name)
    with connected(viewer, read_only=True) as connection, pytest.raises(PlanError) as raised:
        make_plan(wanted, connection)
    assert {problem.code.name for problem in raised.value.problems} == {"SERVER_FORBIDS"}
    assert [problem.message.partition(";")[0] for problem in raised.value.problems] == [
        f"v1/ConfigMap {namespace}/env: the credential may not patch configmaps in namespace {namespace}",
        f"apps/Deployment {namespace}/web: the credential may not patch deployments.apps in namespace {namespace}",
    ]


def test_an_autoscalers_replicas_are_a_conflict_that_names_the_scale_subresource(
    control_plane: ControlPlane, api: HttpApi, reader: HttpApi, namespace: str
) -> None:
    wanted = request_for(namespace, in_namespace(deployment(), namespace))
    apply_all(wanted, api)
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web/scale?fieldManager=kube-controller-manager"
    control_plane.request("PATCH", path, {"spec": {"replicas": 7}}, "application/merge-patch+json")
    expected = r'spec\.replicas is also set to 7 by "kube-controller-manager" \(Update of scale'
    with pytest.raises(RefusedError, match=expected):
        make_plan(wanted, reader)
