from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from gitops_push.cluster.api import ApiFailure, Precondition, ServedKind
from gitops_push.cluster.planner import PlanRequest, make_plan
from gitops_push.cluster.targets import find_targets
from gitops_push.core.codes import Code
from gitops_push.core.environment import FieldRule, PruneRules
from gitops_push.core.errors import ClusterError, PlanError, RefusedError
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.inventory import PART_OF_LABEL, InventoryEntry
from gitops_push.core.objects import ObjectRef
from gitops_push.core.ownership import ForcedConflicts
from gitops_push.core.plan import Action, Fidelity
from gitops_push.core.redaction import Masked, Redactor
from tests.fakes import FakeApiServer
from tests.unit.cluster.plans import (
    actions,
    change_of,
    config_map,
    deployment,
    environment,
    manifest,
    namespace,
    request,
)

Body = dict[str, Any]


@pytest.fixture
def server() -> FakeApiServer:
    fake = FakeApiServer()
    fake.put(namespace())
    return fake


def deploy(wanted: PlanRequest, server: FakeApiServer) -> tuple[InventoryEntry, ...]:
    """Apply everything as the planner would send it, and forget the requests."""
    found = find_targets(wanted.manifests, server.served_kinds(), wanted.environment, wanted.inventory.id)
    assert found.problems == ()
    entries = []
    for target in found.applied:
        assert target.kind is not None
        answer = server.apply(target.kind, *target.place, target.body, Precondition())
        entries.append(InventoryEntry(target.ref, target.manifest.api_version, answer.body["metadata"]["uid"]))
    server.requests.clear()
    return tuple(entries)


def config_maps(names: Iterable[str]) -> list[Body]:
    return [config_map(name, a="1") for name in names]


def test_a_plan_of_n_objects_in_l_places_costs_n_dry_runs_l_lists_and_one_discovery(server: FakeApiServer) -> None:
    server.put(namespace("other"))
    elsewhere = {**config_map("far"), "metadata": {"name": "far", "namespace": "other"}}
    wanted = request(*config_maps("abcde"), elsewhere, deployment())
    for _ in range(2):
        server.requests.clear()
        make_plan(wanted, server)
        assert server.count() == Counter(served_kinds=1, list=3, dry_run_apply=7)
        deploy(wanted, server)


def test_a_plan_never_writes(server: FakeApiServer) -> None:
    owned = deploy(request(*config_maps("ab"), deployment()), server)
    make_plan(request(config_map("a", a="2"), deployment(image="web:2"), owned=owned), server)
    assert server.writes == ()


def test_new_changed_unchanged_and_removed_objects_get_their_actions(server: FakeApiServer) -> None:
    owned = deploy(request(*config_maps(["same", "other", "old"])), server)
    plan = make_plan(
        request(config_map("same", a="1"), config_map("other", a="2"), config_map("new", a="1"), owned=owned), server
    )
    assert actions(plan) == {
        "old": Action.PRUNE,
        "new": Action.CREATE,
        "other": Action.UPDATE,
        "same": Action.UNCHANGED,
    }
    assert [change.ref.name for change in plan.changes] == ["old", "new", "other", "same"]
    (field,) = change_of(plan, "other").fields
    assert (format_field_path(field.path), field.before, field.after) == ("data.a", "1", "2")
    assert change_of(plan, "old").live_uid == next(entry.uid for entry in owned if entry.ref.name == "old")


def test_a_field_removed_from_the_config_is_shown_as_removed(server: FakeApiServer) -> None:
    deploy(request(config_map(a="1", b="2")), server)
    (field,) = change_of(make_plan(request(config_map(a="1")), server), "env").fields
    assert (format_field_path(field.path), field.before, str(field.after)) == ("data.b", "2", "Absent.ABSENT")


def test_what_only_the_server_changes_is_counted_and_not_shown(server: FakeApiServer) -> None:
    deploy(request(config_map(a="1")), server)

    def inject(body: Body) -> None:
        body["metadata"].setdefault("annotations", {})["injected"] = "yes"

    server.mutate = inject
    change = change_of(make_plan(request(config_map(a="1")), server), "env")
    assert (change.action, change.fields, change.server_changes) == (Action.UPDATE, (), 1)
    assert "only the server" in change.reason


def test_a_value_that_is_there_already_but_not_ours_changes_the_ownership(server: FakeApiServer) -> None:
    deploy(request(config_map(a="1")), server)
    server.edit("ConfigMap", "shop", "env", lambda body: body["data"].update(b="2"))
    plan = make_plan(request(config_map(a="1", b="2")), server)
    change = change_of(plan, "env")
    assert (change.action, change.fields) == (Action.OWNERSHIP, ())
    assert change.reason.endswith("become ours: data.b")
    assert plan.has_changes


def test_a_persons_edit_is_taken_over_and_named(server: FakeApiServer) -> None:
    deploy(request(deployment()), server)
    server.edit("Deployment", "shop", "web", lambda body: body["spec"].update(replicas=5))
    change = change_of(make_plan(request(deployment()), server), "web")
    (loss,) = change.taken
    assert (loss.field, loss.manager, loss.operation) == ("spec.replicas", "kubectl-edit", "Update")
    (field,) = change.fields
    assert field.owner is not None
    assert (field.before, field.after, field.owner.manager) == (5, 2, "kubectl-edit")


@pytest.mark.parametrize(("manager", "protected"), [("image-updater", False), ("kubectl-edit", True)])
def test_a_conflict_is_refused_with_field_value_manager_time_and_line(
    server: FakeApiServer, manager: str, protected: bool
) -> None:
    wanted = request(deployment(), environment=environment(protected=protected))
    deploy(wanted, server)
    server.edit("Deployment", "shop", "web", lambda body: body["spec"].update(replicas=5), manager)
    with pytest.raises(RefusedError) as raised:
        make_plan(wanted, server)
    (problem,) = raised.value.problems
    assert problem.message.startswith(
        f'field conflict on apps/Deployment shop/web: spec.replicas is also set to 5 by "{manager}" (Update, 2026-'
    )
    assert problem.code == "GP0302"
    assert str(problem.origin) == "web.yaml:1:1"
    assert problem.hint is not None
    assert "--force-conflict Deployment/web" in problem.hint


@pytest.mark.parametrize(
    "forced", [ForcedConflicts(everything=True), ForcedConflicts(objects=frozenset({"deployment/web"}))]
)
def test_a_conflict_can_be_forced(server: FakeApiServer, forced: ForcedConflicts) -> None:
    deploy(request(deployment()), server)
    server.edit("Deployment", "shop", "web", lambda body: body["spec"].update(replicas=5), "hpa")
    change = change_of(make_plan(request(deployment(), forced=forced), server), "web")
    assert (change.action, [loss.manager for loss in change.taken]) == (Action.UPDATE, ["hpa"])
    with pytest.raises(RefusedError):
        make_plan(request(deployment(), forced=ForcedConflicts(objects=frozenset({"Deployment/api"}))), server)


def test_an_object_of_another_owner_is_blocked_with_the_way_out(server: FakeApiServer) -> None:
    labels = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
    body = config_map(a="1")
    body["metadata"]["labels"] = labels
    server.put(body, "kustomize-controller")
    plan = make_plan(request(config_map(a="2")), server)
    change = change_of(plan, "env")
    assert change.action is Action.BLOCKED
    assert "the Flux Kustomization flux-system/apps" in change.reason
    assert "flux suspend" in change.reason
    assert not plan.has_changes


def test_objects_in_a_namespace_of_the_set_are_planned_without_asking() -> None:
    server = FakeApiServer()
    plan = make_plan(request(namespace(), config_map(a="1"), deployment()), server)
    assert {c.ref.name: (c.action, c.fidelity) for c in plan.changes if c.ref.kind != "Namespace"} == {
        "env": (Action.CREATE, Fidelity.CLIENT),
        "web": (Action.CREATE, Fidelity.CLIENT),
    }
    assert server.count()["dry_run_apply"] == 1
    assert "in a new namespace" in change_of(plan, "env").reason


CRD: Body = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [{"name": "v1", "served": True, "storage": True}],
    },
}
WIDGET: Body = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 1}}


def test_an_object_whose_definition_is_in_the_set_is_planned_without_asking(server: FakeApiServer) -> None:
    change = change_of(make_plan(request(CRD, WIDGET), server), "w")
    assert (change.action, change.fidelity) == (Action.CREATE, Fidelity.CLIENT)
    assert change.ref.namespace == "shop"
    assert "CustomResourceDefinition widgets.example.com" in change.reason


def test_a_rejection_is_not_final_while_the_definition_changes_in_the_same_run(server: FakeApiServer) -> None:
    server.serve(ServedKind("example.com", "v1", "Widget", "widgets", namespaced=True))
    deploy(request(CRD, WIDGET), server)
    rejection = ApiFailure(400, "BadRequest", 'strict decoding error: unknown field "spec.colour"')
    changed = {**WIDGET, "spec": {"size": 1, "colour": "red"}}
    server.fail("dry_run_apply", "w", rejection)
    with pytest.raises(PlanError, match="colour"):
        make_plan(request(CRD, changed), server)
    wider = {**CRD, "spec": {**CRD["spec"], "names": {**CRD["spec"]["names"], "shortNames": ["wi"]}}}
    server.fail("dry_run_apply", "w", rejection)
    change = change_of(make_plan(request(wider, changed), server), "w")
    assert (change.action, change.fidelity) == (Action.UPDATE, Fidelity.CLIENT)
    assert "depends on apiextensions.k8s.io/CustomResourceDefinition widgets.example.com" in change.reason


def with_schema(**fields: Body) -> Body:
    spec = {"type": "object", "properties": fields, "x-kubernetes-validations": [{"rule": "self.size > 0"}]}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    return {**CRD, "spec": {**CRD["spec"], "versions": [{**CRD["spec"]["versions"][0], "schema": schema}]}}


def test_an_object_is_checked_by_the_schema_of_a_definition_that_comes_with_it(server: FakeApiServer) -> None:
    change = change_of(make_plan(request(with_schema(size={"type": "integer"}), WIDGET), server), "w")
    assert (change.action, change.fidelity) == (Action.CREATE, Fidelity.SCHEMA)
    assert change.unchecked == ("1 CEL rule not checked",)
    with pytest.raises(PlanError) as raised:
        make_plan(request(with_schema(size={"type": "string"}, name={"type": "string"}), WIDGET), server)
    (problem,) = raised.value.problems
    assert (problem.code, problem.message) == (
        Code.SCHEMA_INVALID,
        "example.com/Widget shop/w: spec.size must be a string, this is 1",
    )


def test_a_changed_definition_judges_what_the_server_still_takes_and_still_refuses(server: FakeApiServer) -> None:
    server.serve(ServedKind("example.com", "v1", "Widget", "widgets", namespaced=True))
    deploy(request(with_schema(size={"type": "integer"}), WIDGET), server)
    stricter = with_schema(size={"type": "integer", "maximum": 0})
    with pytest.raises(PlanError, match=r"spec\.size must be at most 0"):
        make_plan(request(stricter, WIDGET), server)
    wider = with_schema(size={"type": "integer"}, colour={"type": "string"})
    coloured = {**WIDGET, "spec": {"size": 1, "colour": "red"}}
    server.fail(
        "dry_run_apply", "w", ApiFailure(400, "BadRequest", 'strict decoding error: unknown field "spec.colour"')
    )
    change = change_of(make_plan(request(wider, coloured), server), "w")
    assert (change.action, change.fidelity) == (Action.UPDATE, Fidelity.SCHEMA)
    forbidden = 'widgets "w" is forbidden: User "ci" cannot patch resource "widgets" in API group "example.com"'
    server.fail("dry_run_apply", "w", ApiFailure(403, "Forbidden", forbidden))
    with pytest.raises(PlanError, match="may not patch"):
        make_plan(request(wider, coloured), server)


def test_a_version_that_the_set_adds_to_a_definition_is_compared_with_what_is_there(server: FakeApiServer) -> None:
    server.serve(ServedKind("example.com", "v1", "Widget", "widgets", namespaced=True))
    deploy(request(CRD, WIDGET), server)
    versions = [*CRD["spec"]["versions"], {"name": "v2", "served": True, "storage": False}]
    wider = {**CRD, "spec": {**CRD["spec"], "versions": versions}}
    newer = {**WIDGET, "apiVersion": "example.com/v2", "spec": {"size": 2}}
    change = change_of(make_plan(request(wider, newer), server), "w")
    assert (change.action, change.fidelity, change.api_version) == (Action.UPDATE, Fidelity.CLIENT, "example.com/v2")
    assert [format_field_path(field.path) for field in change.fields] == ["spec.size"]
    assert "version v2 of its kind" in change.reason


def test_a_binding_to_a_role_of_the_same_run_is_not_rejected_for_it(server: FakeApiServer) -> None:
    group = "rbac.authorization.k8s.io"
    metadata = {"name": "role", "namespace": "shop"}
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": []}
    binding = {
        **role,
        "kind": "RoleBinding",
        "metadata": {**metadata, "name": "binding"},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "role"},
    }
    refusal = ApiFailure(404, "NotFound", 'roles.rbac.authorization.k8s.io "role" not found')
    server.fail("dry_run_apply", "binding", refusal, times=2)
    change = change_of(make_plan(request(role, binding), server), "binding")
    assert (change.action, change.fidelity) == (Action.CREATE, Fidelity.CLIENT)
    deploy(request(role), server)
    with pytest.raises(PlanError, match="not found"):
        make_plan(request(role, binding), server)


def test_unknown_kinds_wrong_versions_and_dead_groups_are_all_listed_with_hints() -> None:
    server = FakeApiServer(unavailable=frozenset({"metrics.k8s.io"}))
    bodies = [
        {**deployment("typo"), "kind": "Deploymnet"},
        {**deployment("old"), "apiVersion": "apps/v1beta1"},
        {**deployment("group"), "apiVersion": "extensions/v1beta1"},
        {**config_map("dead"), "apiVersion": "metrics.k8s.io/v1", "kind": "Metric"},
    ]
    with pytest.raises(PlanError) as raised:
        make_plan(request(*bodies), server)
    hints = {p.ref.name: f"{p.message} {p.hint}" for p in raised.value.problems if p.ref}
    assert "did you mean 'Deployment'" in hints["typo"]
    assert "but as apps/v1" in hints["old"]
    assert "serves Deployment as apps/v1" in hints["group"]
    assert "does not answer" in hints["dead"]
    assert {problem.code for problem in raised.value.problems} == {"GP0304"}


def test_a_missing_namespace_is_told_once_at_its_line() -> None:
    with pytest.raises(PlanError) as raised:
        make_plan(request(*config_maps("abc")), FakeApiServer())
    (problem,) = raised.value.problems
    assert (problem.code, str(problem.origin)) == ("GP0305", "a.yaml:1:1")
    assert "namespace shop does not exist" in problem.message


def test_all_rejections_are_listed(server: FakeApiServer) -> None:
    causes = [("spec.replicas", "FieldValueInvalid", "Invalid value: -1")]
    server.fail("dry_run_apply", "web", ApiFailure(422, "Invalid", "Deployment is invalid", causes=causes))
    server.fail(
        "dry_run_apply",
        "env",
        ApiFailure(403, "Forbidden", 'User "ci" cannot patch resource "configmaps" in API group ""'),
    )
    with pytest.raises(PlanError) as raised:
        make_plan(request(deployment(), config_map(a="1")), server)
    messages = {problem.code.name: problem.message for problem in raised.value.problems}
    assert messages == {
        "DRY_RUN_REJECTED": "apps/Deployment shop/web: spec.replicas: Invalid value: -1",
        "SERVER_FORBIDS": "v1/ConfigMap shop/env: the credential may not patch configmaps in namespace shop; "
        "a dry run needs the same rights as the apply",
    }


def test_a_webhook_without_dry_run_makes_the_object_unverified(server: FakeApiServer) -> None:
    deploy(request(config_map(a="1"), config_map("same", a="1")), server)
    refusal = ApiFailure(400, "BadRequest", 'admission webhook "w.example.com" does not support dry run')
    server.fail("dry_run_apply", "", refusal, times=2)
    plan = make_plan(request(config_map(a="2"), config_map("same", a="1")), server)
    assert {c.ref.name: (c.action, c.fidelity) for c in plan.changes} == {
        "env": (Action.UPDATE, Fidelity.REFUSED),
        "same": (Action.UNCHANGED, Fidelity.REFUSED),
    }
    assert "does not support dry run" in change_of(plan, "env").reason


def test_without_a_dry_run_the_live_owners_tell_of_conflicts(server: FakeApiServer) -> None:
    deploy(request(config_map(a="1")), server)
    server.edit("ConfigMap", "shop", "env", lambda body: body["data"].update(a="2"), "image-updater")
    refusal = ApiFailure(400, "BadRequest", 'admission webhook "w.example.com" does not support dry run')
    server.fail("dry_run_apply", "", refusal, times=2)
    with pytest.raises(RefusedError, match=r'data\.a is also set to "2" by "image-updater"'):
        make_plan(request(config_map(a="1")), server)
    change = change_of(make_plan(request(config_map(a="1"), forced=ForcedConflicts(everything=True)), server), "env")
    assert (change.fidelity, [loss.manager for loss in change.taken]) == (Fidelity.REFUSED, ["image-updater"])


def test_warnings_of_the_server_are_in_the_plan_without_secrets(server: FakeApiServer) -> None:
    plan = make_plan(request(secret(password="the-new-password")), Warner(server))
    (warning,) = change_of(plan, "login").warnings
    assert warning.startswith("unknown value")
    assert "the-new-password" not in warning


class Warner:
    """A reader that warns in every answer."""

    def __init__(self, server: FakeApiServer) -> None:
        self._server = server

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)

    def dry_run_apply(self, kind: ServedKind, place: str, name: str, body: Any) -> Any:
        return replace(
            self._server.dry_run_apply(kind, place, name, body), warnings=("unknown value the-new-password",)
        )


def test_an_object_that_moves_during_the_diff_is_read_again(server: FakeApiServer) -> None:
    deploy(request(config_map(a="1")), server)
    reader = Restless(server, moves=1)
    change = change_of(make_plan(request(config_map(a="1")), reader), "env")
    assert change.action is Action.UNCHANGED
    assert change.live_resource_version == server.live("ConfigMap", "shop", "env")["metadata"]["resourceVersion"]


def test_an_object_that_never_rests_is_a_problem(server: FakeApiServer) -> None:
    deploy(request(config_map(a="1")), server)
    with pytest.raises(PlanError, match="changed during the diff, 4 times"):
        make_plan(request(config_map(a="1")), Restless(server, moves=99))


class Restless:
    """A reader whose object is written by somebody before each answer about it, some times."""

    def __init__(self, server: FakeApiServer, moves: int) -> None:
        self._server = server
        self._moves = moves

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)

    def get(self, kind: ServedKind, place: str, name: str) -> Any:
        self._move(place, name)
        return self._server.get(kind, place, name)

    def dry_run_apply(self, kind: ServedKind, place: str, name: str, body: Any) -> Any:
        self._move(place, name)
        return self._server.dry_run_apply(kind, place, name, body)

    def _move(self, place: str, name: str) -> None:
        if self._moves:
            self._moves -= 1
            self._server.set_status("ConfigMap", place, name, {"moves": self._moves})


@pytest.mark.parametrize("status", [403, 405])
def test_where_listing_is_not_possible_objects_are_read_one_by_one(server: FakeApiServer, status: int) -> None:
    deploy(request(*config_maps("ab")), server)
    server.fail("list", "", ApiFailure(status, "Forbidden", "no list"))
    plan = make_plan(request(*config_maps("abc")), server)
    assert actions(plan) == {"a": Action.UNCHANGED, "b": Action.UNCHANGED, "c": Action.CREATE}
    assert server.count()["get"] == 3


def test_a_list_that_fails_ends_the_plan(server: FakeApiServer) -> None:
    server.fail("list", "", ApiFailure(500, "InternalError", "etcd is gone"))
    with pytest.raises(ClusterError, match="could not list configmaps in namespace shop: etcd is gone"):
        make_plan(request(config_map(a="1")), server)


def test_what_may_not_be_read_at_all_ends_the_plan_and_names_the_verb(server: FakeApiServer) -> None:
    server.fail("list", "", ApiFailure(403, "Forbidden", "no list"))
    server.fail("get", "env", ApiFailure(403, "Forbidden", "no get"))
    with pytest.raises(ClusterError) as raised:
        make_plan(request(config_map(a="1")), server)
    (problem,) = raised.value.problems
    assert problem.message.endswith("neither list nor get configmaps in namespace shop")


def test_nothing_is_deleted_while_something_of_the_inventory_cannot_be_read(server: FakeApiServer) -> None:
    owned = deploy(request(*config_maps(["stays", "goes"]), deployment("gone")), server)
    server.fail("list", "", ApiFailure(403, "Forbidden", "no list"), times=2)
    server.fail("get", "gone", ApiFailure(403, "Forbidden", "no get"))
    plan = make_plan(request(*config_maps(["stays"]), owned=owned), server)
    assert change_of(plan, "goes").action is Action.KEPT
    assert "apps/Deployment shop/gone" in change_of(plan, "goes").reason


def test_external_objects_must_exist_and_are_never_planned(server: FakeApiServer) -> None:
    shop, absent = ObjectRef("", "Namespace", "", "shop"), ObjectRef("", "Secret", "shop", "login")
    wanted = request(namespace(), config_map(a="1"), environment=environment(external=(shop,)))
    assert actions(make_plan(wanted, server)) == {"env": Action.CREATE}
    assert server.count()["get"] == 1
    missing = replace(wanted, environment=environment(external=(shop, absent)))
    with pytest.raises(PlanError, match="external object v1/Secret shop/login does not exist"):
        make_plan(missing, server)


def test_more_deletions_than_one_run_may_make_are_refused_with_the_list(server: FakeApiServer) -> None:
    owned = deploy(request(*config_maps("abcdefgh")), server)
    with pytest.raises(RefusedError, match="5 of 8 objects would be deleted") as raised:
        make_plan(request(*config_maps("abc"), owned=owned), server)
    assert "delete v1/ConfigMap shop/h" in raised.value.problems[0].message
    allowed = request(*config_maps("abc"), owned=owned, environment=environment(prune=PruneRules(max_count=5)))
    assert make_plan(allowed, server).count(Action.PRUNE) == 5


def hashed(suffix: str, **data: str) -> Any:
    return manifest(config_map(f"env-{suffix}", **data), unhashed_name="env")


def test_a_hashed_name_is_shown_as_the_difference_to_its_predecessor(server: FakeApiServer) -> None:
    owned = deploy(request(hashed("2222222222", a="1", b="1")), server)
    plan = make_plan(request(hashed("4444444444", a="2", b="1"), owned=owned), server)
    change = change_of(plan, "env-4444444444")
    assert (change.action, change.renamed_from) == (Action.CREATE, "env-2222222222")
    assert [(format_field_path(f.path), f.before, f.after) for f in change.fields] == [("data.a", "1", "2")]
    assert change_of(plan, "env-2222222222").reason == "replaced by env-4444444444"


def test_predecessors_of_hashed_names_do_not_count_for_the_prune_limit(server: FakeApiServer) -> None:
    old = [hashed(f"{digit}" * 10, a="1") for digit in "24567"]
    owned = deploy(request(*old), server)
    plan = make_plan(request(hashed("8888888888", a="1"), owned=owned), server)
    assert plan.count(Action.PRUNE) == 5


def secret(**values: str) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login", "namespace": "shop"},
        "stringData": values,
    }


def test_no_secret_value_of_either_side_is_in_a_plan(server: FakeApiServer) -> None:
    deploy(request(secret(password="the-old-password", other="remains-the-same")), server)
    leaking = config_map(old="was the-old-password", new="is the-new-password", twice="remains-the-same")
    plan = make_plan(request(secret(password="the-new-password", other="remains-the-same"), leaking), server)
    (field,) = change_of(plan, "login").fields
    assert format_field_path(field.path) == "data.password"
    assert isinstance(field.before, Masked)
    assert isinstance(field.after, Masked)
    for value in ("the-old-password", "the-new-password", "remains-the-same"):
        assert value not in repr(plan)
        assert base64.b64encode(value.encode()).decode() not in repr(plan)


def test_no_secret_value_is_in_a_rejection(server: FakeApiServer) -> None:
    server.fail("dry_run_apply", "login", ApiFailure(422, "Invalid", "bad value: the-new-password"))
    with pytest.raises(PlanError) as raised:
        make_plan(request(secret(password="the-new-password")), server)
    assert "the-new-password" not in str(raised.value)
    assert "bad value" in str(raised.value)


def test_sensitive_fields_are_masked_wherever_they_occur(server: FakeApiServer) -> None:
    home = environment(sensitive=(FieldRule(kind="ConfigMap", field="data.token"),))
    deploy(request(config_map(token="token-number-one", note="x"), environment=home), server)
    changed = config_map(token="token-number-two", note="see token-number-two and token-number-one")
    plan = make_plan(request(changed, environment=home), server)
    assert "token-number" not in repr(plan)
    assert [format_field_path(field.path) for field in change_of(plan, "env").fields] == ["data.note", "data.token"]


def test_ignored_fields_alone_are_no_change_and_are_shown_with_others(server: FakeApiServer) -> None:
    home = environment(ignore=(FieldRule(kind="Deployment", field="spec.replicas"),))
    deploy(request(deployment(), environment=home), server)
    server.edit("Deployment", "shop", "web", lambda body: body["spec"].update(replicas=5))
    assert actions(make_plan(request(deployment(), environment=home), server)) == {"web": Action.UNCHANGED}
    change = change_of(make_plan(request(deployment(image="web:2"), environment=home), server), "web")
    assert [format_field_path(field.path) for field in change.fields] == [
        "spec.replicas",
        "spec.template.spec.containers[name=web].image",
    ]


def test_members_carry_the_label_of_the_inventory(server: FakeApiServer) -> None:
    wanted = request(config_map(a="1"))
    deploy(wanted, server)
    assert server.live("ConfigMap", "shop", "env")["metadata"]["labels"] == {PART_OF_LABEL: wanted.inventory.id}


def test_the_same_object_by_two_ways_of_naming_its_namespace_is_a_duplicate(server: FakeApiServer) -> None:
    server.serve(ServedKind("example.com", "v1", "Widget", "widgets", namespaced=True))
    named = {**WIDGET, "metadata": {"name": "w", "namespace": "shop"}}
    with pytest.raises(PlanError, match="twice"):
        make_plan(request(WIDGET, named), server)


def test_progress_is_told_up_to_the_end(server: FakeApiServer) -> None:
    seen: list[tuple[int, int]] = []
    make_plan(request(*config_maps("abcd"), on_progress=lambda done, total: seen.append((done, total))), server)
    assert seen[-1] == (4, 4)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_who_prints_is_told_of_the_secrets_of_both_sides(server: FakeApiServer) -> None:
    deploy(request(secret(password="the-old-password")), server)
    told: list[Redactor] = []
    make_plan(request(secret(password="the-new-password"), on_secrets=told.append), server)
    (redactor,) = told
    assert "password" not in redactor.mask_text("the-old-password, the-new-password")


def test_an_unreachable_server_ends_the_plan(server: FakeApiServer) -> None:
    server.fail("dry_run_apply", "env", ApiFailure(0, "", "connection reset"))
    with pytest.raises(ClusterError, match="no answer"):
        make_plan(request(config_map(a="1")), server)


def reader_of(config: str, image: str = "web:1") -> dict[str, Any]:
    body = deployment(image=image)
    body["spec"]["template"]["spec"]["containers"][0]["envFrom"] = [{"configMapRef": {"name": config}}]
    return body


def test_a_change_that_running_pods_do_not_see_is_said_unless_they_restart(server: FakeApiServer) -> None:
    owned = deploy(request(config_map(a="1"), reader_of("env")), server)
    plan = make_plan(request(config_map(a="2"), reader_of("env"), owned=owned), server)
    assert change_of(plan, "env").impact == ("running pods of Deployment web keep the old values until they restart",)
    restarting = make_plan(request(config_map(a="2"), reader_of("env", "web:2"), owned=owned), server)
    assert change_of(restarting, "env").impact == ()
    assert change_of(restarting, "web").impact == ("restarts 2 pods",)


def test_a_deletion_says_what_goes_with_it_and_a_replaced_one_does_not(server: FakeApiServer) -> None:
    owned = deploy(request(deployment(), hashed("2222222222", a="1")), server)
    plan = make_plan(request(hashed("4444444444", a="2"), owned=owned), server)
    assert change_of(plan, "web").impact == ("stops 2 pods",)
    gone = change_of(plan, "env-2222222222")
    assert (gone.action, gone.replaced_by, gone.impact) == (Action.PRUNE, "env-4444444444", ())


def test_fields_are_in_the_order_of_their_paths(server: FakeApiServer) -> None:
    owned = deploy(request(config_map(b="1", a="1", c="1")), server)
    plan = make_plan(request(config_map(c="2", b="2", a="2"), owned=owned), server)
    assert [field.path[-1] for field in change_of(plan, "env").fields] == ["a", "b", "c"]


def test_no_note_about_a_change_holds_a_secret_value(server: FakeApiServer) -> None:
    service: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    owned = deploy(request(service), server)
    moved = {**service, "spec": {**service["spec"], "selector": {"app": "hunter2-canary"}}}
    plan = make_plan(request(moved, owned=owned, redactor=Redactor(b"key", ["hunter2-canary"])), server)
    (note,) = change_of(plan, "web").impact
    assert note.startswith("selects pods by other labels: app=web -> app=‹secret:")  # noqa: RUF001
