"""What a deployment did to each object: after the first write nothing raises, everything is an outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from gitops_push.core.diagnosis import Cause
from gitops_push.core.objects import ObjectRef
from gitops_push.core.plan import Action, Plan
from gitops_push.core.retry_counts import RetryCounts


class Result(StrEnum):
    """How it went.

    `NOT_VERIFIED`: it is as it was sent, and says nothing about its health. `UNKNOWN`: a request was sent and its
    answer never came.
    """

    DONE = "done"
    NOT_VERIFIED = "not verified"
    FAILED = "failed"
    NOT_READY = "not ready"
    NOT_REACHED = "not reached"
    UNKNOWN = "unknown"


WELL: Final = frozenset({Result.DONE, Result.NOT_VERIFIED})
"""The results after which a deployment goes on: of what is not verified no more can be known."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one object; `duration_seconds` includes waiting.

    `message` says why it is not `DONE`, or what is special about that ("suspended"). `cause` has the evidence of what
    is not ready. `phase` is that of a hook, as its annotation spells it; "" for other objects.
    """

    ref: ObjectRef
    action: Action
    result: Result
    message: str = ""
    duration_seconds: float = 0.0
    cause: Cause | None = None
    phase: str = ""

    @property
    def deed(self) -> str:
        """Return what was done, for people: the action, or `PreSync hook`."""
        return f"{self.phase} hook" if self.phase else self.action.value


@dataclass(frozen=True, slots=True)
class Superseded:
    """Nothing was done, and nothing had to be: a newer commit is deployed, or about to be. `why` says which."""

    why: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """A finished (or interrupted) apply. `wrote` says whether any write was sent; `retries` is about all requests."""

    plan: Plan
    outcomes: tuple[Outcome, ...]
    started_at: datetime
    finished_at: datetime
    wrote: bool
    interrupted: bool = False
    note: str = ""
    retries: RetryCounts = field(default_factory=RetryCounts)

    @property
    def exit_code(self) -> int:
        """Return 0, 20 (an object failed, is unknown or was not reached) or 21 (all applied, something not ready)."""
        results = {outcome.result for outcome in self.outcomes}
        if self.interrupted or results & {Result.FAILED, Result.NOT_REACHED, Result.UNKNOWN}:
            return 20
        return 21 if Result.NOT_READY in results else 0
