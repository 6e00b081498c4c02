"""Keeps what we have read away from other processes of the same user, from core dumps and from children.

What this cannot do: Python leaves copies of a text in its own memory until that is reused, and root can read it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import sys
from collections.abc import Iterable, MutableMapping
from pathlib import Path
from typing import Final

_PR_SET_DUMPABLE: Final = 4
_ENV_START_FIELD: Final = 50 - 3  # proc_pid_stat(5) counts from 1; what follows the ")" begins with field 3


def harden_process(environ: MutableMapping[str, str]) -> None:
    """Forbid core dumps and tracing by the same user, and forget SSLKEYLOGFILE. Call before the first connection."""
    environ.pop("SSLKEYLOGFILE", None)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def forget_variables(names: Iterable[str], environ: MutableMapping[str, str]) -> None:
    """Remove variables and overwrite their values in the block that the kernel shows as `/proc/PID/environ`.

    `os.environ.pop` alone leaves them there. Call before `harden_process`, after which only root may
    see the block's place. Where the block cannot be found (not Linux) the variables are only removed.
    """
    wanted = frozenset(names)
    block = _environment_block()
    if block is not None:
        _overwrite(*block, wanted)
    for name in wanted:
        environ.pop(name, None)


def _environment_block() -> tuple[int, int] | None:
    """Return the addresses where the environment that the process was started with begins and ends."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        start, end = int(fields[_ENV_START_FIELD]), int(fields[_ENV_START_FIELD + 1])
        if 0 < start < end:
            return start, end
    return None


def _overwrite(start: int, end: int, names: frozenset[str]) -> None:
    at = start
    for entry in ctypes.string_at(start, end - start).split(b"\0"):
        name, equals, value = entry.partition(b"=")
        if equals and os.fsdecode(name) in names:
            ctypes.memset(at + len(name) + 1, 0, len(value))
        at += len(entry) + 1
