"""What is wrong with a custom resource."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the top of the object."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, at one field; the message reads on after the name of the field."""

    path: Path
    message: str


@dataclass(frozen=True, slots=True)
class Findings:
    """All that is wrong, and lines for people about what could not be checked."""

    faults: tuple[Fault, ...] = ()
    unchecked: tuple[str, ...] = ()
