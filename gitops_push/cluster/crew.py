"""Does the same to many things at once, and can stop: what is in flight gets a last moment, the rest is not begun.

The threads are daemons: one that still waits for an answer when the moment is over does not hold the process up.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_POLL_SECONDS: Final = 0.1


class Untold(Enum):
    """Why there is no result: the work was never begun, or did not come back in time."""

    NOT_BEGUN = "not begun"
    NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class _Raised:
    error: Exception


def in_parallel(work: Callable[[T], R], tasks: Iterable[T], size: int) -> Iterator[tuple[T, R]]:
    """Yield each task with its result, as they come; what `work` raises is raised here, and nothing more is begun.

    For reads and dry runs: after an error or a signal nobody waits for what is in flight.
    """

    def carried(task: T) -> R | _Raised:
        try:
            return work(task)
        except Exception as error:  # raised again on the caller's thread
            return _Raised(error)

    crew = Crew(carried, size)
    try:
        for task, result in crew.run(tasks):
            if isinstance(result, _Raised):
                raise result.error
            if not isinstance(result, Untold):
                yield task, result
    finally:
        crew.halt()


def supervised(
    run: Callable[[], None], should_stop: Callable[[], bool], grace_seconds: float, clock: Callable[[], float]
) -> bool:
    """Run it in a thread of its own, and return whether it ended; raises here what it raises.

    A run that has not ended `grace_seconds` after `should_stop` said so is left to itself: no request that hangs can
    hold up who watches it.
    """

    def carried(work: Callable[[], None]) -> _Raised | None:
        try:
            work()
        except Exception as error:  # raised again on the caller's thread
            return _Raised(error)
        return None

    ((_, result),) = Crew(carried, 1, should_stop, grace_seconds, clock).run([run])
    if isinstance(result, _Raised):
        raise result.error
    return not isinstance(result, Untold)


@dataclass(slots=True)
class Crew(Generic[T, R]):
    """Runs `work` on tasks in up to `size` threads. `work` must not raise.

    When `should_stop` says so, what is running gets `grace_seconds`. `halt` (for who iterates over the results) only
    stops that more is begun; a result that `is_last` does so at once, before its thread would begin another task.
    """

    work: Callable[[T], R]
    size: int = 16
    should_stop: Callable[[], bool] = lambda: False
    grace_seconds: float = 5.0
    clock: Callable[[], float] = time.monotonic
    is_last: Callable[[R], bool] = lambda _: False
    _waiting: deque[tuple[int, T]] = field(default_factory=deque)
    _results: queue.SimpleQueue[tuple[int, R | Untold]] = field(default_factory=queue.SimpleQueue)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _begun: int = 0
    _left: dict[int, T] = field(default_factory=dict)

    def halt(self) -> None:
        """Begin nothing more; what runs goes on."""
        with self._lock:
            self._left.update(self._waiting)
            self._waiting.clear()

    def run(self, tasks: Iterable[T]) -> Iterator[tuple[T, R | Untold]]:
        """Yield each task with its result, as they come; those without a result at the end. To be called once."""
        todo = dict(enumerate(tasks))
        self._waiting.extend(todo.items())
        for _ in range(min(self.size, len(todo))):
            threading.Thread(target=self._loop, daemon=True).start()
        for number, result in self._collect():
            yield todo.pop(number), result
        for number, task in todo.items():
            yield task, Untold.NOT_BEGUN if number in self._left else Untold.NO_ANSWER

    def _collect(self) -> Iterator[tuple[int, R | Untold]]:
        deadline: float | None = None
        collected = 0
        while self._waiting or collected < self._begun:
            if deadline is None and self.should_stop():
                self.halt()
                deadline = self.clock() + self.grace_seconds
            if deadline is not None and self.clock() >= deadline:
                return
            try:
                found = self._results.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            collected += 1
            yield found

    def _loop(self) -> None:
        while (begun := self._begin()) is not None:
            number, task = begun
            result: R | Untold = Untold.NO_ANSWER
            try:
                result = done = self.work(task)
                if self.is_last(done):
                    self.halt()
            finally:
                self._results.put((number, result))

    def _begin(self) -> tuple[int, T] | None:
        with self._lock:
            if not self._waiting:
                return None
            self._begun += 1
            return self._waiting.popleft()
