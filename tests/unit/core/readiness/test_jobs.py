from __future__ import annotations

from typing import Any

import pytest

from gitops_push.core.causes import CauseCode
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
    "failed": (
        job(conditions(Failed=("True", "BackoffLimitExceeded", "too often"))),
        Failed("too often", code=CauseCode.JOB_FAILED),
    ),
    "about to fail": (
        job(conditions(FailureTarget=("True", "PodFailurePolicy"))),
        Failed("PodFailurePolicy", code=CauseCode.JOB_FAILED),
    ),
    "too late": (
        job(conditions(Failed=("True", "DeadlineExceeded", "too late"))),
        Failed("too late", code=CauseCode.DEADLINE_EXCEEDED),
    ),
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
