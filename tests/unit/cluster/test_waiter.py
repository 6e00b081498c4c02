from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from gitops_push.cluster.api import ApiFailure, ObjectList, ServedKind
from gitops_push.cluster.waiter import Waited, WaitRequest, wait_until_ready
from gitops_push.core.causes import CauseCode
from gitops_push.core.codes import Code
from gitops_push.core.deployment import Result
from gitops_push.core.diagnosis import Cause
from gitops_push.core.errors import CredentialError, Problem
from gitops_push.core.objects import ObjectRef
from tests.fakes import FakeApiServer
from tests.unit.cluster.plans import deployment, namespace

WEB = ObjectRef("apps", "Deployment", "shop", "web")
API = ObjectRef("apps", "Deployment", "shop", "api")
JOB = ObjectRef("batch", "Job", "shop", "migrate")
CLAIM = ObjectRef("", "PersistentVolumeClaim", "shop", "data")
CRASHING = {
    "name": "web",
    "restartCount": 4,
    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
    "lastState": {"terminated": {"exitCode": 7, "reason": "Error"}},
}


@pytest.fixture
def server() -> FakeApiServer:
    server = FakeApiServer()
    server.put(namespace())
    return server


def wait(server: FakeApiServer, *refs: ObjectRef, seconds: float = 5.0, **more: Any) -> dict[str, Waited]:
    served = server.served_kinds()
    targets = {}
    for ref in refs:
        kind = served.find(ref.group, ref.kind)
        assert kind is not None
        targets[ref] = kind
    request = WaitRequest(targets, time.monotonic() + seconds, **more)
    return {found.ref.name: found for found in wait_until_ready(server, request)}


def make_ready(server: FakeApiServer, name: str = "web", replicas: int = 2) -> None:
    generation = server.live("Deployment", "shop", name)["metadata"]["generation"]
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), replicas)
    conditions = [{"type": "Available", "status": "True"}]
    server.set_status(
        "Deployment", "shop", name, {"observedGeneration": generation, "conditions": conditions, **counts}
    )


def pod(name: str, template_hash: str, *containers: dict[str, Any], owner: str = "web") -> dict[str, Any]:
    owners = [{"kind": "ReplicaSet", "name": f"{owner}-{template_hash}", "controller": True}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "labels": {"pod-template-hash": template_hash},
            "ownerReferences": owners,
        },
        "spec": {},
        "status": {"phase": "Running", "containerStatuses": list(containers)},
    }


def replica_set(template_hash: str, revision: str) -> dict[str, Any]:
    annotations = {"deployment.kubernetes.io/revision": revision}
    metadata = {"name": f"web-{template_hash}", "namespace": "shop", "annotations": annotations}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": {}}


def test_nothing_to_wait_for_asks_for_nothing(server: FakeApiServer) -> None:
    assert wait(server) == {}
    assert server.count()["list"] == 0


def test_what_is_ready_already_is_not_waited_for(server: FakeApiServer) -> None:
    server.put(deployment())
    make_ready(server)
    found = wait(server, WEB)["web"]
    assert (found.ready, found.message) == (True, "")


def test_what_becomes_ready_ends_the_wait(server: FakeApiServer) -> None:
    server.put(deployment())
    server.put(deployment("api"))
    server.later.extend([lambda: make_ready(server), lambda: make_ready(server, "api")])
    told: list[str] = []
    found = wait(server, WEB, API, progress=told.append)
    assert [entry.ready for entry in found.values()] == [True, True]
    assert told[-1] == "health: 2 of 2 ready"


def test_of_many_that_become_ready_one_by_one_only_the_first_and_the_last_are_told(server: FakeApiServer) -> None:
    def make_ready_later(name: str) -> None:
        time.sleep(0.15)  # longer than what the waiter takes in at a time
        make_ready(server, name)

    names = ("web", "api", "jobs", "mail")
    for name in names:
        server.put(deployment(name))
    server.later.extend([partial(make_ready_later, name) for name in names])
    told: list[str] = []
    wait(server, *(ObjectRef("apps", "Deployment", "shop", n) for n in names), progress=told.append, clock=lambda: 0.0)
    assert told[-1] == "health: 4 of 4 ready"
    assert len(told) <= 2


def test_one_list_a_kind_and_namespace_however_many_objects(server: FakeApiServer) -> None:
    def listed() -> list[str]:
        return [request.kind for request in server.requests if request.verb == "list"]

    def the_last_is_ready_when_pods_were_listed() -> None:
        if "Pod" in listed():
            make_ready(server, "web-19")
        else:
            server.later.append(the_last_is_ready_when_pods_were_listed)

    refs = [ObjectRef("apps", "Deployment", "shop", f"web-{number}") for number in range(20)]
    for ref in refs:
        server.put(deployment(ref.name))
    for ref in refs[:-1]:
        make_ready(server, ref.name)
    server.later.append(the_last_is_ready_when_pods_were_listed)
    wait(server, *refs)
    lists = listed()
    assert sorted(lists) == ["Deployment", "Pod"]
    assert server.count()["get"] == 0


def test_all_must_be_ready_at_the_same_time(server: FakeApiServer) -> None:
    server.put(deployment())
    make_ready(server)
    server.put(deployment("api"))

    def web_breaks_as_api_comes_up() -> None:
        make_ready(server, replicas=1)
        make_ready(server, "api")

    server.later.append(web_breaks_as_api_comes_up)
    found = wait(server, WEB, API, seconds=0.8)
    assert (found["web"].ready, found["api"].ready) == (False, True)
    assert found["web"].message == "1 of 2 pods updated"


def test_what_is_not_ready_in_time_says_why(server: FakeApiServer) -> None:
    server.put(deployment())
    found = wait(server, WEB, seconds=0.3)["web"]
    assert (found.ready, found.message) == (False, "its controller has not seen the change yet")
    assert found.seconds >= 0.3


def test_a_pod_that_will_never_run_ends_the_wait_at_once(server: FakeApiServer) -> None:
    server.put(deployment())
    server.put(deployment("api"))
    server.put(pod("web-1-x", "1", CRASHING))
    began_at = time.monotonic()
    found = wait(server, WEB, API, seconds=60)
    assert time.monotonic() - began_at < 10
    cause = found["web"].cause
    assert cause is not None
    assert cause.summary == "container web: CrashLoopBackOff, 4 restarts, last ended with exit code 7"
    assert (cause.code, cause.pod, cause.container, cause.exit_code) == (CauseCode.CRASH_LOOP, "web-1-x", "web", 7)
    assert found["api"].cause == Cause(CauseCode.IN_PROGRESS, "its controller has not seen the change yet")


def test_pods_of_an_old_revision_do_not_count(server: FakeApiServer) -> None:
    body = deployment()
    body["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "2"}
    server.put(body)
    server.put(replica_set("1", "1"))
    server.put(replica_set("2", "2"))
    server.put(pod("web-1-x", "1", CRASHING))
    server.put(pod("web-2-x", "2"))
    assert wait(server, WEB, seconds=0.5)["web"].seconds >= 0.5
    server.put(pod("web-2-x", "2", CRASHING))
    assert "CrashLoopBackOff" in wait(server, WEB, seconds=30)["web"].message


def test_a_workload_is_waited_for_while_one_of_its_newest_pods_may_still_run(server: FakeApiServer) -> None:
    server.put(deployment())
    server.put(pod("web-1-x", "1", CRASHING))
    server.put(pod("web-1-y", "1"))
    assert wait(server, WEB, seconds=0.5)["web"].seconds >= 0.5
    server.put(pod("web-1-y", "1", CRASHING))
    found = wait(server, WEB, seconds=30)["web"]
    assert found.seconds < 10
    assert found.cause is not None
    assert (found.cause.failing, found.cause.pods) == (2, 2)


def test_one_doomed_pod_of_a_stateful_set_is_enough_because_no_other_can_stand_in(server: FakeApiServer) -> None:
    ref = ObjectRef("apps", "StatefulSet", "shop", "db")
    server.put({**deployment("db"), "kind": "StatefulSet"})
    for name, *containers in (("db-0",), ("db-1", CRASHING)):
        body = pod(str(name), "", *containers)
        body["metadata"]["ownerReferences"] = [{"kind": "StatefulSet", "name": "db", "controller": True}]
        server.put(body)
    assert wait(server, ref, seconds=30)["db"].seconds < 10


def test_a_pod_that_its_node_put_out_does_not_count_because_another_is_made(server: FakeApiServer) -> None:
    server.put(deployment())
    evicted = pod("web-1-x", "1")
    evicted["status"] = {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}
    server.put(evicted)
    found = wait(server, WEB, seconds=0.5)["web"]
    assert found.seconds >= 0.5
    assert found.cause is not None
    assert (found.cause.code, found.cause.said) == (CauseCode.EVICTED, "low on memory")


def test_the_revision_of_a_replica_set_is_read_once(server: FakeApiServer) -> None:
    body = deployment()
    body["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "2"}
    server.put(body)
    server.put(replica_set("2", "2"))
    for number in range(5):
        server.put(pod(f"web-2-{number}", "2", {**CRASHING, "restartCount": number % 2}))

    def one_starts_anew() -> None:
        server.put(pod("web-2-4", "2"))

    server.later.extend([one_starts_anew] * 3)
    wait(server, WEB, seconds=1)
    asked = [request for request in server.requests if (request.verb, request.kind) == ("get", "ReplicaSet")]
    assert 1 <= len(asked) <= 2  # once while waiting, once for the evidence


def test_pods_do_not_count_before_the_controller_has_seen_the_new_template(server: FakeApiServer) -> None:
    """Right after an apply that heals, the revision is still the sick one, and so are all pods."""
    body = deployment()
    body["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "1"}
    server.put(body)
    server.put(replica_set("1", "1"))
    server.put(pod("web-1-x", "1", CRASHING))
    server.set_status("Deployment", "shop", "web", {"observedGeneration": 0})
    server.later.append(lambda: make_ready(server))
    assert wait(server, WEB)["web"].ready


def test_pods_of_an_old_daemon_template_do_not_count(server: FakeApiServer) -> None:
    agent = ObjectRef("apps", "DaemonSet", "shop", "agent")
    body = {**deployment("agent"), "kind": "DaemonSet"}
    body["metadata"]["annotations"] = {"deprecated.daemonset.template.generation": "2"}
    server.put(body)
    sick = pod("agent-x", "", CRASHING)
    sick["metadata"]["ownerReferences"] = [{"kind": "DaemonSet", "name": "agent", "controller": True}]
    sick["metadata"]["labels"] = {"pod-template-generation": "1"}
    server.put(sick)
    assert wait(server, agent, seconds=0.5)["agent"].seconds >= 0.5
    sick["metadata"]["labels"] = {"pod-template-generation": "2"}
    server.put(sick)
    assert wait(server, agent, seconds=30)["agent"].seconds < 10


def test_pods_of_another_workload_do_not_count(server: FakeApiServer) -> None:
    server.put(deployment())
    server.put(pod("web-api-1-x", "1", CRASHING, owner="web-api"))
    found = wait(server, WEB, seconds=0.3)["web"]
    assert "CrashLoopBackOff" not in found.message


def test_a_failure_with_a_grace_may_pass(server: FakeApiServer) -> None:
    server.put(deployment())
    missing = {"name": "web", "state": {"waiting": {"reason": "ErrImagePull", "message": "web:9: not found"}}}
    server.put(pod("web-1-x", "1", missing))
    server.later.extend([lambda: time.sleep(0.3), lambda: make_ready(server)])
    assert wait(server, WEB)["web"].ready


def test_a_job_that_may_vanish_is_done_when_it_is_gone(server: FakeApiServer) -> None:
    assert wait(server, JOB, vanishing=frozenset({JOB}))["migrate"].ready


def test_what_was_deleted_by_somebody_is_not_ready(server: FakeApiServer) -> None:
    server.put(deployment())
    server.later.append(lambda: server.remove("Deployment", "shop", "web"))
    found = wait(server, WEB, seconds=0.5)["web"]
    assert (found.ready, found.message) == (False, "it does not exist")


def test_a_claim_of_a_class_that_binds_at_first_use_is_not_waited_for(server: FakeApiServer) -> None:
    server.put(
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": "late"},
            "volumeBindingMode": "WaitForFirstConsumer",
        }
    )
    metadata = {"name": "data", "namespace": "shop"}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}
    server.put({**claim, "spec": {"storageClassName": "late"}, "status": {"phase": "Pending"}})
    assert wait(server, CLAIM)["data"].ready


def test_a_wish_to_stop_ends_the_wait(server: FakeApiServer) -> None:
    server.put(deployment())
    began_at = time.monotonic()
    assert not wait(server, WEB, seconds=60, should_stop=lambda: True)["web"].ready
    assert time.monotonic() - began_at < 5


FORBIDDEN = ApiFailure(403, "Forbidden", "no")


@pytest.mark.parametrize("verb", ["list", "watch"])
def test_where_watching_is_not_allowed_objects_are_read_again_and_again(server: FakeApiServer, verb: str) -> None:
    server.put(deployment())
    make_ready(server)
    server.edit("Deployment", "shop", "web", lambda body: body["spec"].update(replicas=3))
    server.fail(verb, "", FORBIDDEN, times=100)

    def come_up() -> None:
        make_ready(server, replicas=3)

    threading.Timer(0.5, come_up).start()
    assert wait(server, WEB, seconds=20)["web"].ready
    assert server.count()["get" if verb == "list" else "list"] >= 2


def test_what_may_not_be_read_at_all_ends_the_wait_and_says_so(server: FakeApiServer) -> None:
    server.put(deployment())
    server.fail("list", "", FORBIDDEN, times=100)
    server.fail("get", "", FORBIDDEN, times=100)
    began_at = time.monotonic()
    found = wait(server, WEB, seconds=60)["web"]
    assert time.monotonic() - began_at < 10
    assert found.message.startswith("its health may not be read")


TROUBLES: dict[str, Callable[[FakeApiServer], None]] = {
    "a watch that is too old": lambda server: server.fail("watch", "", ApiFailure(410, "Expired", "too old"), times=2),
    "a list that fails": lambda server: server.fail("list", "", ApiFailure(500, "InternalError", "etcd")),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
def test_what_passes_is_waited_out(server: FakeApiServer, trouble: Callable[[FakeApiServer], None]) -> None:
    server.put(deployment())
    trouble(server)
    server.later.append(lambda: make_ready(server))
    assert wait(server, WEB, seconds=20)["web"].ready


def test_a_rejected_credential_ends_the_wait(server: FakeApiServer) -> None:
    server.put(deployment())
    error = CredentialError(Problem(Code.CREDENTIAL_REJECTED, "the token has expired"))
    server.fail("list", "", error, times=100)
    began_at = time.monotonic()
    assert wait(server, WEB, seconds=60)["web"].message == "the token has expired"
    assert time.monotonic() - began_at < 10


def test_the_last_warning_about_a_workload_is_told(server: FakeApiServer) -> None:
    server.put(deployment())
    server.put(replica_set("1", "1"))

    def event(name: str, kind: str, about: str, message: str, at: str, type_: str = "Warning") -> None:
        server.put(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": "shop"},
                "involvedObject": {"kind": kind, "name": about},
                "type": type_,
                "reason": "FailedCreate",
                "message": message,
                "lastTimestamp": at,
            }
        )

    event("a", "ReplicaSet", "web-1", "exceeded quota: pods", "2026-01-01T00:00:02Z")
    event("b", "ReplicaSet", "web-1", "an earlier one", "2026-01-01T00:00:01Z")
    event("c", "ReplicaSet", "web-api-1", "of another workload", "2026-01-01T00:00:03Z")
    event("d", "Deployment", "web", "scaled up", "2026-01-01T00:00:04Z", "Normal")
    found = wait(server, WEB, seconds=0.3)["web"]
    assert found.cause is not None
    assert (found.cause.code, found.message) == (CauseCode.QUOTA_EXCEEDED, "FailedCreate: exceeded quota: pods")


def test_the_state_of_the_worst_pod_is_told(server: FakeApiServer) -> None:
    server.put(deployment())
    conditions = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes fit"}]
    stuck = pod("web-1-b", "1")
    stuck["status"] = {"phase": "Pending", "conditions": conditions}
    server.put(pod("web-1-a", "1"))
    server.put(stuck)
    found = wait(server, WEB, seconds=0.3)["web"]
    assert found.message == "no node takes the pod: 0/3 nodes fit"
    assert found.cause is not None
    assert (found.cause.pod, found.cause.failing, found.cause.pods) == ("web-1-b", 1, 2)


def soak(server: FakeApiServer, *refs: ObjectRef, seconds: float = 0.5, **more: Any) -> dict[str, Waited]:
    return wait(server, *refs, seconds=10, soak_seconds=seconds, relapse_seconds=0.3, **more)


def restarted(server: FakeApiServer, name: str, count: int) -> None:
    ended = {"terminated": {"exitCode": 7, "reason": "Error"}}
    state = {"name": "web", "restartCount": count, "ready": True, "state": {"running": {}}, "lastState": ended}
    server.put(pod(name, "abc", state))


def test_what_stays_healthy_for_as_long_as_is_asked_is_ready(server: FakeApiServer) -> None:
    server.put(deployment())
    make_ready(server)
    began_at = time.monotonic()
    assert soak(server, WEB)["web"].ready
    assert time.monotonic() - began_at >= 0.5


def test_a_container_that_restarts_after_it_was_ready_is_not_healthy(server: FakeApiServer) -> None:
    server.put(deployment())
    server.put(replica_set("abc", "1"))
    make_ready(server)
    restarted(server, "web-abc-1", 3)  # before: that does not count
    assert soak(server, WEB)["web"].ready
    threading.Timer(0.4, lambda: restarted(server, "web-abc-1", 4)).start()
    found = soak(server, WEB, seconds=5)["web"]
    assert found.cause is not None
    assert found.cause.code is CauseCode.RESTARTED
    assert "restarted once after it was ready, last ended with exit code 7" in found.message


def test_what_is_not_ready_any_more_for_a_while_is_not_healthy(server: FakeApiServer) -> None:
    server.put(deployment())
    make_ready(server)
    threading.Timer(0.3, lambda: make_ready(server, replicas=1)).start()
    found = soak(server, WEB, seconds=5)["web"]
    assert not found.ready
    assert found.message.startswith("it was ready and is not any more")


def test_a_credential_that_ends_while_health_must_last_proves_nothing(server: FakeApiServer) -> None:
    server.put(deployment())
    make_ready(server)
    error = CredentialError(Problem(Code.CREDENTIAL_REJECTED, "the token has expired"))

    def expire(line: str) -> None:
        if "must stay" in line:
            server.fail("watch", "", error, times=100)

    found = soak(server, WEB, seconds=30, progress=expire)["web"]
    assert (found.result, found.message) == (Result.NOT_READY, "the token has expired")


class SlowPods(FakeApiServer):
    """Takes its time to list pods."""

    def list(
        self, kind: ServedKind, namespace: str = "", label_selector: str = "", field_selector: str = ""
    ) -> ObjectList:
        time.sleep(1.0 if kind.kind == "Pod" else 0.0)
        return super().list(kind, namespace, label_selector, field_selector)


def test_the_time_in_which_health_must_last_begins_when_pods_are_listed() -> None:
    server = SlowPods()
    server.put(namespace())
    server.put(deployment())
    make_ready(server)
    began_at = time.monotonic()
    assert soak(server, WEB, seconds=0.3)["web"].ready
    assert time.monotonic() - began_at >= 1.3
