"""The answers to the question whether an object is ready, each with a stable code of its cause where one is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from gitops_push.core.causes import CauseCode


@dataclass(frozen=True, slots=True)
class Ready:
    """It does what it should. `note` says what is special about that ("suspended", "paused")."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Progressing:
    """It is not ready yet, and waiting may help. `code` says why, where that is known."""

    reason: str
    code: CauseCode | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """It will not become ready by itself.

    With `grace_seconds` that holds only when it stays like this for so long: an image that is not found may just not
    be copied to its registry yet.
    """

    reason: str
    grace_seconds: float = 0.0
    code: CauseCode | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """It says nothing about itself: reported as not verified, never as ready."""

    reason: str


Readiness: TypeAlias = Ready | Progressing | Failed | Unknown
