from __future__ import annotations

from typing import Any

import pytest

from gitops_push.core.causes import CauseCode
from gitops_push.core.objects import ObjectRef
from gitops_push.core.readiness import Failed, Progressing, Readiness, Ready, readiness
from gitops_push.core.readiness.pods import pod_trouble
from tests.unit.core.readiness.bodies import body, conditions


def container(**fields: Any) -> dict[str, Any]:
    return {"name": "app", "image": "web:9", "ready": False, "restartCount": 0, **fields}


def waiting(reason: str, message: str = "", **fields: Any) -> dict[str, Any]:
    return container(state={"waiting": {"reason": reason, "message": message}}, **fields)


def running(**fields: Any) -> dict[str, Any]:
    return container(state={"running": {}}, **fields)


def ended(code: int, reason: str = "Error", **more: Any) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, **more}}


def crashing(restarts: int, last: dict[str, Any] | None = None) -> dict[str, Any]:
    return waiting("CrashLoopBackOff", restartCount=restarts, lastState=last or {})


def pod(phase: str = "", *containers: dict[str, Any], **status: Any) -> dict[str, Any]:
    return body("Pod", {"phase": phase, "containerStatuses": list(containers), **status})


def with_spec(found: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {**found, "spec": spec}


READY = conditions(Ready="True", PodScheduled="True")
NOT_READY = conditions(Ready="False", PodScheduled="True")
UNSCHEDULABLE = conditions(PodScheduled=("False", "Unschedulable", "0/3 nodes are available"))
PRESSED = conditions(
    PodScheduled=("False", "Unschedulable", "untolerated taint {node.kubernetes.io/memory-pressure: }")
)
PROBED = {"containers": [{"name": "app", "readinessProbe": {}, "startupProbe": {}}]}
SIDECAR = {"initContainers": [{"name": "app", "restartPolicy": "Always", "readinessProbe": {}}]}
A_WEEK = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-08T00:00:00Z"}
A_MOMENT = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:02Z"}

PODS: dict[str, tuple[dict[str, Any], Readiness]] = {
    "running and ready": (pod("Running", container(ready=True), **READY), Ready()),
    "completed": (pod("Succeeded"), Ready("completed")),
    "no status yet": (pod(), Progressing("phase not set")),
    "starting": (pod("Pending", waiting("ContainerCreating")), Progressing("container app: ContainerCreating")),
    "waiting for a readiness gate": (
        pod("Running", running(ready=True), **conditions(Ready=("False", "ReadinessGatesNotReady", "gate x"))),
        Progressing("gate x"),
    ),
    "unschedulable, which an autoscaler may mend": (
        pod("Pending", **UNSCHEDULABLE),
        Progressing("no node takes the pod: 0/3 nodes are available", CauseCode.UNSCHEDULABLE),
    ),
    "all nodes short of memory": (
        pod("Pending", **PRESSED),
        Progressing(
            "no node takes the pod: untolerated taint {node.kubernetes.io/memory-pressure: }", CauseCode.NODE_PRESSURE
        ),
    ),
    "evicted": (
        pod("Failed", reason="Evicted", message="low on memory"),
        Failed("Evicted: low on memory", code=CauseCode.EVICTED),
    ),
    "longer than its own deadline": (
        pod("Failed", reason="DeadlineExceeded", message="Pod was active too long"),
        Failed("DeadlineExceeded: Pod was active too long", code=CauseCode.DEADLINE_EXCEEDED),
    ),
    "failed (kstatus says it is done)": (
        pod("Failed", container(state=ended(3))),
        Failed("container app: ended with exit code 3", code=CauseCode.CONTAINER_FAILED),
    ),
    "failed for want of memory": (
        pod("Failed", container(state=ended(137, "OOMKilled"))),
        Failed("container app: ended with exit code 137 (OOMKilled)", code=CauseCode.OOM_KILLED),
    ),
    "failed without a word": (pod("Failed"), Failed("the pod failed", code=CauseCode.CONTAINER_FAILED)),
    "running, its readiness probe fails": (
        with_spec(pod("Running", running(started=True), **NOT_READY), **PROBED),
        Progressing(
            "container app: running, but not ready: its readiness probe does not pass", CauseCode.PROBE_FAILING
        ),
    ),
    "running, its startup probe fails": (
        with_spec(pod("Running", running(started=False), **NOT_READY), **PROBED),
        Progressing("container app: running, but not ready: its startup probe does not pass", CauseCode.PROBE_FAILING),
    ),
    "an init container that runs is not in trouble": (
        body("Pod", {"phase": "Pending", "initContainerStatuses": [running()]}),
        Progressing("phase Pending"),
    ),
    "a sidecar that is not ready": (
        with_spec(body("Pod", {"phase": "Pending", "initContainerStatuses": [running(started=True)]}), **SIDECAR),
        Progressing(
            "container app: running, but not ready: its readiness probe does not pass", CauseCode.PROBE_FAILING
        ),
    ),
    "crashed once": (
        pod("Running", crashing(1, ended(137, "OOMKilled"))),
        Failed(
            "container app: CrashLoopBackOff, 1 restart, last ended with exit code 137 (OOMKilled)",
            60,
            CauseCode.OOM_KILLED,
        ),
    ),
    "crashes all the time": (
        pod("Running", crashing(3)),
        Failed("container app: CrashLoopBackOff, 3 restarts", 0, CauseCode.CRASH_LOOP),
    ),
    "crashes again and again within seconds": (
        pod("Running", crashing(3, ended(127, **A_MOMENT))),
        Failed(
            "container app: CrashLoopBackOff, 3 restarts, last ended with exit code 127 (command not found)",
            0,
            CauseCode.CRASH_LOOP,
        ),
    ),
    "crashed after a week, and long ago before": (
        pod("Running", crashing(9, ended(1, **A_WEEK))),
        Failed("container app: CrashLoopBackOff, 9 restarts, last ended with exit code 1", 60, CauseCode.CRASH_LOOP),
    ),
    "has crashed and runs again": (
        pod("Running", running(restartCount=2, lastState=ended(1, **A_MOMENT)), **NOT_READY),
        Progressing("container app: running again after 2 restarts, last ended with exit code 1", CauseCode.CRASH_LOOP),
    ),
    "has a command that is not in the image": (
        pod("Running", crashing(4, ended(128, "StartError", message='exec: "serve": not found in $PATH\nmore'))),
        Failed(
            "container app: CrashLoopBackOff, 4 restarts, last ended with exit code 128 (StartError): "
            'exec: "serve": not found in $PATH',
            0,
            CauseCode.START_FAILED,
        ),
    ),
    "image not found": (
        pod("Pending", waiting("ImagePullBackOff", "rpc error: web:9: not found")),
        Failed(
            'container app: image "web:9" was not found: ImagePullBackOff: rpc error: web:9: not found',
            10,
            CauseCode.IMAGE_NOT_FOUND,
        ),
    ),
    "image unknown to its registry": (
        pod("Pending", waiting("ErrImagePull", "manifest unknown")),
        Failed(
            'container app: image "web:9" was not found: ErrImagePull: manifest unknown', 10, CauseCode.IMAGE_NOT_FOUND
        ),
    ),
    "image not pulled for another reason": (
        pod("Pending", waiting("ErrImagePull", "i/o timeout")),
        Progressing(
            'container app: image "web:9" cannot be pulled: ErrImagePull: i/o timeout', CauseCode.IMAGE_PULL_FAILED
        ),
    ),
    "the registry's name is not found, which is the network's fault": (
        pod("Pending", waiting("ErrImagePull", "dial tcp: lookup r.example: no such host: not found")),
        Progressing(
            'container app: image "web:9" cannot be pulled: '
            "ErrImagePull: dial tcp: lookup r.example: no such host: not found",
            CauseCode.IMAGE_PULL_FAILED,
        ),
    ),
    "image name is none": (
        pod("Pending", waiting("InvalidImageName")),
        Failed('container app: image "web:9" cannot be had: InvalidImageName', code=CauseCode.IMAGE_NOT_FOUND),
    ),
    "a Secret is missing": (
        pod("Pending", waiting("CreateContainerConfigError", 'secret "x" not found')),
        Failed(
            'container app cannot be set up: CreateContainerConfigError: secret "x" not found',
            30,
            CauseCode.CONTAINER_CONFIG,
        ),
    ),
    "the kubelet's cache is late": (
        pod("Pending", waiting("CreateContainerConfigError", "failed to sync secret cache")),
        Progressing(
            "container app cannot be set up: CreateContainerConfigError: failed to sync secret cache",
            CauseCode.CONTAINER_CONFIG,
        ),
    ),
    "a mount that cannot be made": (
        pod("Pending", waiting("CreateContainerError", "no such directory")),
        Failed("container app cannot start: CreateContainerError: no such directory", 30, CauseCode.START_FAILED),
    ),
    "the worst of two containers": (
        pod("Running", waiting("ImagePullBackOff", "not found"), crashing(9)),
        Failed("container app: CrashLoopBackOff, 9 restarts", 0, CauseCode.CRASH_LOOP),
    ),
    "an init container that crashes": (
        body("Pod", {"phase": "Pending", "initContainerStatuses": [crashing(4)]}),
        Failed("container app: CrashLoopBackOff, 4 restarts", 0, CauseCode.CRASH_LOOP),
    ),
}


@pytest.mark.parametrize(("found", "expected"), PODS.values(), ids=PODS.keys())
def test_pods(found: dict[str, Any], expected: Readiness) -> None:
    assert readiness(ObjectRef("", "Pod", "shop", "web"), found) == expected


def test_what_is_missing_is_what_several_workloads_can_share() -> None:
    def subject(*containers: dict[str, Any]) -> str:
        trouble = pod_trouble(pod("Pending", *containers))
        assert trouble is not None
        return trouble.subject

    assert subject(waiting("ErrImagePull", "not found")) == "web:9"
    assert subject(waiting("CreateContainerConfigError", 'secret "x" not found')) == 'secret "x" not found'
    assert subject(crashing(3)) == ""


EXIT_CODES = {126: "cannot be executed", 127: "command not found", 137: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM"}


@pytest.mark.parametrize(("code", "said"), EXIT_CODES.items())
def test_an_exit_code_of_a_shell_or_a_signal_says_what_it_means(code: int, said: str) -> None:
    trouble = pod_trouble(pod("Failed", container(state=ended(code))))
    assert trouble is not None
    assert trouble.exit_code == code
    assert said in trouble.text


ODD: dict[str, dict[str, Any]] = {
    "no status at all": {"kind": "Pod", "metadata": {"name": "web"}},
    "a status of nulls": body("Pod", {"phase": None, "containerStatuses": None, "conditions": None}),
    "containers that are no mappings": body("Pod", {"phase": "Running", "containerStatuses": ["x", None]}),
    "times that are none": pod("Running", crashing(5, ended(1, startedAt="soon", finishedAt=7))),
}


@pytest.mark.parametrize("found", ODD.values(), ids=ODD.keys())
def test_a_status_that_nobody_would_write_is_no_reason_to_fall_over(found: dict[str, Any]) -> None:
    assert not isinstance(readiness(ObjectRef("", "Pod", "shop", "web"), found), Ready)
