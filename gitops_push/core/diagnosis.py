"""From what a workload, its pods and their events say to one cause with its evidence. Pure: no requests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from gitops_push.core.causes import CauseCode
from gitops_push.core.events import Event, repeats
from gitops_push.core.fieldpath import FieldPath
from gitops_push.core.origin import Origin
from gitops_push.core.readiness.containers import is_missing_image
from gitops_push.core.readiness.creation import creation_code
from gitops_push.core.readiness.troubles import Trouble

_OF_THE_PODS: Final = frozenset(
    {None, CauseCode.DEADLINE_EXCEEDED, CauseCode.JOB_FAILED, CauseCode.SAYS_FAILED, CauseCode.NOT_OBSERVED}
)
"""What an object says of itself that its pods know better."""

_ENDED: Final = frozenset({CauseCode.CRASH_LOOP, CauseCode.CONTAINER_FAILED})
_ENDED_BADLY: Final = frozenset({CauseCode.JOB_FAILED, CauseCode.CONTAINER_FAILED, CauseCode.SAYS_FAILED})
_KILLED: Final = frozenset({0, 137, 143})
_PROBE: Final = re.compile(r"(Readiness|Liveness|Startup) probe (?:failed|errored)(?: and [a-z ]+)?: *(.*)", re.DOTALL)
_QUOTA: Final = re.compile(r"exceeded quota: [^,]+")
_REPEATS: Final = frozenset({"BackOff", "Unhealthy", "FailedScheduling"})
"""Reasons of events that say again, in other words, what the state of a container or pod says."""


@dataclass(frozen=True, slots=True)
class LogTail:
    """The last lines of a container's log; `previous`: of the run before. `note` says why there are none."""

    container: str
    previous: bool = False
    lines: tuple[str, ...] = field(default=(), repr=False)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an object is not ready, and what proves it.

    `summary` says it in one line, `said` what the kubelet, the scheduler or the server says, `state` what the object
    itself says. `pod` is the one of `failing` of `pods` that tells most. `subject` is what it is about where objects
    may share it: an image, a quota, a Secret. `field` and `origin` are where the config repo sets what is at fault.
    """

    code: CauseCode
    summary: str
    said: str = ""
    state: str = ""
    subject: str = ""
    pod: str = ""
    container: str = ""
    probe: str = ""
    exit_code: int | None = None
    restarts: int = 0
    failing: int = 0
    pods: int = 0
    events: tuple[Event, ...] = ()
    log: LogTail | None = None
    notes: tuple[str, ...] = ()
    field: FieldPath = ()
    origin: Origin | None = None

    @property
    def text(self) -> str:
        """Return what is wrong in one line, with the words of who says so."""
        return f"{self.summary}: {self.said}" if self.said else self.summary


def of_hook(cause: Cause) -> Cause:
    """Return why a hook has failed: that it did, where nothing more special is known than that it ended badly."""
    return replace(cause, code=CauseCode.HOOK_FAILED) if cause.code in _ENDED_BADLY else cause


def conclude(
    code: CauseCode | None, state: str, trouble: Trouble | None, events: Iterable[Event], otherwise: CauseCode
) -> Cause:
    """Return the most specific cause that verdict (`code`, `state`), worst pod and events (oldest first) show.

    `otherwise` is the code where none of them tells.
    """
    heard = tuple(events)
    by_itself = code not in _OF_THE_PODS and not (trouble and trouble.code is code)
    found = None if by_itself else _refined(trouble, heard) if trouble else _told(heard)
    if found is None:
        told = tuple(event for event in heard if not repeats(event, state))
        return Cause(code or otherwise, state, subject=_quota(state), events=told)
    gave_up = code is CauseCode.JOB_FAILED and found.code in _ENDED
    return Cause(
        CauseCode.JOB_FAILED if gave_up else found.code,
        found.text,
        found.said,
        state,
        found.subject,
        container=found.container,
        probe=found.probe,
        exit_code=found.exit_code,
        restarts=found.restarts,
        events=tuple(event for event in heard if not _is_told(event, found)),
    )


def masked(cause: Cause, mask: Callable[[str], str]) -> Cause:
    """Return the cause with every text that others wrote masked; a log as a whole, for values of many lines."""
    log = cause.log and replace(cause.log, lines=tuple(mask("\n".join(cause.log.lines)).splitlines()))
    return replace(
        cause,
        summary=mask(cause.summary),
        said=mask(cause.said),
        state=mask(cause.state),
        subject=mask(cause.subject),
        events=tuple(replace(event, message=mask(event.message)) for event in cause.events),
        log=log,
        notes=tuple(map(mask, cause.notes)),
    )


def _refined(trouble: Trouble, events: tuple[Event, ...]) -> Trouble:
    """Return what a pod says, made more exact by the words of its events."""
    probes = [match for event in events if event.reason == "Unhealthy" and (match := _PROBE.match(event.message))]
    for kind, said in ((match[1].lower(), match[2].strip()) for match in reversed(probes)):
        if trouble.code is CauseCode.PROBE_FAILING and trouble.probe in {"", kind}:
            return replace(trouble, probe=kind, said=said)
        if trouble.code is CauseCode.CRASH_LOOP and kind != "readiness" and trouble.exit_code in _KILLED:
            return _killed_by(kind, said, trouble)
    if trouble.code is CauseCode.IMAGE_PULL_FAILED:
        missing = next((event for event in events if _is_missing_pull(event)), None)
        return replace(trouble, code=CauseCode.IMAGE_NOT_FOUND, said=missing.message) if missing else trouble
    return trouble


def _killed_by(probe: str, said: str, trouble: Trouble) -> Trouble:
    """Return that it does not crash: the kubelet ends it because its probe fails."""
    text = f"container {trouble.container}: its {probe} probe fails; {trouble.restarts} restarts"
    return replace(trouble, code=CauseCode.PROBE_FAILING, text=text, probe=probe, said=said)


def _told(events: tuple[Event, ...]) -> Trouble | None:
    """Return what the last event that tells a cause says, where no pod tells one (or none was created)."""
    found = ((event, code) for event in reversed(events) if (code := _code_of(event)))
    event, code = next(found, (None, None))
    return Trouble(code, event.reason, event.message, subject=_quota(event.message)) if event and code else None


def _quota(message: str) -> str:
    """Return which quota is exceeded, or ""."""
    found = _QUOTA.search(message)
    return found[0] if found else ""


def _code_of(event: Event) -> CauseCode | None:
    match event.reason:
        case "FailedCreate":
            return creation_code(event.message)
        case "FailedMount" | "FailedAttachVolume" | "FailedMapVolume":
            return CauseCode.MOUNT_FAILED
        case "FailedCreatePodSandBox" | "FailedCreatePodContainer":
            return CauseCode.START_FAILED
        case "FailedScheduling":
            return CauseCode.UNSCHEDULABLE
        case "Evicted" | "Preempted":
            return CauseCode.EVICTED
        case "Failed" if "pull" in event.message:
            return CauseCode.IMAGE_NOT_FOUND if is_missing_image(event.message) else CauseCode.IMAGE_PULL_FAILED
        case _:
            return None


def _is_missing_pull(event: Event) -> bool:
    return event.reason == "Failed" and "pull" in event.message and is_missing_image(event.message)


def _is_told(event: Event, trouble: Trouble) -> bool:
    """Return whether an event says nothing beyond the words that are told already."""
    if event.reason in _REPEATS or (event.reason == "Failed" and trouble.said):
        return True
    return repeats(event, trouble.said)
