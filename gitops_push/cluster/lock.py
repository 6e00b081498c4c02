"""The lock of an environment: taken before the first write, renewed in a thread, asked before every write.

A Lease cannot stop a request that is in flight, so every write of a deployment carries its own precondition as well
(`application`, `inventory_store`). What the lock adds: two runs do not take turns object by object.

A holder that could not renew in time (a server that was away) goes on when a swap shows that nobody else has taken it
meanwhile.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Final

from gitops_push.cluster.api import ApiWriter
from gitops_push.cluster.lease_store import read_lease, write_lease
from gitops_push.cluster.lock_wait import LockOptions, LockWait
from gitops_push.core.codes import Code
from gitops_push.core.errors import GitopsPushError, NotNowError, Problem
from gitops_push.core.lease import LeaseState, LockHolder

__all__ = ["Lock", "LockLostError", "LockOptions"]

_ATTEMPTS: Final = 8
_SHARE: Final = 3
"""A lock is renewed when a third of its duration is over: two renewals may fail."""

_OUTAGE_SECONDS: Final = 120.0
"""For how long a server that is away is waited for, as `retries` waits for it."""

_RELEASE_SECONDS: Final = 2.0


class LockLostError(NotNowError):
    """Somebody else has the lock, or it could not be renewed: nothing more may be written."""


@dataclass(slots=True)
class Lock:
    """One run's lock on `namespace/name`; used from the deployment's threads and its own.

    `writer` must not be one that asks this lock. Until `take` nothing is sent.
    """

    writer: ApiWriter
    namespace: str
    name: str
    holder: LockHolder
    options: LockOptions
    _state: LeaseState | None = None
    _valid_until: float = 0.0
    _lost: str = ""
    _ended: threading.Event = field(default_factory=threading.Event)
    _mutex: threading.RLock = field(default_factory=threading.RLock)

    @property
    def is_taken(self) -> bool:
        """Return whether it was taken and not given back."""
        return self._state is not None

    def take(self) -> bool:
        """Take the lock and keep it, and return True; False where the run should stop before that. Writes.

        Raises `NotNowError` with who holds it, `YieldedError`, and `ClusterError`.
        """
        if self.is_taken:
            return True
        taken = LockWait(self.writer, self.namespace, self.name, self.holder, self.options).until_taken()
        if taken is None:
            return False
        self.holder, self._state = taken.holder, taken.state
        self._valid_until = taken.asked_at + self.options.duration_seconds
        threading.Thread(target=self._keep, daemon=True).start()
        return True

    def guard(self) -> None:
        """Return if this run may write now; raises `LockLostError`.

        Where its time is up it is renewed first; a server that does not answer is asked again for a while, as the write
        would be: when it comes back and nobody else has taken the lock, the run goes on.
        """
        gives_up_at = self.options.clock() + _OUTAGE_SECONDS
        while not self._may_write():
            if self._lost or self._ended.is_set():
                raise LockLostError(_lost_problem(self._lost or "it was given back"))
            if self.options.should_stop() or self.options.clock() >= gives_up_at:
                raise LockLostError(_lost_problem("it could not be renewed in time"))
            with self._mutex:
                renewed = self._may_write() or self._renew()
            if not renewed:
                self._ended.wait(1.0)

    def _may_write(self) -> bool:
        if self._lost or self._ended.is_set():
            return False
        return self._state is None or self.options.clock() < self._valid_until

    def release(self) -> None:
        """Give it back, if it is still ours; writes. What fails, or takes long, is left to its end: it gets free."""
        self._ended.set()
        thread = threading.Thread(target=self._give_back, daemon=True)
        thread.start()
        thread.join(_RELEASE_SECONDS)

    def _give_back(self) -> None:
        with self._mutex:
            state, self._state = self._state, None
            for _ in range(_ATTEMPTS):
                if state is None or self._lost or state.holder is None or state.holder.id != self.holder.id:
                    return
                try:
                    if write_lease(self.writer, state.released()) is not None:
                        return
                    state = read_lease(self.writer, self.namespace, self.name)
                except GitopsPushError:
                    return

    def abandon(self) -> None:
        """Keep it no longer and leave it as it is: a request that was sent may still be carried out."""
        self._ended.set()
        self._state = None

    def _keep(self) -> None:
        pause = self.options.duration_seconds / _SHARE
        while not self._ended.wait(pause):
            with self._mutex:
                if self._ended.is_set() or self._lost:
                    return
                renewed = self._renew()
            pause = self.options.duration_seconds / _SHARE if renewed else min(1.0, pause)

    def _renew(self) -> bool:
        """Renew it, and return whether that went well; notes when somebody else has it."""
        state = self._state
        for _ in range(_ATTEMPTS):
            if state is None or self._ended.is_set():
                return False
            asked_at = self.options.clock()
            wanted = state.held_by(self.holder, self.options.duration_seconds, self.options.now())
            try:
                stored = write_lease(self.writer, wanted)
                if stored is not None:
                    self._state, self._valid_until = stored, asked_at + self.options.duration_seconds
                    return True
                state = read_lease(self.writer, self.namespace, self.name)
            except GitopsPushError:
                return False
            if state is None or state.holder is None or state.holder.id != self.holder.id:
                self._lost = f"it is held by {state.holder}" if state and state.holder else "somebody has released it"
                return False
        return False


def _lost_problem(why: str) -> Problem:
    message = f"this run has lost its lock, and writes nothing more: {why}"
    return Problem(Code.LOCK_LOST, message, hint="run again when the other run is done: it completes what is missing")
