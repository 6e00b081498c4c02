"""Waits for what a controller does in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tests.controlplane.errors import ControlPlaneError

POLL_SECONDS = 0.05
T = TypeVar("T")


def eventually(look: Callable[[], T], accept: Callable[[T], bool] = bool, within_seconds: float = 30.0) -> T:
    """Returns the first look that `accept` takes; raises ControlPlaneError with the last look when time is up."""
    deadline = time.monotonic() + within_seconds
    while True:
        seen = look()
        if accept(seen):
            return seen
        if time.monotonic() > deadline:
            raise ControlPlaneError(f"not within {within_seconds:.0f} s; last seen: {seen!r}")
        time.sleep(POLL_SECONDS)
