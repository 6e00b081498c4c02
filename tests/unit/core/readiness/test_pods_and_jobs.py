from __future__ import annotations

from typing import Any

import pytest

from gitops_push.core.objects import ObjectRef
from gitops_push.core.readiness import Failed, Progressing, Readiness, Ready, readiness
from gitops_push.core.readiness.jobs import vanishes_when_done
from tests.unit.core.readiness.bodies import body, conditions


def job(status: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return body("Job", status, **spec)


JOBS = {
    "complete": (job(conditions(Complete="True")), Ready()),
    "started (kstatus says it is done)": (
        job({"startTime": "2026-01-01T00:00:00Z", "active": 1}, completions=2),
        Progressing("0 of 2 pods completed"),
    ),
    "half done with a failure": (
        job({"succeeded": 1, "failed": 1}, completions=2),
        Progressing("1 of 2 pods completed, 1 failed"),
    ),
    "failed": (job(conditions(Failed=("True", "BackoffLimitExceeded", "too often"))), Failed("too often")),
    "about to fail": (job(conditions(FailureTarget=("True", "PodFailurePolicy"))), Failed("PodFailurePolicy")),
    "a Failed condition that does not hold": (job(conditions(Failed="False")), Progressing("0 of 1 pods completed")),
    "suspended": (job(conditions(Suspended="True"), suspend=True), Ready("suspended")),
    "resumed (Argo CD says it is done)": (
        job(conditions(Suspended="False"), suspend=False),
        Progressing("0 of 1 pods completed"),
    ),
    "complete and then suspended": (job(conditions(Complete="True"), suspend=True), Ready()),
}


@pytest.mark.parametrize(("found", "expected"), JOBS.values(), ids=JOBS.keys())
def test_jobs(found: dict[str, Any], expected: Readiness) -> None:
    assert readiness(ObjectRef("batch", "Job", "shop", "web"), found) == expected


def test_a_cron_job_is_ready_when_it_is_stored() -> None:
    ref = ObjectRef("batch", "CronJob", "shop", "web")
    assert readiness(ref, body("CronJob")) == Ready()
    assert readiness(ref, body("CronJob", suspend=True)) == Ready("suspended")


def test_only_a_job_with_a_time_to_live_vanishes() -> None:
    assert vanishes_when_done(job(ttlSecondsAfterFinished=0))
    assert not vanishes_when_done(job())


def container(**fields: Any) -> dict[str, Any]:
    return {"name": "app", "ready": False, "restartCount": 0, **fields}


def waiting(reason: str, message: str = "", **fields: Any) -> dict[str, Any]:
    return container(state={"waiting": {"reason": reason, "message": message}}, **fields)


def pod(phase: str = "", *containers: dict[str, Any], **status: Any) -> dict[str, Any]:
    return body("Pod", {"phase": phase, "containerStatuses": list(containers), **status})


CRASHED = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
READY = conditions(Ready="True", PodScheduled="True")
UNSCHEDULABLE = conditions(PodScheduled=("False", "Unschedulable", "0/3 nodes are available"))

PODS = {
    "running and ready": (pod("Running", container(ready=True), **READY), Ready()),
    "completed": (pod("Succeeded"), Ready("completed")),
    "no status yet": (pod(), Progressing("phase not set")),
    "evicted": (pod("Failed", reason="Evicted", message="low on memory"), Failed("Evicted: low on memory")),
    "failed (kstatus says it is done)": (
        pod("Failed", container(state={"terminated": {"exitCode": 3, "reason": "Error"}})),
        Failed("container app: ended with exit code 3 (Error)"),
    ),
    "failed without a word": (pod("Failed"), Failed("the pod failed")),
    "running, its probe fails": (
        pod("Running", container(state={"running": {}}), **conditions(Ready="False", PodScheduled="True")),
        Progressing("container app: running, but not ready"),
    ),
    "unschedulable, which an autoscaler may mend": (
        pod("Pending", **UNSCHEDULABLE),
        Progressing("Unschedulable: 0/3 nodes are available"),
    ),
    "starting": (pod("Pending", waiting("ContainerCreating")), Progressing("container app: ContainerCreating")),
    "crashed once": (
        pod("Running", waiting("CrashLoopBackOff", restartCount=1, lastState=CRASHED)),
        Failed("container app: CrashLoopBackOff, 1 restarts, last ended with exit code 137 (OOMKilled)", 60),
    ),
    "crashes all the time": (
        pod("Running", waiting("CrashLoopBackOff", restartCount=3)),
        Failed("container app: CrashLoopBackOff, 3 restarts"),
    ),
    "image not found": (
        pod("Pending", waiting("ImagePullBackOff", "rpc error: web:9: not found")),
        Failed("container app: ImagePullBackOff: rpc error: web:9: not found", 10),
    ),
    "image not pulled for another reason": (
        pod("Pending", waiting("ErrImagePull", "i/o timeout")),
        Progressing("container app: ErrImagePull: i/o timeout"),
    ),
    "image name is none": (pod("Pending", waiting("InvalidImageName")), Failed("container app: InvalidImageName")),
    "a Secret is missing": (
        pod("Pending", waiting("CreateContainerConfigError", 'secret "x" not found')),
        Failed('container app: CreateContainerConfigError: secret "x" not found', 30),
    ),
    "the kubelet's cache is late": (
        pod("Pending", waiting("CreateContainerConfigError", "failed to sync secret cache")),
        Progressing("container app: CreateContainerConfigError: failed to sync secret cache"),
    ),
    "the worst of two containers": (
        pod("Running", waiting("ImagePullBackOff", "not found"), waiting("CrashLoopBackOff", restartCount=9)),
        Failed("container app: CrashLoopBackOff, 9 restarts"),
    ),
    "an init container": (
        body("Pod", {"phase": "Pending", "initContainerStatuses": [waiting("CrashLoopBackOff", restartCount=4)]}),
        Failed("container app: CrashLoopBackOff, 4 restarts"),
    ),
}


@pytest.mark.parametrize(("found", "expected"), PODS.values(), ids=PODS.keys())
def test_pods(found: dict[str, Any], expected: Readiness) -> None:
    assert readiness(ObjectRef("", "Pod", "shop", "web"), found) == expected
