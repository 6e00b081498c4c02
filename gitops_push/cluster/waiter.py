"""Waits until all objects are ready at the same time, and no longer than it makes sense.

Stops at once when something has failed for good: what does not get better by waiting is told now. Reads only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gitops_push.cluster.api import ApiReader, ServedKind
from gitops_push.cluster.diagnosis import Diagnosis
from gitops_push.cluster.health import HealthCheck
from gitops_push.cluster.observation import Observation, Seen, Source, Unseen
from gitops_push.cluster.pods import POD, PodIndex, has_pods
from gitops_push.core.causes import CauseCode
from gitops_push.core.diagnosis import Cause
from gitops_push.core.hook_readiness import at_its_end
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.readiness import Failed, Progressing, Readiness, Ready, Unknown

_TICK_SECONDS: Final = 0.1
_MISSING_GRACE_SECONDS: Final = 5.0
_TELL_EVERY_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class WaitRequest:
    """What to wait for, until when (`deadline` on `clock`).

    `vanishing` are Jobs that are deleted when they are done: missing, they are ready. `hooks` are ready when they have
    come to their end. `progress` gets a line for people when the number of ready objects changes.
    """

    targets: Mapping[ObjectRef, ServedKind]
    deadline: float
    vanishing: frozenset[ObjectRef] = frozenset()
    hooks: frozenset[ObjectRef] = frozenset()
    should_stop: Callable[[], bool] = lambda: False
    progress: Callable[[str], None] = lambda _: None
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Waited:
    """How waiting for one object ended. `cause` says why it is not ready; `seconds` is when it got there."""

    ref: ObjectRef
    ready: bool
    seconds: float
    cause: Cause | None = None

    @property
    def message(self) -> str:
        """Return the cause in one line, "" of what is ready."""
        return self.cause.text if self.cause else ""


def wait_until_ready(reader: ApiReader, request: WaitRequest) -> tuple[Waited, ...]:
    """Return how each target ended, in the order of `targets`: all ready, or the reasons why not."""
    if not request.targets:
        return ()
    wait = _Wait(reader, request)
    with Observation(reader, _sources(request.targets), request.clock) as observation:
        while not wait.is_over():
            wait.take_in(observation.news(_TICK_SECONDS))
    return wait.results()


def _sources(targets: Mapping[ObjectRef, ServedKind]) -> tuple[Source, ...]:
    names: dict[tuple[ServedKind, str], set[str]] = {}
    for ref, kind in targets.items():
        names.setdefault((kind, ref.namespace), set()).add(ref.name)
    watched = [Source(kind, namespace, frozenset(found)) for (kind, namespace), found in sorted(names.items())]
    with_pods = sorted({ref.namespace for ref in targets if has_pods(ref)} - {n for k, n in names if k == POD})
    return (*watched, *(Source(POD, namespace) for namespace in with_pods))


@dataclass(slots=True)
class _Wait:
    """The state of waiting: what was seen last of each object, and since when it has looked failed."""

    reader: ApiReader
    request: WaitRequest
    began_at: float = field(init=False)
    pods: PodIndex = field(default_factory=PodIndex)
    check: HealthCheck = field(init=False)
    live: dict[ObjectRef, Body | None] = field(default_factory=dict)
    verdicts: dict[ObjectRef, Readiness] = field(default_factory=dict)
    failing_since: dict[ObjectRef, float] = field(default_factory=dict)
    ready_at: dict[ObjectRef, float] = field(default_factory=dict)
    told_at: float = float("-inf")
    fatal: str = ""

    def __post_init__(self) -> None:
        self.began_at = self.request.clock()
        self.check = HealthCheck(self.reader, self.pods)
        self.verdicts = {ref: Progressing("not seen yet") for ref in self.request.targets}

    def take_in(self, news: Iterable[Seen | Unseen]) -> None:
        """Judge again what the news are about."""
        touched: set[ObjectRef] = set()
        for piece in news:
            match piece:
                case Seen():
                    touched |= self._seen(piece)
                case Unseen():
                    self._unseen(piece)
        before = len(self.ready_at)
        for ref in touched & self.request.targets.keys():
            self._judge(ref)
        if len(self.ready_at) != before:
            self._tell()

    def _tell(self) -> None:
        """Say how far it is, but not for every object of hundreds: the last one, and every other second."""
        now, ready, every = self.request.clock(), len(self.ready_at), len(self.request.targets)
        if ready == every or now - self.told_at >= _TELL_EVERY_SECONDS:
            self.told_at = now
            self.request.progress(f"health: {ready} of {every} ready")

    def is_over(self) -> bool:
        """Return whether everything is ready, something has failed for good, or the time is up."""
        now = self.request.clock()
        everything = len(self.ready_at) == len(self.request.targets)
        return bool(
            everything
            or self.fatal
            or now >= self.request.deadline
            or self.request.should_stop()
            or any(self._has_failed(ref, now) for ref in self.failing_since)
        )

    def results(self) -> tuple[Waited, ...]:
        """Return how it ended; asks for the evidence of what is not ready."""
        ended_at = self.request.clock()
        causes = self._causes(timed_out=ended_at >= self.request.deadline)
        return tuple(
            Waited(ref, ref in self.ready_at, self.ready_at.get(ref, ended_at) - self.began_at, causes.get(ref))
            for ref in self.request.targets
        )

    def _causes(self, *, timed_out: bool) -> dict[ObjectRef, Cause]:
        """What has failed comes first and in full; what was not ready when that ended the wait has no evidence."""
        diagnosis = Diagnosis(self.reader, self.pods, CauseCode.TIMEOUT if timed_out else CauseCode.IN_PROGRESS)
        unready = {ref: v for ref, v in self.verdicts.items() if isinstance(v, (Failed, Progressing, Unknown))}
        causes = {}
        for ref, verdict in sorted(unready.items(), key=lambda item: not isinstance(item[1], Failed)):
            if self.fatal:
                causes[ref] = Cause(CauseCode.NOT_READABLE, self.fatal)
            elif isinstance(verdict, Unknown):
                causes[ref] = Cause(CauseCode.TIMEOUT, verdict.reason)
            elif timed_out or isinstance(verdict, Failed):
                causes[ref] = diagnosis.of(ref, self.live.get(ref), verdict)
            else:
                causes[ref] = Cause(CauseCode.IN_PROGRESS, verdict.reason)
        return causes

    def _seen(self, piece: Seen) -> set[ObjectRef]:
        kind, namespace = piece.source.kind, piece.source.namespace
        touched: set[ObjectRef] = set()
        if kind == POD:
            take = self.pods.replace_all if piece.complete else self.pods.update
            touched |= take(namespace, piece.bodies)
        bodies = {**dict.fromkeys(piece.source.names), **piece.bodies} if piece.complete else piece.bodies
        for name, body in bodies.items():
            ref = ObjectRef(kind.group, kind.kind, namespace, name)
            if ref in self.request.targets:
                self.live[ref] = body
                touched.add(ref)
        return touched

    def _unseen(self, piece: Unseen) -> None:
        if piece.fatal:
            self.fatal = piece.reason
        for name in piece.source.names if piece.forbidden else ():
            ref = ObjectRef(piece.source.kind.group, piece.source.kind.kind, piece.source.namespace, name)
            self._settle(ref, Failed(f"its health may not be read: {piece.reason}", code=CauseCode.NOT_READABLE))

    def _judge(self, ref: ObjectRef) -> None:
        if ref not in self.live:
            return
        live = self.live[ref]
        if live is not None:
            found = self.check.of(ref, live)
            self._settle(ref, at_its_end(ref, live, found) if ref in self.request.hooks else found)
        elif ref in self.request.vanishing:
            self._settle(ref, Ready("finished and deleted"))
        else:
            self._settle(ref, Failed("it does not exist", _MISSING_GRACE_SECONDS, CauseCode.DOES_NOT_EXIST))

    def _settle(self, ref: ObjectRef, verdict: Readiness) -> None:
        self.verdicts[ref] = verdict
        if isinstance(verdict, Failed):
            self.failing_since.setdefault(ref, self.request.clock())
        else:
            self.failing_since.pop(ref, None)
        if isinstance(verdict, Ready):
            self.ready_at.setdefault(ref, self.request.clock())
        else:
            self.ready_at.pop(ref, None)

    def _has_failed(self, ref: ObjectRef, now: float) -> bool:
        verdict = self.verdicts[ref]
        return isinstance(verdict, Failed) and now - self.failing_since[ref] >= verdict.grace_seconds
