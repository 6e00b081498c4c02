"""Problems as text: what, where with the source line, what to do, and what was written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from gitops_push.core.errors import Problem
from gitops_push.core.origin import Origin
from gitops_push.reports.lines import Line, Tone

_MOST_PROBLEMS: Final = 100

SourceLine = Callable[[str, int], str | None]
"""Gives a line of a file of the checkout, or None where it cannot be shown."""


def problem_lines(problems: Iterable[Problem], source_line: SourceLine, written: str) -> tuple[Line, ...]:
    """Return the problems, each with its place; `written` is the closing line about what was written.

    Of very many (one mistake in a thousand files) the first hundred, and how many there are; JSON has them all.
    """
    found = tuple(problems)
    lines: list[Line] = []
    for problem in found[:_MOST_PROBLEMS]:
        lines += _problem(problem, source_line)
    if len(found) > _MOST_PROBLEMS:
        more = len(found) - _MOST_PROBLEMS
        lines.append(Line(f"  and {more:,} more problems of {len(found):,}: correct these first", Tone.BAD))
    return (*lines, Line(f"  {written}", Tone.DIM))


def _problem(problem: Problem, source_line: SourceLine) -> list[Line]:
    first, *rest = problem.message.splitlines() or [""]
    about = f" on {problem.ref}" if problem.ref and str(problem.ref) not in problem.message else ""
    lines = [Line(f"error[{problem.code.value}]: {first}{about}", Tone.BAD), *(Line(f"  {line}") for line in rest)]
    if problem.origin:
        lines += place_lines(problem.origin, source_line)
    if problem.hint:
        first, *rest = problem.hint.splitlines()
        lines += [Line(f"  help: {first}"), *(Line(f"        {line}") for line in rest)]
    return lines


def place_lines(origin: Origin, source_line: SourceLine, label: str = "") -> list[Line]:
    """Return a place of the checkout with its line and a mark under the column; `label` says what stands there."""
    text = source_line(origin.file, origin.line) if origin.line else None
    shown = text is not None and origin.column > 0
    lines = [Line(f"  --> {origin}{f'  {label}' if label and not shown else ''}")]
    if text is not None:
        number = str(origin.line)
        lines.append(Line(f"  {number} | {text}"))
        if shown:
            mark = f"^ {label}" if label else "^"
            lines.append(Line(f"  {' ' * len(number)} | {' ' * (origin.column - 1)}{mark}", Tone.BAD))
    lines += [Line(f"      set before at {earlier}", Tone.DIM) for earlier in origin.trail]
    return lines


def without_source(file: str, number: int) -> None:
    """Stand for a checkout whose lines are not shown."""
