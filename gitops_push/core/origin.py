"""Where a value of a manifest came from: the file and line, and the steps that led to its last value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LONGEST_TRAIL: Final = 32
"""Values that are copied to and fro would otherwise have endless trails."""


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """A place in the config repo.

    `file` is relative to the repo root, with forward slashes; `line` and `column` count from 1, and a line of 0
    says that only the file is known. `step` names what set the value there ("" for a plain read, else for example
    "patch", "images", "namePrefix"). `trail` lists the places that led to the value before, oldest first, each without
    a trail of its own: those of earlier values, and those that an entry was read through (the `files:` entry of a
    generator, the name that a reference follows).
    """

    file: str
    line: int = 0
    column: int = 0
    step: str = ""
    trail: tuple[Origin, ...] = ()

    def __str__(self) -> str:
        """Return `file:line:column`, as far as it is known."""
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"

    def without_trail(self) -> Origin:
        """Return the same place with an empty trail."""
        return Origin(self.file, self.line, self.column, self.step) if self.trail else self

    def after(self, earlier: Origin | None) -> Origin:
        """Return this place with `earlier` and its trail before its own; of a long trail the first and the last."""
        if earlier is None:
            return self
        trail = (*earlier.trail, earlier.without_trail(), *self.trail)
        if len(trail) > LONGEST_TRAIL:
            trail = (trail[0], *trail[1 - LONGEST_TRAIL :])
        return Origin(self.file, self.line, self.column, self.step, trail)

    def by(self, step: str) -> Origin:
        """Return the same place, as what that step set there."""
        return Origin(self.file, self.line, self.column, step, self.trail)
