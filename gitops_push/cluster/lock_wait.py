"""Waits for the lock of an environment: until it is free, its holder is gone, or it makes no sense to wait.

A holder is gone when it was seen not to renew for the whole duration, on our own clock. One that lives is waited for as
long as is asked; meanwhile this run tells in the Lease that it waits, and counts up there, so that others see that it
lives: of those that wait, the newest commit goes first, and the older ones need not run any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from gitops_push.cluster.api import ApiWriter
from gitops_push.cluster.lease_store import read_lease, write_lease
from gitops_push.core.codes import Code
from gitops_push.core.errors import GitopsPushError, NotNowError, Problem, SupersededError
from gitops_push.core.lease import LeaseState, LockHolder

_ATTEMPTS: Final = 8
_LOOKS: Final = 6
"""How often a Lease is looked at in the time after which it is free."""

_LONGEST_POLL_SECONDS: Final = 2.0
_TELL_EVERY_SECONDS: Final = 30.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class LockOptions:
    """How to take the lock. `wait_seconds` for a holder that lives; one that is silent is waited for in any case.

    `should_yield` is asked with the commit of each other run that waits and lives: whether it goes first.
    """

    duration_seconds: int = 30
    wait_seconds: float = 0.0
    should_stop: Callable[[], bool] = lambda: False
    should_yield: Callable[[str], bool] = lambda _: False
    progress: Callable[[str], None] = lambda _: None
    now: Callable[[], datetime] = _utc_now
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class YieldedError(SupersededError):
    """A newer commit also waits, and goes first; `to` is who that is."""

    def __init__(self, to: LockHolder) -> None:
        self.to = to
        message = f"{to.identity} also waits, with a newer commit"
        super().__init__(Problem(Code.SUPERSEDED, message))


@dataclass(frozen=True, slots=True)
class Taken:
    """The lock as it was stored; `asked_at`, on the clock of the options, is when its time began."""

    holder: LockHolder
    state: LeaseState
    asked_at: float


@dataclass(slots=True)
class _Sighting:
    """Since when something was seen as it is now, and how often it was seen to be another."""

    what: object = None
    since: float = 0.0
    changes: int = 0

    def silent_seconds(self, what: object, now: float) -> float:
        """Return for how long it has not changed, now that it looks like this."""
        if not self.changes or what != self.what:
            self.what, self.since = what, now
            self.changes += 1
        return now - self.since


@dataclass(slots=True)
class LockWait:
    """Waits for a lock until it is ours, its holder lives for too long, or a newer commit goes first."""

    writer: ApiWriter
    namespace: str
    name: str
    holder: LockHolder
    options: LockOptions
    beat: int = 0
    told_at: float = float("-inf")
    began_at: float = field(init=False)
    holding: _Sighting = field(default_factory=_Sighting)
    others: dict[str, _Sighting] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.began_at = self.options.clock()

    def until_taken(self) -> Taken | None:
        """Return the lock, None when the run should stop. Raises `NotNowError`, `YieldedError`, `ClusterError`."""
        try:
            while not self.options.should_stop():
                taken = self._turn(self._look(), self.options.clock())
                if taken is not None:
                    return taken
        except BaseException:
            self._withdraw()
            raise
        self._withdraw()
        return None

    def _turn(self, state: LeaseState, now: float) -> Taken | None:
        """Take the lock, if it can be taken now; else wait a moment."""
        silent = self.holding.silent_seconds(state.pulse, now)
        duration = max(state.duration_seconds, 1)
        if state.holder is None or silent >= duration:
            self._yield(state)
            return self._try(state)
        lives = self.holding.changes > 1
        if lives and now - self.began_at >= self.options.wait_seconds:
            raise NotNowError(_held_problem(state))
        self._tell(state, now, waits=lives or self.options.wait_seconds > 0)
        if self.options.wait_seconds > 0:
            self._announce(state)
        self.options.sleep(min(_LONGEST_POLL_SECONDS, duration / _LOOKS))
        return None

    def _look(self) -> LeaseState:
        return read_lease(self.writer, self.namespace, self.name) or LeaseState(self.namespace, self.name)

    def _try(self, state: LeaseState) -> Taken | None:
        """Take a lock that is free or whose holder is silent; None where somebody else was faster."""
        asked_at, now = self.options.clock(), self.options.now()
        holder = replace(self.holder, since=now.strftime("%Y-%m-%d %H:%M:%SZ"), beat=0)
        stored = write_lease(self.writer, state.held_by(holder, self.options.duration_seconds, now))
        if stored is None:
            found = self._look()  # after a lost answer it may be ours
            stored = found if found.holder is not None and found.holder.id == holder.id else None
        return None if stored is None else Taken(holder, stored, asked_at)

    def _yield(self, state: LeaseState) -> None:
        """Raise `YieldedError` where a run that waits and lives is to go first."""
        for one in state.waiting:
            if one.id != self.holder.id and self._lives(one, state) and self._goes_first(one):
                raise YieldedError(one)

    def _goes_first(self, one: LockHolder) -> bool:
        commit = one.identity.commit
        return bool(commit) and commit != self.holder.identity.commit and self.options.should_yield(commit)

    def _lives(self, one: LockHolder, state: LeaseState) -> bool:
        """Return whether a waiting run has counted up since we looked first, or lately enough."""
        seen = self.others.setdefault(one.id, _Sighting())
        return seen.silent_seconds(one.beat, self.options.clock()) < max(state.duration_seconds, 1)

    def _announce(self, state: LeaseState) -> None:
        """Tell that this run waits and lives, so that an older commit lets it go first; whoever is faster is next."""
        self.beat += 1
        for one in state.waiting:
            self._lives(one, state)
        write_lease(self.writer, state.with_waiting(replace(self.holder, beat=self.beat)))

    def _withdraw(self) -> None:
        """Wait no more; what fails is noticed by others, as this run counts no further."""
        for _ in range(_ATTEMPTS if self.beat else 0):
            try:
                state = self._look()
                mine = any(one.id == self.holder.id for one in state.waiting)
                if not mine or write_lease(self.writer, state.without_waiting(self.holder.id)) is not None:
                    return
            except GitopsPushError:
                return

    def _tell(self, state: LeaseState, now: float, *, waits: bool) -> None:
        if now - self.told_at >= _TELL_EVERY_SECONDS:
            self.told_at = now
            doing = "waiting for the lock" if waits else "looking whether the run that holds the lock still lives"
            self.options.progress(f"{doing}: held by {state.holder}")


def _held_problem(state: LeaseState) -> Problem:
    waits = f"; {len(state.waiting)} more wait" if state.waiting else ""
    message = f"the environment is being deployed by {state.holder}{waits}"
    hint = "run again later, or wait for it with --lock-wait 10m; `gitops-push unlock` shows who holds the lock"
    return Problem(Code.LOCKED, message, hint=hint)
