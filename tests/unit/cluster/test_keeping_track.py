"""What is owned stays in the inventory and is pruned in the end, whatever a run could not see or do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gitops_push.cluster.api import Answer, ApiFailure, Precondition, ServedKind
from gitops_push.cluster.deployer import DeployOptions, deploy
from gitops_push.cluster.inventory_store import AppearedError, read_inventory
from gitops_push.cluster.planner import make_plan
from gitops_push.core.deployment import Result
from gitops_push.core.environment import FieldRule, PruneRules
from gitops_push.core.errors import PlanError
from gitops_push.core.managed_fields import our_entry
from gitops_push.core.objects import Body
from gitops_push.core.plan import Action
from tests.cluster.deploying import deployed, message, prepare, results, stored
from tests.fakes import FakeApiServer
from tests.unit.cluster.plans import change_of, config_map, deployment, environment, namespace, request

QUICK = DeployOptions(timeout_seconds=1.0, foundation_seconds=1.0)
UNWAITED = replace(QUICK, wait=False)


@dataclass(slots=True)
class Busy(FakeApiServer):
    """Somebody does something right before the next object is written."""

    before_apply: Callable[[], object] = lambda: None

    def apply(self, kind: ServedKind, namespace: str, name: str, body: Body, precondition: Precondition) -> Answer:
        happening, self.before_apply = self.before_apply, lambda: None
        happening()
        return FakeApiServer.apply(self, kind, namespace, name, body, precondition)


@pytest.fixture
def cluster() -> FakeApiServer:
    server = FakeApiServer()
    server.put(namespace())
    return server


def owned(api: FakeApiServer) -> set[str]:
    return {entry.ref.name for entry in stored(api, "shop").entries}


def secret(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "shop"}, "data": {}}


@pytest.mark.parametrize("data", [{}, {"b": "2"}])
def test_what_may_not_be_read_stays_in_the_inventory(cluster: FakeApiServer, data: dict[str, str]) -> None:
    deployed(cluster, "shop", config_map(), secret("old"), options=QUICK)
    cluster.fail("list", "", ApiFailure(403, "Forbidden", "no list"), times=2)
    cluster.fail("get", "old", ApiFailure(403, "Forbidden", "no get"))
    todo = prepare(cluster, "shop", config_map(**data), options=QUICK)
    assert change_of(todo.plan, "old").action is Action.KEPT
    assert change_of(todo.plan, "old").reason == "it cannot be looked for: no get"
    deploy(todo, cluster)
    assert owned(cluster) == {"env", "old"}
    deployed(cluster, "shop", config_map(**data), options=QUICK)
    assert owned(cluster) == {"env"}


def test_what_is_of_a_group_without_an_answer_stays_in_the_inventory(cluster: FakeApiServer) -> None:
    deployed(cluster, "shop", config_map(), deployment(), options=UNWAITED)
    served = list(cluster._kinds)
    cluster._kinds[:] = [kind for kind in served if kind.group != "apps"]
    cluster.unavailable = frozenset({"apps"})
    deployed(cluster, "shop", config_map(), options=QUICK)
    assert owned(cluster) == {"env", "web"}
    cluster._kinds[:], cluster.unavailable = served, frozenset()
    deployed(cluster, "shop", config_map(), options=QUICK)
    assert owned(cluster) == {"env"}


def test_what_a_killed_run_created_again_is_still_pruned(cluster: FakeApiServer) -> None:
    deployed(cluster, "shop", config_map(), config_map("two"), options=QUICK)
    cluster.remove("ConfigMap", "shop", "two")
    again = prepare(cluster, "shop", config_map(), config_map("two"), options=QUICK)
    # The record of what was written never comes: as if the process had been killed.
    deploy(again, cluster, lambda _: cluster.fail("replace", "", ApiFailure(500, "InternalError", "gone"), 9))
    assert cluster.live("ConfigMap", "shop", "two")
    cluster._failures.clear()
    assert deployed(cluster, "shop", config_map(), options=QUICK).exit_code == 0
    assert ("", "configmaps", "shop", "two") not in cluster.objects
    assert owned(cluster) == {"env"}


def test_a_namespace_that_holds_anything_which_stays_is_never_deleted(cluster: FakeApiServer) -> None:
    rules = PruneRules(kinds=("Namespace",))
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "disk", "namespace": "data"}}
    spaces = [namespace(), namespace("data"), namespace("empty")]
    deployed(cluster, "shop", *spaces, config_map(), claim, options=UNWAITED, prune=rules)
    todo = prepare(cluster, "shop", config_map(), options=QUICK, prune=rules)
    reasons = {change.ref.name: (change.action, change.reason) for change in todo.plan.changes}
    stays = "stays, and would be deleted with it"
    assert reasons["shop"] == (Action.KEPT, f"v1/ConfigMap shop/gitops-push-shop-prod {stays}")
    assert reasons["data"] == (Action.KEPT, f"v1/PersistentVolumeClaim data/disk {stays}")
    assert reasons["empty"] == (Action.PRUNE, "no longer in the config")


def test_a_definition_whose_resources_stay_is_never_deleted(cluster: FakeApiServer) -> None:
    rules = PruneRules(kinds=("CustomResourceDefinition",))
    deployed(cluster, "shop", definition(), resource(), options=QUICK, prune=rules)
    todo = prepare(cluster, "shop", resource(), options=QUICK, prune=rules)
    assert change_of(todo.plan, "crons.example.com").action is Action.KEPT
    todo = prepare(cluster, "shop", config_map(), options=QUICK, prune=rules)
    assert change_of(todo.plan, "crons.example.com").action is Action.PRUNE


def test_a_field_that_always_differs_does_not_keep_others_from_becoming_ours(cluster: FakeApiServer) -> None:
    home: dict[str, Any] = {"ignore": (FieldRule(kind="Deployment", field="spec.replicas"),), "options": UNWAITED}
    deployed(cluster, "shop", deployment(), **home)
    cluster.edit("Deployment", "shop", "web", lambda body: body["spec"].update(replicas=7))
    assert not prepare(cluster, "shop", deployment(), **home).plan.has_changes
    cluster.edit("Deployment", "shop", "web", lambda body: body["spec"].update(paused=True))
    deployed(cluster, "shop", deployment(paused=True), **home)
    entry = our_entry(cluster.live("Deployment", "shop", "web"))
    assert entry is not None
    assert ("spec", "paused") in entry.paths()
    assert not prepare(cluster, "shop", deployment(paused=True), **home).plan.has_changes


@pytest.mark.parametrize("key", ["argocd.argoproj.io/sync-options", "kustomize.toolkit.fluxcd.io/prune"])
def test_what_asks_to_stay_after_the_plan_is_not_deleted(cluster: FakeApiServer, key: str) -> None:
    deployed(cluster, "shop", config_map(), config_map("two"), options=QUICK)
    todo = prepare(cluster, "shop", config_map(), options=QUICK)
    assert change_of(todo.plan, "two").action is Action.PRUNE
    wish = {key: "disabled" if "flux" in key else "Prune=false"}
    cluster.edit("ConfigMap", "shop", "two", lambda body: body["metadata"].update(annotations=wish))
    done = deploy(todo, cluster)
    assert (done.exit_code, owned(cluster)) == (20, {"env", "two"})
    assert "somebody changed it since the plan" in message(done, "two")


def test_an_inventory_is_never_written_as_a_manifest(cluster: FakeApiServer) -> None:
    deployed(cluster, "shop", config_map(), options=QUICK)
    with pytest.raises(PlanError, match="is the inventory of this environment"):
        prepare(cluster, "shop", config_map(), config_map("gitops-push-shop-prod"))
    other = prepare(cluster, "shop", config_map("gitops-push-shop-prod", objects="[]"), name="other")
    assert other.plan.changes[0].action is Action.BLOCKED


def test_what_an_overtaken_run_created_is_in_the_inventory_of_the_other() -> None:
    cluster = Busy()
    cluster.put(namespace())
    deployed(cluster, "shop", config_map(), options=QUICK)
    first = prepare(cluster, "shop", config_map(), config_map("a"), options=QUICK)
    cluster.before_apply = lambda: deployed(cluster, "shop", config_map(), options=QUICK)
    done = deploy(first, cluster)
    assert (done.exit_code, results(done)["gitops-push-shop-prod"]) == (20, Result.FAILED)
    assert owned(cluster) == {"env", "a"}
    assert deployed(cluster, "shop", config_map(), options=QUICK).exit_code == 0
    assert ("", "configmaps", "shop", "a") not in cluster.objects


@pytest.mark.parametrize("field", ["", "metadata.labels"])
def test_the_label_of_membership_is_never_ignored(cluster: FakeApiServer, field: str) -> None:
    home: dict[str, Any] = {"ignore": (FieldRule(kind="ConfigMap", field=field),), "options": QUICK}
    cluster.put(config_map(), "kubectl-create")
    deployed(cluster, "shop", config_map(), secret("keep"), **home)
    assert not prepare(cluster, "shop", config_map(), secret("keep"), **home).plan.has_changes
    deployed(cluster, "shop", secret("keep"), **home)
    assert ("", "configmaps", "shop", "env") not in cluster.objects


def test_a_stop_before_the_first_write_writes_nothing(cluster: FakeApiServer) -> None:
    done = deployed(cluster, "shop", config_map(), options=replace(QUICK, should_stop=lambda: True))
    assert (done.interrupted, done.wrote, cluster.writes) == (True, False, ())


def test_a_first_deployment_beside_another_one_is_not_taken_for_a_lost_inventory(cluster: FakeApiServer) -> None:
    where = environment(namespace="shop")
    absent = read_inventory(cluster, where.project, where.name, "shop")
    read_before = replace(request(config_map(), environment=where), inventory=absent)
    deployed(cluster, "shop", config_map(), options=QUICK)
    with pytest.raises(AppearedError, match="somebody else deployed") as raised:
        make_plan(read_before, cluster)
    assert not make_plan(read_before.over(raised.value.inventory), cluster).has_changes


def test_a_stop_before_the_first_write_deletes_no_hook_of_an_earlier_run(cluster: FakeApiServer) -> None:
    hook = config_map()
    hook["metadata"] = {**hook["metadata"], "name": "hook", "annotations": {"argocd.argoproj.io/hook": "PreSync"}}
    assert deployed(cluster, "shop", config_map(), hook, options=QUICK).exit_code == 0
    before = len(cluster.writes)
    stopping = replace(QUICK, should_stop=lambda: True)
    done = deployed(cluster, "shop", config_map(a="2"), hook, options=stopping)
    assert (done.interrupted, done.wrote, len(cluster.writes)) == (True, False, before)


def definition() -> dict[str, Any]:
    names = {"kind": "Cron", "plural": "crons"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "crons.example.com"},
        "spec": {"group": "example.com", "names": names, "scope": "Namespaced", "versions": [version]},
    }


def resource() -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Cron", "metadata": {"name": "nightly", "namespace": "shop"}}
