"""Several runs against one server, one request at a time, in an order that a seed decides."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

from gitops_push.cluster.api import ApiWriter


class Turns:
    """Gives each run an `ApiWriter` whose every call waits for its turn."""

    def __init__(self, server: ApiWriter, seed: int) -> None:
        self._server = server
        self._random = random.Random(seed)
        self._changed = threading.Condition()
        self._waiting: set[int] = set()
        self._alive: set[int] = set()
        self._turn = -1

    def take(self, runs: list[Callable[[ApiWriter], Any]], after_each: Callable[[], None]) -> None:
        """Carry out all runs; calls `after_each` between any two requests."""
        self._alive = set(range(len(runs)))
        threads = [
            threading.Thread(target=self._run, args=(number, run), daemon=True) for number, run in enumerate(runs)
        ]
        for thread in threads:
            thread.start()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._turn < 0 and self._waiting == self._alive, timeout=60)
                if not self._alive:
                    return
                after_each()
                self._turn = self._random.choice(sorted(self._waiting))
                self._waiting.discard(self._turn)
                self._changed.notify_all()

    def _run(self, number: int, run: Callable[[ApiWriter], Any]) -> None:
        try:
            run(_Waiter(self, number))
        finally:
            with self._changed:
                self._alive.discard(number)
                self._waiting.discard(number)
                self._turn = -1
                self._changed.notify_all()

    def call(self, number: int, name: str, *arguments: Any) -> Any:
        """Wait for the turn of a run, and make its call; the turn lasts until its next one."""
        with self._changed:
            self._waiting.add(number)
            if self._turn == number:
                self._turn = -1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._turn == number)
        return getattr(self._server, name)(*arguments)


class _Waiter:
    def __init__(self, turns: Turns, number: int) -> None:
        self._turns = turns
        self._number = number

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *arguments: self._turns.call(self._number, name, *arguments)
