from __future__ import annotations

import pytest

from gitops_push.core.causes import CauseCode
from gitops_push.core.diagnosis import Cause, LogTail, conclude, masked
from gitops_push.core.events import Event
from gitops_push.core.readiness.troubles import Trouble

CRASHING = Trouble(CauseCode.CRASH_LOOP, "container web: CrashLoopBackOff", "", 0.0, "web", 1, 5)
KILLED = Trouble(CauseCode.CRASH_LOOP, "container web: CrashLoopBackOff", "", 0.0, "web", 137, 5)
ENDED = Trouble(CauseCode.CONTAINER_FAILED, "container web: ended with exit code 3", "", 0.0, "web", 3)
STARVED = Trouble(CauseCode.OOM_KILLED, "container web: ended with exit code 137", "", 0.0, "web", 137)
UNREADY = Trouble(CauseCode.PROBE_FAILING, "container web: running, but not ready", container="web", probe="readiness")
PULLING = Trouble(CauseCode.IMAGE_PULL_FAILED, "cannot be pulled", "ImagePullBackOff", None, "web", subject="web:9")


def event(reason: str, message: str) -> Event:
    return Event("Pod", "web-1-x", reason, message)


UNHEALTHY = event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
ALIVE_NO_MORE = event("Unhealthy", 'Liveness probe failed: Get "http://10.0.0.1/": context deadline exceeded')
QUOTA = event("FailedCreate", 'pods "web-6c5d-aaaaa" is forbidden: exceeded quota: pods, requested: pods=1')
DENIED = event("FailedCreate", 'pods "web-1-x" is forbidden: violates PodSecurity "restricted:latest"')
MOUNT = event("FailedMount", 'MountVolume.SetUp failed for volume "tls" : secret "tls" not found')
PULL = event("Failed", 'Failed to pull image "web:9": not found')

CASES: dict[str, tuple[CauseCode | None, Trouble | None, tuple[Event, ...], CauseCode]] = {
    "nothing tells": (None, None, (), CauseCode.TIMEOUT),
    "the worst pod tells": (None, CRASHING, (), CauseCode.CRASH_LOOP),
    "a deadline is over because of a pod": (CauseCode.DEADLINE_EXCEEDED, CRASHING, (), CauseCode.CRASH_LOOP),
    "a deadline is over, and no pod says why": (CauseCode.DEADLINE_EXCEEDED, None, (), CauseCode.DEADLINE_EXCEEDED),
    "a Job gave up after its container failed": (CauseCode.JOB_FAILED, ENDED, (), CauseCode.JOB_FAILED),
    "a Job gave up for want of memory": (CauseCode.JOB_FAILED, STARVED, (), CauseCode.OOM_KILLED),
    "a quota that is full stands for itself": (CauseCode.QUOTA_EXCEEDED, UNREADY, (), CauseCode.QUOTA_EXCEEDED),
    "no pod was made: the quota": (None, None, (QUOTA,), CauseCode.QUOTA_EXCEEDED),
    "no pod was made: its security": (None, None, (DENIED,), CauseCode.ADMISSION_DENIED),
    "a volume cannot be mounted": (None, None, (MOUNT,), CauseCode.MOUNT_FAILED),
    "the last event that tells counts": (None, None, (QUOTA, MOUNT, UNHEALTHY), CauseCode.MOUNT_FAILED),
    "the pull's own words know more": (None, PULLING, (PULL,), CauseCode.IMAGE_NOT_FOUND),
    "a liveness probe ends it": (None, KILLED, (ALIVE_NO_MORE,), CauseCode.PROBE_FAILING),
    "a liveness probe fails while it crashes by itself": (None, CRASHING, (ALIVE_NO_MORE,), CauseCode.CRASH_LOOP),
    "a readiness probe does not end anything": (None, KILLED, (UNHEALTHY,), CauseCode.CRASH_LOOP),
}


@pytest.mark.parametrize(("code", "trouble", "events", "expected"), CASES.values(), ids=CASES.keys())
def test_the_most_specific_cause_that_is_shown_is_told(
    code: CauseCode | None, trouble: Trouble | None, events: tuple[Event, ...], expected: CauseCode
) -> None:
    assert conclude(code, "0 of 1 pods available", trouble, events, CauseCode.TIMEOUT).code is expected


def test_a_failing_probe_is_told_in_its_own_words_and_only_once() -> None:
    found = conclude(None, "0 of 1 pods available", UNREADY, (UNHEALTHY, MOUNT), CauseCode.TIMEOUT)
    assert (found.probe, found.said) == ("readiness", "HTTP probe failed with statuscode: 503")
    assert found.events == (MOUNT,)


def test_of_two_probes_the_one_that_ends_the_container_is_told() -> None:
    found = conclude(None, "", KILLED, (ALIVE_NO_MORE, UNHEALTHY), CauseCode.TIMEOUT)
    assert (found.probe, found.exit_code, found.restarts) == ("liveness", 137, 5)
    assert found.summary == "container web: its liveness probe fails; 5 restarts"


def test_words_that_are_told_already_are_no_events() -> None:
    assert conclude(None, "", PULLING, (PULL,), CauseCode.TIMEOUT).events == ()
    assert conclude(None, "", None, (MOUNT,), CauseCode.TIMEOUT).events == ()


def test_what_the_object_says_itself_is_not_told_again_as_an_event() -> None:
    state = 'pods "web-6c5d-zzzzz" is forbidden: exceeded quota: pods, requested: pods=1'
    found = conclude(CauseCode.QUOTA_EXCEEDED, state, None, (QUOTA, MOUNT), CauseCode.TIMEOUT)
    assert (found.summary, found.subject, found.events) == (state, "exceeded quota: pods", (MOUNT,))


def test_every_text_that_others_wrote_is_masked_a_log_also_across_its_lines() -> None:
    secret = "two\nlines"
    cause = Cause(
        CauseCode.CRASH_LOOP,
        f"summary {secret}",
        f"said {secret}",
        f"state {secret}",
        f"subject {secret}",
        events=(event("BackOff", f"event {secret}"),),
        log=LogTail("web", lines=("one", "two", "lines", "three")),
        notes=(f"note {secret}",),
    )
    found = masked(cause, lambda text: text.replace(secret, "***"))
    assert "two" not in repr(found)
    assert found.log is not None
    assert found.log.lines == ("one", "***", "three")
