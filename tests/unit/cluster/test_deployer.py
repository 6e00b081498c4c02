from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gitops_push.cluster.api import AccessQuestion, Answer, ApiFailure, Precondition, ServedKind
from gitops_push.cluster.deployer import DeployOptions, deploy
from gitops_push.core.deployment import Outcome, Result
from gitops_push.core.errors import ClusterError, NotNowError, PlanError, RefusedError
from gitops_push.core.inventory import InventoryState
from gitops_push.core.objects import Body
from gitops_push.core.plan import Action
from tests.cluster.deploying import deployed, message, prepare, results, stored
from tests.fakes import FakeApiServer, Request
from tests.unit.cluster.plans import config_map, deployment, namespace

QUICK = DeployOptions(timeout_seconds=1.0, foundation_seconds=1.0)
INVENTORY = "gitops-push-shop-prod"


@dataclass(slots=True)
class Cluster(FakeApiServer):
    """Makes Deployments ready as they are written, unless `sick` or `slow`; `on_apply` sees each apply first."""

    sick: bool = False
    slow: bool = False
    on_apply: Callable[[str], None] = lambda name: None

    def stop_serving(self, group: str) -> None:
        self._kinds = [kind for kind in self._kinds if kind.group != group]

    def apply(self, kind: ServedKind, namespace: str, name: str, body: Body, precondition: Precondition) -> Answer:
        self.on_apply(name)
        answer = FakeApiServer.apply(self, kind, namespace, name, body, precondition)
        if kind.kind == "Deployment" and not self.slow:
            self.set_status("Deployment", namespace, name, status_of(answer.body, sick=self.sick))
        return answer


def status_of(body: Body, *, sick: bool) -> dict[str, Any]:
    count = 0 if sick else body["spec"]["replicas"]
    conditions = [
        {"type": "Available", "status": "False" if sick else "True"},
        {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
    ]
    if sick:
        conditions[1] = {
            "type": "Progressing",
            "status": "False",
            "reason": "ProgressDeadlineExceeded",
            "message": "no progress",
        }
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), count)
    return {"observedGeneration": body["metadata"]["generation"], "conditions": conditions, **counts}


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster()
    cluster.put(namespace())
    return cluster


def names(requests: tuple[Request, ...]) -> list[tuple[str, str]]:
    return [(request.verb, request.name) for request in requests]


def seen(cluster: Cluster) -> set[tuple[str, str]]:
    return {(request.verb, request.kind) for request in tuple(cluster.requests)}


def test_the_inventory_is_written_before_the_first_and_after_the_last_object(cluster: Cluster) -> None:
    done = deployed(cluster, "shop", deployment(), config_map(A="1"), options=QUICK)
    assert (done.exit_code, done.wrote) == (0, True)
    assert names(cluster.writes) == [
        ("create", INVENTORY),
        ("apply", "env"),
        ("apply", "web"),
        ("replace", INVENTORY),
    ]
    assert stored(cluster, "shop").state is InventoryState.DONE


def test_every_object_is_told_once_as_it_ends(cluster: Cluster) -> None:
    told: list[Outcome] = []
    request = prepare(cluster, "shop", deployment(), config_map(A="1"), options=QUICK)
    done = deploy(request, cluster, told.append)
    assert sorted(told, key=lambda outcome: outcome.ref) == sorted(done.outcomes, key=lambda outcome: outcome.ref)


def test_a_second_run_writes_nothing(cluster: Cluster) -> None:
    deployed(cluster, "shop", deployment(), config_map(A="1"), options=QUICK)
    before = len(cluster.writes)
    again = deployed(cluster, "shop", deployment(), config_map(A="1"), options=QUICK)
    assert (again.exit_code, again.wrote, len(cluster.writes)) == (0, False, before)
    assert {outcome.action for outcome in again.outcomes} == {Action.UNCHANGED}


def test_only_what_changed_is_sent(cluster: Cluster) -> None:
    deployed(cluster, "shop", deployment(), config_map(A="1"), options=QUICK)
    before = len(cluster.writes)
    deployed(cluster, "shop", deployment(), config_map(A="2"), options=QUICK)
    assert names(cluster.writes[before:]) == [("replace", INVENTORY), ("apply", "env"), ("replace", INVENTORY)]


def test_a_new_commit_with_the_same_content_is_recorded_with_one_write(cluster: Cluster) -> None:
    deployed(cluster, "shop", config_map(A="1"), options=QUICK)
    before = len(cluster.writes)
    request = prepare(cluster, "shop", config_map(A="1"), options=QUICK)
    done = deploy(replace(request, plan=replace(request.plan, commit="next")), cluster)
    assert (done.exit_code, names(cluster.writes[before:])) == (0, [("replace", INVENTORY)])
    assert stored(cluster, "shop").commit == "next"


def test_a_failure_stops_what_comes_after_and_everything_is_reported(cluster: Cluster) -> None:
    cluster.fail("apply", "env", ApiFailure(422, "Invalid", "no"))
    done = deployed(cluster, "shop", deployment(), config_map(A="1"), options=QUICK)
    assert done.exit_code == 20
    assert results(done) == {"env": Result.FAILED, "web": Result.NOT_REACHED}
    found = stored(cluster, "shop")
    assert (found.state, len(found.entries)) == (InventoryState.FAILED, 2)


def test_a_failure_keeps_what_was_to_be_deleted(cluster: Cluster) -> None:
    deployed(cluster, "shop", config_map("old", A="1"), options=QUICK)
    cluster.fail("apply", "new", ApiFailure(422, "Invalid", "no"))
    done = deployed(cluster, "shop", config_map("new", A="1"), options=QUICK)
    assert results(done) == {"new": Result.FAILED, "old": Result.NOT_REACHED}
    assert [entry.ref.name for entry in stored(cluster, "shop").entries] == ["new", "old"]
    healed = deployed(cluster, "shop", config_map("new", A="1"), options=QUICK)
    assert (healed.exit_code, [entry.ref.name for entry in stored(cluster, "shop").entries]) == (0, ["new"])


def test_what_has_failed_for_good_ends_the_wait_and_keeps_what_was_to_be_deleted(cluster: Cluster) -> None:
    deployed(cluster, "shop", config_map("old"), options=QUICK)
    cluster.sick = True
    done = deployed(cluster, "shop", deployment(), options=DeployOptions(timeout_seconds=60))
    assert done.exit_code == 21
    assert message(done, "web") == "no progress"
    assert [(o.action, o.result) for o in done.outcomes if o.ref.name == "old"] == [(Action.KEPT, Result.DONE)]
    assert done.note.startswith("not deleted until everything is healthy: 1 ")
    assert stored(cluster, "shop").state is InventoryState.PRUNE_PENDING


def test_without_waiting_nothing_is_deleted_and_nothing_is_called_unhealthy(cluster: Cluster) -> None:
    deployed(cluster, "shop", config_map("old"), options=QUICK)
    cluster.sick = True
    done = deployed(cluster, "shop", deployment(), options=replace(QUICK, wait=False))
    assert done.exit_code == 0
    assert cluster.live("ConfigMap", "shop", "old")
    assert stored(cluster, "shop").state is InventoryState.PRUNE_PENDING


def test_an_unchanged_workload_that_is_sick_keeps_the_run_red(cluster: Cluster) -> None:
    deployed(cluster, "shop", deployment(), options=QUICK)
    live = cluster.live("Deployment", "shop", "web")
    cluster.set_status("Deployment", "shop", "web", status_of(live, sick=True))
    done = deployed(cluster, "shop", deployment(), options=QUICK)
    assert (done.exit_code, results(done)) == (21, {"web": Result.NOT_READY})
    assert stored(cluster, "shop").state is InventoryState.UNHEALTHY


def test_a_blocked_object_stops_the_run_before_it_writes(cluster: Cluster) -> None:
    owner = {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u", "controller": True}
    body = config_map(A="1")
    cluster.put({**body, "metadata": {**body["metadata"], "ownerReferences": [owner]}})
    before = len(cluster.writes)
    with pytest.raises(RefusedError):
        deployed(cluster, "shop", config_map(A="2"), options=QUICK)
    assert len(cluster.writes) == before


def test_missing_rights_are_all_named_before_the_first_write(cluster: Cluster) -> None:
    deployed(cluster, "shop", config_map("a"), config_map("b"), config_map("c"), options=QUICK)
    before = len(cluster.writes)

    def may(question: AccessQuestion) -> bool:
        return question.verb not in {"delete", "update"} or question.name == "b"

    cluster.may = may
    with pytest.raises(PlanError) as caught:
        deployed(cluster, "shop", config_map("a"), options=QUICK)
    missing = [problem.message for problem in caught.value.problems]
    assert missing == [
        f"the credential may not update leases.coordination.k8s.io in namespace shop: {INVENTORY}",
        f"the credential may not update configmaps in namespace shop: {INVENTORY}",
        "the credential may not delete configmaps in namespace shop: c",
    ]
    assert len(cluster.writes) == before


def test_somebody_elses_deploy_since_the_plan_stops_the_run_before_it_writes(cluster: Cluster) -> None:
    mine = prepare(cluster, "shop", config_map("mine"), options=QUICK)
    deployed(cluster, "shop", config_map("theirs"), options=QUICK)
    with pytest.raises(NotNowError):
        deploy(mine, cluster)
    assert [entry.ref.name for entry in stored(cluster, "shop").entries] == ["theirs"]


def test_a_refused_inventory_is_an_error_with_nothing_written(cluster: Cluster) -> None:
    cluster.fail("create", "", ApiFailure(500, "InternalError", "etcd is full"))
    with pytest.raises(ClusterError):
        deployed(cluster, "shop", config_map(A="1"), options=QUICK)
    assert [request.verb for request in cluster.writes] == ["create"]


def test_an_inventory_that_cannot_be_closed_is_told(cluster: Cluster) -> None:
    cluster.fail("replace", INVENTORY, ApiFailure(500, "InternalError", "etcd is full"))
    done = deployed(cluster, "shop", config_map(A="1"), options=QUICK)
    assert done.exit_code == 20
    assert (results(done)[INVENTORY], message(done, INVENTORY)) == (Result.FAILED, "etcd is full")


def test_the_namespace_of_the_inventory_comes_first_when_the_set_brings_it() -> None:
    cluster = Cluster()
    done = deployed(cluster, "shop", config_map(A="1"), namespace(), options=QUICK)
    assert done.exit_code == 0
    assert names(cluster.writes)[:3] == [("apply", "shop"), ("create", INVENTORY), ("apply", "env")]


def test_a_namespace_that_nobody_brings_is_an_error_before_the_first_write() -> None:
    cluster = Cluster()
    with pytest.raises(PlanError):
        deployed(cluster, "shop", namespace("other"), options=QUICK)
    assert cluster.writes == ()


def test_what_was_dry_run_late_is_checked_as_a_whole_before_any_of_it_is_written(cluster: Cluster) -> None:
    bodies = [{**config_map(name), "metadata": {"name": name, "namespace": "new"}} for name in ("a", "b")]
    request = prepare(cluster, "shop", namespace("new"), *bodies, options=QUICK)
    cluster.fail("dry_run_apply", "b", ApiFailure(422, "Invalid", "b is not right"))
    done = deploy(request, cluster)
    assert results(done) == {"new": Result.DONE, "a": Result.NOT_REACHED, "b": Result.FAILED}
    assert "b is not right" in message(done, "b")
    assert ("apply", "a") not in names(cluster.writes)


def test_a_stop_before_the_first_object_reaches_none_and_says_so(cluster: Cluster) -> None:
    options = replace(QUICK, should_stop=lambda: bool(cluster.writes))
    done = deployed(cluster, "shop", deployment(), config_map(A="1"), options=options)
    assert (done.exit_code, done.interrupted) == (20, True)
    assert results(done) == {"env": Result.NOT_REACHED, "web": Result.NOT_REACHED}
    assert stored(cluster, "shop").state is InventoryState.FAILED


def test_a_stop_gives_requests_in_flight_a_moment_and_calls_the_rest_unknown(cluster: Cluster) -> None:
    stop, release = threading.Event(), threading.Event()

    def hang(name: str) -> None:
        stop.set()
        release.wait(20)

    cluster.on_apply = hang
    options = replace(QUICK, should_stop=stop.is_set, stop_seconds=0.2)
    done = deployed(cluster, "shop", deployment(), config_map(A="1"), options=options)
    release.set()
    assert (done.exit_code, done.interrupted) == (20, True)
    assert results(done) == {"env": Result.UNKNOWN, "web": Result.NOT_REACHED}


def test_a_stop_while_waiting_tells_what_was_not_ready_yet(cluster: Cluster) -> None:
    deployed(cluster, "shop", config_map("old"), options=QUICK)
    cluster.slow = True
    stopping = replace(QUICK, timeout_seconds=60, should_stop=lambda: ("watch", "Deployment") in seen(cluster))
    done = deployed(cluster, "shop", deployment(), options=stopping)
    assert (done.exit_code, done.interrupted) == (20, True)
    assert results(done) == {"web": Result.NOT_READY, "old": Result.NOT_REACHED}


def test_a_stop_when_everything_is_ready_interrupts_nothing(cluster: Cluster) -> None:
    stop = threading.Event()
    told: list[str] = []

    def progress(line: str) -> None:
        told.append(line)
        stop.set()

    options = replace(QUICK, should_stop=stop.is_set, progress=progress)
    done = deployed(cluster, "shop", deployment(), options=options)
    assert told == ["health: 1 of 1 ready"]
    assert (done.exit_code, done.interrupted) == (0, False)


def test_a_listener_that_breaks_does_not_stop_the_deploy(cluster: Cluster) -> None:
    def closed_terminal(_: object) -> None:
        raise BrokenPipeError

    options = replace(QUICK, progress=closed_terminal)
    request = prepare(cluster, "shop", deployment(), config_map(A="1"), options=options)
    done = deploy(request, cluster, closed_terminal)
    assert (done.exit_code, results(done)) == (0, {"env": Result.DONE, "web": Result.DONE})


def test_a_bug_after_the_first_write_is_an_outcome(cluster: Cluster) -> None:
    def break_down(name: str) -> None:
        raise ZeroDivisionError("oops")

    cluster.on_apply = break_down
    done = deployed(cluster, "shop", deployment(), config_map(A="1"), options=QUICK)
    assert done.exit_code == 20
    assert results(done) == {"env": Result.UNKNOWN, "web": Result.NOT_REACHED}
    assert "ZeroDivisionError" in message(done, "env")


def test_a_bug_before_the_first_write_is_raised(cluster: Cluster) -> None:
    request = prepare(cluster, "shop", config_map(A="1"), options=QUICK)
    cluster.fail("may_i", "", ZeroDivisionError("oops"))
    with pytest.raises(ZeroDivisionError):
        deploy(request, cluster)
    assert cluster.writes == ()


def test_deletions_go_backwards_through_the_stages(cluster: Cluster) -> None:
    secret = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "svc", "namespace": "shop"}, "spec": {}}
    deployed(cluster, "shop", deployment(), config_map(), secret, config_map("keep"), options=QUICK)
    before = len(cluster.writes)
    deployed(cluster, "shop", config_map("keep"), options=QUICK)
    assert [name for verb, name in names(cluster.writes[before:]) if verb == "delete"] == ["web", "svc", "env"]


def test_a_stuck_finalizer_is_named_and_the_object_stays_in_the_inventory(cluster: Cluster) -> None:
    stuck = config_map("stuck")
    stuck["metadata"]["finalizers"] = ["example.com/wait"]
    deployed(cluster, "shop", stuck, config_map("keep"), options=QUICK)
    done = deployed(cluster, "shop", config_map("keep"), options=replace(QUICK, timeout_seconds=0.3))
    assert (done.exit_code, results(done)["stuck"]) == (20, Result.FAILED)
    assert "example.com/wait" in message(done, "stuck")
    assert [entry.ref.name for entry in stored(cluster, "shop").entries] == ["keep", "stuck"]


DELETIONS = {
    "the answer was lost after it": (ApiFailure(0, "NoAnswer", "reset", ambiguous=True), True),
    "the answer was lost before it": (ApiFailure(0, "NoAnswer", "reset", ambiguous=True), False),
}


@pytest.mark.parametrize(("failure", "carried_out"), DELETIONS.values(), ids=DELETIONS.keys())
def test_a_deletion_whose_answer_is_lost_is_resolved(
    cluster: Cluster, failure: ApiFailure, *, carried_out: bool
) -> None:
    deployed(cluster, "shop", config_map("drop"), config_map("keep"), options=QUICK)
    request = prepare(cluster, "shop", config_map("keep"), options=QUICK)
    cluster.fail("delete", "drop", failure)
    if carried_out:
        cluster.remove("ConfigMap", "shop", "drop")
    done = deploy(request, cluster)
    assert (done.exit_code, results(done)["drop"]) == (0, Result.DONE)
    assert [entry.ref.name for entry in stored(cluster, "shop").entries] == ["keep"]


def test_what_is_of_a_group_that_does_not_answer_is_not_taken_for_gone(cluster: Cluster) -> None:
    deployed(cluster, "shop", deployment(), config_map("keep"), options=QUICK)
    request = prepare(cluster, "shop", config_map("keep"), options=QUICK)
    cluster.unavailable = frozenset({"apps"})
    cluster.stop_serving("apps")
    done = deploy(request, cluster)
    assert (done.exit_code, message(done, "web")) == (20, "the API group apps does not answer")
    assert [entry.ref.name for entry in stored(cluster, "shop").entries] == ["keep", "web"]


def test_a_deletion_that_is_refused_fails_the_run_and_stays_in_the_inventory(cluster: Cluster) -> None:
    deployed(cluster, "shop", config_map("drop"), config_map("keep"), options=QUICK)
    cluster.fail("delete", "drop", ApiFailure(403, "Forbidden", "a policy says no"))
    done = deployed(cluster, "shop", config_map("keep"), options=QUICK)
    assert (done.exit_code, message(done, "drop")) == (20, "a policy says no")
    assert [entry.ref.name for entry in stored(cluster, "shop").entries] == ["drop", "keep"]


def test_what_cannot_be_sent_in_time_is_not_reached_and_the_next_run_goes_on() -> None:
    cluster = Cluster()
    cluster.put(namespace())
    maps = [{**config_map(), "metadata": {**config_map()["metadata"], "name": name}} for name in ("a", "b", "c")]
    impatient = replace(QUICK, sending_seconds=0.0, concurrency=1)
    done = deployed(cluster, "shop", *maps, options=impatient)
    assert results(done) == {"a": Result.DONE, "b": Result.NOT_REACHED, "c": Result.NOT_REACHED}
    assert (done.exit_code, done.interrupted) == (20, True)
    assert "2 objects could not be sent within 0 minutes" in done.note
    assert deployed(cluster, "shop", *maps, options=QUICK).exit_code == 0
