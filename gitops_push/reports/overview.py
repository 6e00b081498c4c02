"""What every report for people and for CI says of one run: made once from a plan, a deployment or a drift report.

A format (`markdown`, `html`, `junit`, `sarif`, `annotations`, `codequality`) draws overviews and knows nothing of what
they were made from. Texts are as they come: a format cleans each of them (masked, harmless) before it escapes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from gitops_push.core.errors import Problem
from gitops_push.core.origin import Origin
from gitops_push.core.run import RunHeader
from gitops_push.reports.lines import Line, Tone, counted

Clean: TypeAlias = Callable[[str], str]
"""Makes one line of text fit to leave the process: secrets masked, control characters and runner commands harmless."""


class Level(StrEnum):
    """How much attention something asks for, in the words that CI systems use."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Mark:
    """Something to say at one line of the config repo about an object."""

    message: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Entry:
    """One object, or one problem without an object (`subject` then names the environment).

    `word` is what happens to it, or what is wrong with it; `rule` a stable name for that kind of finding. `level` None
    says that it is as it should be. `loud` entries destroy something. `details` are shown on request. `marks` say more
    at the very lines that it is about, where such are known.
    """

    subject: str
    word: str
    tone: Tone
    summary: str = ""
    details: tuple[Line, ...] = ()
    origin: Origin | None = None
    marks: tuple[Mark, ...] = ()
    level: Level | None = None
    rule: str = ""
    loud: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Overview:
    """One run for one environment. `entries` are in the order of importance; `quiet` counts the objects left out.

    `title` says what it is ("plan", "deployment", "drift"), `verdict` how it ended. `header` is None for a run that
    failed before anything was known.
    """

    title: str
    environment: str
    verdict: str
    tone: Tone
    entries: tuple[Entry, ...] = ()
    quiet: int = 0
    header: RunHeader | None = None
    notes: tuple[str, ...] = ()
    next_command: str = ""
    exit_code: int = 0


def problems_overview(title: str, environment: str, problems: Iterable[Problem], exit_code: int) -> Overview:
    """Return the overview of a run that failed with these problems."""
    entries = tuple(problem_entry(problem, environment) for problem in problems)
    verdict = f"FAILED {environment}: {counted(len(entries), 'problem')} (exit code {exit_code})"
    return Overview(title, environment, verdict, Tone.BAD, entries, exit_code=exit_code)


def problem_entry(problem: Problem, environment: str) -> Entry:
    """Return a problem as an entry: its first line as the summary, the rest and what to do about it as details."""
    first, *rest = problem.message.splitlines() or [""]
    hint = problem.hint.splitlines() if problem.hint else []
    helps = [f"help: {hint[0]}", *(f"      {line}" for line in hint[1:])] if hint else []
    return Entry(
        subject=str(problem.ref) if problem.ref else environment,
        word="error",
        tone=Tone.BAD,
        summary=first,
        details=tuple(Line(text) for text in (*rest, *helps)),
        origin=problem.origin,
        level=Level.ERROR,
        rule=problem.code.value,
    )
