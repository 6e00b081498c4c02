"""Doing something for many entries, and raising what is wrong with all of them together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, Problem

T = TypeVar("T")


def for_each(entries: Iterable[T], action: Callable[[T], None]) -> None:
    """Do it for all entries, and raise the problems of all of them together; a budget that is used up ends it at once.

    Otherwise bases that use each other's bases twice, 25 deep, would fail 2^25 times.
    """
    problems: list[Problem] = []
    for entry in entries:
        try:
            action(entry)
        except BuildError as error:
            problems.extend(error.problems)
            if any(problem.code is Code.BUDGET_EXCEEDED for problem in error.problems):
                break
    if problems:
        raise BuildError(problems)
