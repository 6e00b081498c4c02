"""Waits until all objects are ready at the same time, and no longer than it makes sense.

Stops at once when something has failed for good: what does not get better by waiting is told now. An object that says
nothing about its health gets a moment to begin, and is then reported as not verified. Reads only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from gitops_push.cluster.api import ApiReader, ServedKind
from gitops_push.cluster.diagnosis import Diagnosis
from gitops_push.cluster.health import HealthCheck
from gitops_push.cluster.observation import Observation, Seen, Source, Unseen, sources_of
from gitops_push.cluster.pods import POD, PodIndex, has_pods, is_pod
from gitops_push.cluster.soak import Soak
from gitops_push.core.causes import CauseCode
from gitops_push.core.deployment import Result
from gitops_push.core.diagnosis import Cause
from gitops_push.core.durations import duration_text
from gitops_push.core.environment import WaitRule
from gitops_push.core.hook_readiness import at_its_end
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.readiness import Failed, Progressing, Readiness, Ready, Unknown, is_custom
from gitops_push.core.readiness.conditions import proves_generation
from gitops_push.core.readiness.troubles import Trouble

_TICK_SECONDS: Final = 0.1
_MISSING_GRACE_SECONDS: Final = 5.0
_TELL_EVERY_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class WaitRequest:
    """What to wait for, until when (`deadline` on `clock`; `deadlines` for objects that have their own).

    `vanishing` are Jobs that are deleted when they are done: missing, they are ready. `hooks` are ready when they have
    come to their end. `written` are objects that this run has written: one that says nothing yet gets `settle_seconds`
    to publish a status. Of those, `updated` existed before: a status that does not say which generation it is about may
    be an old one, and counts after that time.

    When all are ready they must stay so for `soak_seconds`, without a restart of a container; what is not ready for
    `relapse_seconds` of that is not ready for good. `progress` gets a line for people when the number of ready objects
    changes.
    """

    targets: Mapping[ObjectRef, ServedKind]
    deadline: float
    vanishing: frozenset[ObjectRef] = frozenset()
    hooks: frozenset[ObjectRef] = frozenset()
    should_stop: Callable[[], bool] = lambda: False
    progress: Callable[[str], None] = lambda _: None
    clock: Callable[[], float] = time.monotonic
    deadlines: Mapping[ObjectRef, float] = field(default_factory=dict)
    rules: tuple[WaitRule, ...] = ()
    written: frozenset[ObjectRef] = frozenset()
    updated: frozenset[ObjectRef] = frozenset()
    settle_seconds: float = 5.0
    soak_seconds: float = 0.0
    relapse_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Waited:
    """How waiting for one object ended: `DONE`, `NOT_VERIFIED` or `NOT_READY`, of which `cause` says why.

    `note` says what is special about a good end ("suspended"), or what is not known; `seconds` is when it got there.
    """

    ref: ObjectRef
    result: Result
    seconds: float
    cause: Cause | None = None
    note: str = ""

    @property
    def message(self) -> str:
        """Return cause or note in one line, "" of what is just ready."""
        return self.cause.text if self.cause else self.note

    @property
    def ready(self) -> bool:
        """Return whether it is known to be ready."""
        return self.result is Result.DONE


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
    """Return the sources of the targets, those of pods first: they tell most, and late sources are only polled."""
    found = sources_of(targets)
    listed = {source.namespace for source in found if is_pod(source.kind)}
    with_pods = sorted({ref.namespace for ref in targets if has_pods(ref)} - listed)
    return (*(Source(POD, namespace) for namespace in with_pods), *found)


@dataclass(slots=True)
class _Deadlines:
    """When the time of each object is up, the earliest first."""

    due: list[tuple[float, ObjectRef]]
    passed: int = 0

    def are_missed(self, now: float, settled: Mapping[ObjectRef, float]) -> bool:
        """Return whether an object is not ready in its time. One that was and is not any more has until the last."""
        while self.passed < len(self.due) and self.due[self.passed][0] <= now:
            if self.due[self.passed][1] not in settled:
                return True
            self.passed += 1
        return self.passed == len(self.due)


@dataclass(slots=True)
class _Wait:
    """The state of waiting: what was seen last of each object, and since when it has looked failed.

    `settled` are objects that need not be waited for any more, with the time when they got there; `settling` those that
    will be at that time if nothing changes.
    """

    reader: ApiReader
    request: WaitRequest
    began_at: float = field(init=False)
    pods: PodIndex = field(default_factory=PodIndex)
    check: HealthCheck = field(init=False)
    deadlines: _Deadlines = field(init=False)
    live: dict[ObjectRef, Body | None] = field(default_factory=dict)
    verdicts: dict[ObjectRef, Readiness] = field(default_factory=dict)
    failing_since: dict[ObjectRef, float] = field(default_factory=dict)
    settling: dict[ObjectRef, float] = field(default_factory=dict)
    settled: dict[ObjectRef, float] = field(default_factory=dict)
    relapsed_at: dict[ObjectRef, float] = field(default_factory=dict)
    restarted: dict[ObjectRef, tuple[Body, Trouble]] = field(default_factory=dict)
    unlisted: set[Source] = field(init=False)
    soak: Soak | None = None
    told_at: float = float("-inf")
    fatal: str = ""

    def __post_init__(self) -> None:
        request = self.request
        self.began_at = request.clock()
        self.check = HealthCheck(self.reader, self.pods, request.rules)
        self.deadlines = _Deadlines(sorted((self._deadline(ref), ref) for ref in request.targets))
        self.verdicts = {ref: Progressing("not seen yet") for ref in request.targets}
        self.unlisted = {source for source in _sources(request.targets) if is_pod(source.kind)}

    def take_in(self, news: Iterable[Seen | Unseen]) -> None:
        """Judge again what the news are about."""
        touched: set[ObjectRef] = set()
        for piece in news:
            match piece:
                case Seen():
                    touched |= self._seen(piece)
                case Unseen():
                    self._unseen(piece)
        before = len(self.settled)
        for ref in touched & self.request.targets.keys():
            self._judge(ref)
        self._let_settle()
        if len(self.settled) != before:
            self._tell()
        # A restart counts from when its pod was first seen: without a list of them no time is worth anything.
        if self.soak is None and self.request.soak_seconds > 0 and self._is_all_settled() and not self.unlisted:
            self._begin_soak()

    def is_over(self) -> bool:
        """Return whether everything is ready (and has stayed so), something has failed for good, or time is up."""
        now = self.request.clock()
        if self.fatal or self.request.should_stop() or any(self._has_failed(ref, now) for ref in self.failing_since):
            return True
        if self.soak is not None:
            relapse = any(now - since >= self.request.relapse_seconds for since in self.relapsed_at.values())
            return relapse or (self._is_all_settled() and now - self.soak.began_at >= self.request.soak_seconds)
        if self._is_all_settled():
            return self.request.soak_seconds <= 0
        return self.deadlines.are_missed(now, self.settled)

    def results(self) -> tuple[Waited, ...]:
        """Return how it ended; asks for the evidence of what is not ready."""
        ended_at = self.request.clock()
        causes = self._causes(ended_at)
        return tuple(self._result(ref, causes, ended_at) for ref in self.request.targets)

    def _result(self, ref: ObjectRef, causes: Mapping[ObjectRef, Cause], ended_at: float) -> Waited:
        seconds, verdict = self.settled.get(ref, ended_at) - self.began_at, self.verdicts[ref]
        if ref in causes:
            return Waited(ref, Result.NOT_READY, seconds, causes[ref])
        if isinstance(verdict, Unknown):
            return Waited(ref, Result.NOT_VERIFIED, seconds, note=verdict.reason)
        return Waited(ref, Result.DONE, seconds, note=verdict.note if isinstance(verdict, Ready) else "")

    def _causes(self, ended_at: float) -> dict[ObjectRef, Cause]:
        """What has failed comes first and in full; what was not ready when that ended the wait has no evidence."""
        diagnosis = Diagnosis(self.reader, self.pods, CauseCode.TIMEOUT)
        cut_short = bool(self.fatal) and self.soak is not None
        unready = {ref: verdict for ref, verdict in self.verdicts.items() if cut_short or ref not in self.settled}
        ordered = sorted(unready, key=lambda ref: not isinstance(unready[ref], Failed))
        return {ref: self._cause(ref, unready[ref], diagnosis, ended_at) for ref in ordered}

    def _cause(self, ref: ObjectRef, verdict: Readiness, diagnosis: Diagnosis, ended_at: float) -> Cause:
        if self.fatal:
            return Cause(CauseCode.NOT_READABLE, self.fatal)
        if isinstance(verdict, (Ready, Unknown)):
            return Cause(CauseCode.IN_PROGRESS, "what it says of itself may still be that of its earlier version")
        if ref in self.restarted:
            return diagnosis.of_pod(ref, self.live.get(ref) or {}, *self.restarted[ref])
        if ref in self.relapsed_at:
            verdict = replace(verdict, reason=f"it was ready and is not any more: {verdict.reason}")
        elif isinstance(verdict, Progressing) and ended_at < self._deadline(ref):
            return Cause(CauseCode.IN_PROGRESS, verdict.reason)
        return diagnosis.of(ref, self.live.get(ref), verdict)

    def _seen(self, piece: Seen) -> set[ObjectRef]:
        kind, namespace = piece.source.kind, piece.source.namespace
        touched: set[ObjectRef] = set()
        if is_pod(kind):
            self.unlisted.discard(piece.source)
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
        self.unlisted.discard(piece.source)
        if piece.fatal:
            self.fatal = piece.reason
        for name in piece.source.names if piece.forbidden else ():
            ref = ObjectRef(piece.source.kind.group, piece.source.kind.kind, piece.source.namespace, name)
            self._note(ref, Failed(f"its health may not be read: {piece.reason}", code=CauseCode.NOT_READABLE))

    def _judge(self, ref: ObjectRef) -> None:
        if ref not in self.live:
            return
        live = self.live[ref]
        if live is not None:
            found = self._restart(ref) or self.check.of(ref, live)
            self._note(ref, at_its_end(ref, live, found) if ref in self.request.hooks else found)
        elif ref in self.request.vanishing:
            self._note(ref, Ready("finished and deleted"))
        else:
            self._note(ref, Failed("it does not exist", _MISSING_GRACE_SECONDS, CauseCode.DOES_NOT_EXIST))

    def _restart(self, ref: ObjectRef) -> Readiness | None:
        if self.soak is None:
            return None
        found = self.soak.restarted(self._pods_of(ref))
        if found is None:
            return None
        self.restarted[ref] = found
        return found[1].verdict

    def _note(self, ref: ObjectRef, verdict: Readiness) -> None:
        now = self.request.clock()
        self.verdicts[ref] = verdict
        if isinstance(verdict, Failed):
            self.failing_since.setdefault(ref, now)
        else:
            self.failing_since.pop(ref, None)
        if isinstance(verdict, (Ready, Unknown)):
            self.settling[ref] = self.began_at + self._settle_seconds(ref, verdict)
            self.relapsed_at.pop(ref, None)
            return
        self.settling.pop(ref, None)
        if self.settled.pop(ref, None) is not None and self.soak is not None:
            self.relapsed_at.setdefault(ref, now)

    def _settle_seconds(self, ref: ObjectRef, verdict: Ready | Unknown) -> float:
        """Return for how long what an object says may still change, from when the wait began."""
        live = self.live.get(ref) or {}
        if isinstance(verdict, Unknown):
            may_come = self.request.targets[ref].has_status or live.get("status")
            return self.request.settle_seconds if may_come and ref in self.request.written else 0.0
        may_be_old = ref in self.request.updated and is_custom(ref) and not proves_generation(live)
        return self.request.settle_seconds if may_be_old else 0.0

    def _let_settle(self) -> None:
        now = self.request.clock()
        for ref in [ref for ref, at in self.settling.items() if at <= now]:
            del self.settling[ref]
            self.settled.setdefault(ref, now)

    def _is_all_settled(self) -> bool:
        return len(self.settled) == len(self.request.targets)

    def _begin_soak(self) -> None:
        self.soak = Soak(self.request.clock())
        for ref in self.request.targets:
            self.soak.restarted(self._pods_of(ref))  # what was before does not count
        self.request.progress(f"health: it must stay like this for {duration_text(self.request.soak_seconds)}")

    def _pods_of(self, ref: ObjectRef) -> tuple[Body, ...]:
        live = self.live.get(ref)
        if is_pod(self.request.targets[ref]):
            return (live,) if live is not None else ()
        return self.pods.of(ref) if has_pods(ref) else ()

    def _has_failed(self, ref: ObjectRef, now: float) -> bool:
        verdict = self.verdicts[ref]
        return isinstance(verdict, Failed) and now - self.failing_since[ref] >= verdict.grace_seconds

    def _deadline(self, ref: ObjectRef) -> float:
        return self.request.deadlines.get(ref, self.request.deadline)

    def _tell(self) -> None:
        """Say how far it is, but not for every object of hundreds: the last one, and every other second."""
        now = self.request.clock()
        if self._is_all_settled() or now - self.told_at >= _TELL_EVERY_SECONDS:
            self.told_at = now
            silent = sum(isinstance(self.verdicts[ref], Unknown) for ref in self.settled)
            tail = f", {silent} not verified" if silent else ""
            self.request.progress(f"health: {len(self.settled) - silent} of {len(self.request.targets)} ready{tail}")
