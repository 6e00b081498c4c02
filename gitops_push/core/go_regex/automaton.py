"""Matches a pattern by following all of its ways at once (Thompson's construction): no way is tried twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias, assert_never

from gitops_push.core.go_regex.characters import CharacterSet, is_word
from gitops_push.core.go_regex.syntax import (
    Assertion,
    Character,
    Choice,
    Repeat,
    Sequence,
    Tree,
    UnknownSyntaxError,
)

_MOST_STEPS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Take:
    """Goes on with `then` after a character of the set."""

    wanted: CharacterSet
    then: int


@dataclass(frozen=True, slots=True)
class Check:
    """Goes on where the condition on the place holds."""

    kind: str
    then: int


@dataclass(frozen=True, slots=True)
class Fork:
    """Goes on with each of these."""

    then: tuple[int, ...]


Step: TypeAlias = Take | Check | Fork | None
"""None is the end: a match."""


@dataclass(frozen=True, slots=True)
class Program:
    """The steps, and the one to begin with."""

    steps: tuple[Step, ...]
    start: int


def compile_program(tree: Tree) -> Program:
    """Return the program of a pattern. Raises `UnknownSyntaxError` for one that is too large."""
    builder = _Builder()
    end = builder.add(None)
    start = builder.build(tree, end)
    return Program(tuple(builder.steps), start)


def is_found(program: Program, text: str) -> bool:
    """Return whether the program matches somewhere in the text."""
    waiting: set[int] = set()
    before = ""
    for char in (*text, ""):
        states = _reached(program.steps, {*waiting, program.start}, before, char)
        if any(program.steps[state] is None for state in states):
            return True
        waiting = {
            step.then
            for state in states
            if isinstance(step := program.steps[state], Take) and char and char in step.wanted
        }
        before = char
    return False


def _reached(steps: tuple[Step, ...], states: Iterable[int], before: str, after: str) -> set[int]:
    """Return all states that are reached between two characters without taking one."""
    found: set[int] = set()
    todo = list(states)
    while todo:
        state = todo.pop()
        if state in found:
            continue
        found.add(state)
        match steps[state]:
            case Fork(then):
                todo.extend(then)
            case Check(kind, then) if _holds(kind, before, after):
                todo.append(then)
    return found


def _holds(kind: str, before: str, after: str) -> bool:
    match kind:
        case "start":
            return not before
        case "end":
            return not after
        case "line start":
            return before in {"", "\n"}
        case "line end":
            return after in {"", "\n"}
        case _:
            return (is_word(before) != is_word(after)) == (kind == "boundary")


@dataclass(slots=True)
class _Builder:
    """Builds from the end to the start: each part is told what comes after it."""

    steps: list[Step] = field(default_factory=list)

    def add(self, step: Step) -> int:
        if len(self.steps) >= _MOST_STEPS:
            raise UnknownSyntaxError("the pattern is too large")
        self.steps.append(step)
        return len(self.steps) - 1

    def build(self, tree: Tree, then: int) -> int:
        match tree:
            case Character(wanted):
                return self.add(Take(wanted, then))
            case Assertion(kind):
                return self.add(Check(kind, then))
            case Sequence(parts):
                for part in reversed(parts):
                    then = self.build(part, then)
                return then
            case Choice(parts):
                return self.add(Fork(tuple(self.build(part, then) for part in parts)))
            case Repeat():
                return self.build_repeat(tree, then)
            case _:
                assert_never(tree)

    def build_repeat(self, repeat: Repeat, then: int) -> int:
        if repeat.most is None:
            again = self.add(None)
            self.steps[again] = Fork((self.build(repeat.part, again), then))
            then = again
        for _ in range((repeat.most or repeat.least) - repeat.least):
            then = self.add(Fork((self.build(repeat.part, then), then)))
        for _ in range(repeat.least):
            then = self.build(repeat.part, then)
        return then
