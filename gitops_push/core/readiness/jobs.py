"""Jobs and CronJobs. A Job is ready when it has completed, not when it has started (the rule of Flux)."""

from __future__ import annotations

from gitops_push.core.causes import CauseCode
from gitops_push.core.objects import Body
from gitops_push.core.readiness.conditions import conditions, items, number, section
from gitops_push.core.readiness.values import Failed, Progressing, Readiness, Ready


def job(body: Body) -> Readiness:
    """Return the readiness of a Job; a suspended one is ready, because nothing will happen to it."""
    found = conditions(body)
    if (complete := found.get("Complete")) and complete.is_true:
        return Ready()
    for name in ("Failed", "FailureTarget"):
        if (failed := found.get(name)) and failed.is_true:
            late = failed.reason == "DeadlineExceeded"
            code = CauseCode.DEADLINE_EXCEEDED if late else CauseCode.JOB_FAILED
            return Failed(failed.describe("the Job failed"), code=code)
    if section(body, "spec").get("suspend") is True:
        return Ready("suspended")
    status = section(body, "status")
    succeeded, wanted = number(status, "succeeded"), number(section(body, "spec"), "completions", 1)
    failures = number(status, "failed")
    tail = f", {failures} failed" if failures else ""
    return Progressing(f"{succeeded} of {wanted} pods completed{tail}")


def cron_job(body: Body) -> Readiness:
    """Return that a CronJob is ready: it has done its part when it is stored. A last run that failed is only noted."""
    if section(body, "spec").get("suspend") is True:
        return Ready("suspended")
    status = section(body, "status")
    scheduled, succeeded = (str(status.get(key) or "") for key in ("lastScheduleTime", "lastSuccessfulTime"))
    # Times are RFC 3339 in UTC to the second, so that they sort as text.
    failed = scheduled > succeeded and not items(status, "active")
    return Ready("its last run has not succeeded" if failed else "")


def vanishes_when_done(body: Body) -> bool:
    """Return whether a Job is deleted after it has finished, so that a missing one is a finished one."""
    return body.get("kind") == "Job" and "ttlSecondsAfterFinished" in section(body, "spec")
