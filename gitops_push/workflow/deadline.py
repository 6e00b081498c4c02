"""Work that is worth only so much time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(work: Callable[[], T], seconds: float, otherwise: T) -> T:
    """Return what the work returns, or `otherwise` if it is not done in time: it is then left to itself.

    `work` must not raise.
    """
    results: list[T] = []
    thread = threading.Thread(target=lambda: results.append(work()), daemon=True)
    thread.start()
    thread.join(seconds)
    return results[0] if results else otherwise
