"""What the exit code of a container means: the conventions of shells (126, 127, 128 + signal) and of the kubelet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_MEANINGS: Final = {
    126: "the command cannot be executed",
    127: "command not found",
    128: "it could not be started",
    130: "SIGINT",
    132: "SIGILL: made for another processor?",
    134: "SIGABRT: it aborted",
    135: "SIGBUS",
    136: "SIGFPE",
    137: "SIGKILL: out of memory, or killed from outside",
    139: "SIGSEGV: segmentation fault",
    143: "SIGTERM: told to end",
}


def exit_text(terminated: Mapping[str, Any]) -> str:
    """Return `exit code 137 (OOMKilled)` for the `terminated` part of a container's state."""
    code, reason = terminated.get("exitCode"), str(terminated.get("reason") or "")
    said = _MEANINGS.get(code, "") if reason in {"", "Error"} and isinstance(code, int) else reason
    return f"exit code {code} ({said})" if said else f"exit code {code}"
