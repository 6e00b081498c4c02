"""What `doctor` finds: one line for each thing that was looked at, and what to do about what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gitops_push.core.errors import GitopsPushError


class State(StrEnum):
    """How a thing was found. With a WARNING a deployment works, or will for now."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one thing. `code` is the exit code that it would give a run, 0 unless it is an ERROR."""

    about: str
    state: State
    text: str
    hint: str = ""
    code: int = 0


@dataclass(frozen=True, slots=True)
class Checkup:
    """All findings, in the order in which a run would come to them."""

    environment: str
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """Return the exit code of the first error: that is what a run would end with."""
        return next((finding.code for finding in self.findings if finding.state is State.ERROR), 0)


def findings_of(about: str, error: GitopsPushError) -> tuple[Finding, ...]:
    """Return an error as findings, one for each of its problems."""
    return tuple(
        Finding(
            about,
            State.ERROR,
            (f"{problem.origin}: " if problem.origin else "") + problem.message,
            problem.hint or "",
            error.exit_code,
        )
        for problem in error.problems
    )
