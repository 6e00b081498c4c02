"""Which of its limits a process has run into, told from the exceptions that Python makes of it."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Final

_NO_THREAD: Final = "can't start new thread"


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """What there is no more of, as a sentence, and what to do about it."""

    what: str
    remedy: str


_FILES: Final = Exhaustion(
    "no more files can be opened", "raise their limit (`ulimit -n 1024`), or lower --concurrency"
)
_MEMORY: Final = Exhaustion("there is no more memory", "give the job more memory, or lower --concurrency")
_THREADS: Final = Exhaustion(
    "no more threads can be started", "raise the job's limits of processes and memory, or lower --concurrency"
)
_DISK: Final = Exhaustion("the disk is full", "make room on the disk")
_BY_NUMBER: Final = {
    errno.EMFILE: _FILES,
    errno.ENFILE: _FILES,
    errno.ENOMEM: _MEMORY,
    errno.EAGAIN: _THREADS,
    errno.ENOSPC: _DISK,
}


def exhaustion_of(error: Exception) -> Exhaustion | None:
    """Return what the machine or a limit of this process did not give us, None for any other error."""
    if isinstance(error, MemoryError):
        return _MEMORY
    if isinstance(error, RuntimeError) and _NO_THREAD in str(error):
        return _THREADS
    return _BY_NUMBER.get(error.errno or 0) if isinstance(error, OSError) else None
