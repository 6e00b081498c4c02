"""How many requests are in flight at once: fewer when the server says that it is busy, slowly more when it is not."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class InFlight:
    """A limit that halves at each sign of overload and grows by one after as many good answers as it is high.

    Additive increase, multiplicative decrease, as in TCP; `highest` is where it starts and never exceeds. No slot
    is given away in a pause, either: what an overloaded server asked of one request, it asks of all.
    """

    def __init__(self, highest: int, clock: Callable[[], float]) -> None:
        self._highest = highest
        self._clock = clock
        self._limit = highest
        self._count = 0
        self._good = 0
        self._closed_until = -math.inf
        self._changed = threading.Condition()

    @property
    def limit(self) -> int:
        """Return how many may be in flight now."""
        return self._limit

    @contextmanager
    def slot(self, deadline: float) -> Iterator[bool]:
        """Hold one slot; yields False, without one, when none came free before the deadline."""
        if not self._acquire(deadline):
            yield False
            return
        try:
            yield True
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify()

    def overloaded(self) -> None:
        """Halve the limit, down to one."""
        with self._changed:
            self._limit = max(1, self._limit // 2)
            self._good = 0

    def pause(self, seconds: float) -> None:
        """Let nothing begin for so long."""
        with self._changed:
            self._closed_until = max(self._closed_until, self._clock() + seconds)

    def succeeded(self) -> None:
        """Count a good answer."""
        if self._limit == self._highest:
            return
        with self._changed:
            self._good += 1
            if self._good >= self._limit:
                self._limit = min(self._highest, self._limit + 1)
                self._good = 0
                self._changed.notify()

    def _acquire(self, deadline: float) -> bool:
        with self._changed:
            while (seconds := self._seconds_to_wait()) > 0:
                left = deadline - self._clock()
                if left <= 0:
                    return False
                self._changed.wait(min(left, seconds))
            self._count += 1
            return True

    def _seconds_to_wait(self) -> float:
        """Return 0 when there is a free slot, else how long there is none for certain."""
        if self._count >= self._limit:
            return math.inf
        return self._closed_until - self._clock()
