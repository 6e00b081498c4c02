"""What may be sent again, and when: the one place that decides it.

| call                  | never sent | sent, no answer | 429, 503 | 500, 502, 504 | webhook down | 403 at start |
|-----------------------|------------|-----------------|----------|---------------|--------------|--------------|
| read, dry run         | again      | again           | again    | again         | again        | again        |
| apply, patch, create, | again      | ambiguous       | again    | ambiguous     | again        | again        |
| replace, delete       |            |                 |          |               |              |              |

Ambiguous means that the request may have been carried out: who called must read the object to know. An admission
webhook that cannot be called has kept the request from being carried out; a conversion webhook may fail after it was.
An API server that has just started answers before it has read the roles and the service accounts: what it refuses
within `start_seconds` of having been away may be allowed.

All of it is bounded by the deadline of the call. A server that has answered before and is away now, or turns requests
away because it is overloaded, is waited for until then: it restarts. The first costs it nothing, and of the second
only one request at a time tries whether it is over (see `in_flight`). Everything else has a number of attempts, and a
budget for the whole run: a server in trouble gets at most a fifth more requests. Any other 401 is not a case for this
table (see `authorization`), and 409 is news, not trouble.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gitops_push.cluster.request import Effect
from gitops_push.core.retry_counts import RetryCounts

_OVERLOADED: Final = frozenset({429, 503})
_BROKEN: Final = frozenset({500, 502, 504})
_NOT_ADMITTED: Final = b"failed calling webhook"
_NO_ROLE: Final = b'forbidden: User \\"'
"""How every 403 of RBAC begins, in JSON; an admission webhook says something else."""
_USER_ERRORS: Final = (b"failed to create typed patch object", b"unable to convert unstructured object")
"""A 500 with such a text is a field that the schema does not know, or a value that is none: it will never go away."""


class Trouble(StrEnum):
    """How a call went wrong in a way that may pass."""

    NOT_SENT = "not sent"
    LOST = "no answer"
    OVERLOADED = "overloaded"
    BROKEN = "server error"
    NOT_ADMITTED = "webhook does not answer"
    STARTING = "server has just started"


_RESTARTING: Final = frozenset({Trouble.NOT_SENT, Trouble.OVERLOADED, Trouble.STARTING})
_SILENT: Final = frozenset({Trouble.NOT_SENT, Trouble.LOST})
_MOST_DOUBLINGS: Final = 10


class Verdict(StrEnum):
    """What to do about it."""

    AGAIN = "again"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class RetryRules:
    """Bounds of retrying; times in seconds.

    `first_attempts` hold for a server from which nothing was heard yet: its address may be wrong.
    `start_seconds` is how long a server that was away may refuse what it will allow when it has read the roles.
    Waits are random between 0 and base * 2^n, at most `cap_seconds` ("full jitter"), and never less than what the
    server asked for by Retry-After, of which at most `retry_after_seconds` is honoured.
    """

    attempts: int = 6
    first_attempts: int = 3
    base_seconds: float = 0.25
    cap_seconds: float = 8.0
    retry_after_seconds: float = 30.0
    start_seconds: float = 10.0
    budget_share: float = 0.2
    budget_floor: int = 20


def trouble_of(status: int, body: bytes, *, starting: bool = False) -> Trouble | None:
    """Return the trouble that an HTTP status stands for, or None if the answer is final; `starting`: was just away."""
    if starting and (status == 401 or (status == 403 and _NO_ROLE in body)):
        return Trouble.STARTING
    if status in _OVERLOADED:
        return Trouble.OVERLOADED
    if status not in _BROKEN or any(text in body for text in _USER_ERRORS):
        return None
    return Trouble.NOT_ADMITTED if _NOT_ADMITTED in body else Trouble.BROKEN


def verdict(effect: Effect, trouble: Trouble) -> Verdict:
    """Return the entry of the table."""
    if effect.writes and trouble in {Trouble.LOST, Trouble.BROKEN}:
        return Verdict.AMBIGUOUS
    return Verdict.AGAIN


def seconds_asked(retry_after: str, cap: float) -> float:
    """Return what a Retry-After header asks for, at most `cap`; 0 for dates, negative numbers and nonsense."""
    text = retry_after.strip()
    return min(float(text), cap) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0


@dataclass(slots=True)
class Retries:
    """The state of retrying in one run, for many threads. `clock`, `sleep` and `chance` (0 to 1) can be replaced."""

    rules: RetryRules = RetryRules()
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _requests: int = 0
    _retries: int = 0
    _budgeted: int = 0
    _ambiguous: int = 0
    _answered: bool = False
    _away_at: float = -math.inf

    @property
    def starting(self) -> bool:
        """Return whether the server was away a moment ago, after it had answered before."""
        return self.clock() < self._away_at + self.rules.start_seconds

    @property
    def counts(self) -> RetryCounts:
        """Return what was counted so far."""
        return RetryCounts(self._requests, self._retries, self._ambiguous)

    def sending(self) -> None:
        """Count a request that is about to be sent."""
        with self._lock:
            self._requests += 1

    def answered(self) -> None:
        """Note that the server is there, and well."""
        self._answered = True

    def left_ambiguous(self) -> None:
        """Count a write whose outcome is not known."""
        with self._lock:
            self._ambiguous += 1

    def pause(self, attempt: int, trouble: Trouble, deadline: float, retry_after: str = "") -> float | None:
        """Return the seconds to wait before attempt + 1 (counted from 1), or None if there is to be none."""
        if trouble is Trouble.NOT_SENT and self._answered:
            self._away_at = self.clock()
        asked = seconds_asked(retry_after, self.rules.retry_after_seconds)
        doubled = self.rules.base_seconds * 2.0 ** min(attempt - 1, _MOST_DOUBLINGS)
        pause = asked + self.chance() * min(self.rules.cap_seconds, doubled)
        if attempt >= self._most_attempts(trouble) or self.clock() + pause >= deadline or not self._take(trouble):
            return None
        return pause

    def _most_attempts(self, trouble: Trouble) -> float:
        if self._answered:
            return math.inf if trouble in _RESTARTING else self.rules.attempts
        return self.rules.first_attempts if trouble in _SILENT else self.rules.attempts

    def _take(self, trouble: Trouble) -> bool:
        with self._lock:
            allowed = max(self.rules.budget_floor, int(self._requests * self.rules.budget_share))
            if trouble not in _RESTARTING:
                if self._budgeted >= allowed:
                    return False
                self._budgeted += 1
            self._retries += 1
            return True
