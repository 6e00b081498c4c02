"""Checks a document against a grammar, and says all that is wrong with it, each at its line and column."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, assert_never

from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem
from gitops_push.core.origin import Origin
from gitops_push.core.suggestion import did_you_mean
from gitops_push.core.tree import Fields, Node, as_origin, origin_at
from gitops_push.repo.grammar import Brief, Either, Field, Free, ListOf, Named, Number, Record, Switch, Text, Type

_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the document we are: the whole of it, and the keys and indexes that lead here."""

    root: Node
    file: str
    path: tuple[str | int, ...] = ()

    def at(self, step: str | int) -> _Place:
        return _Place(self.root, self.file, (*self.path, step))

    @property
    def origin(self) -> Origin:
        return origin_at(self.root, self.path) or Origin(self.file)

    def key_origin(self, fields: Node, key: str) -> Origin:
        """Return where the key itself stands, or its value where only that is known."""
        if isinstance(fields, Fields) and fields.key_marks and key in fields.key_marks:
            return as_origin(fields.key_marks[key], fields.file)
        return self.at(key).origin

    def __str__(self) -> str:
        shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return shown.removeprefix(".") or "the file"


def grammar_problems(document: Node, file: str, grammar: Type) -> tuple[Problem, ...]:
    """Return all ways in which a document is not of the grammar, in the order of the document."""
    return tuple(_check(document, grammar, _Place(document, file)))


def matches(text: str, pattern: str) -> bool:
    """Return whether the whole text is of the pattern."""
    return _compiled(pattern).fullmatch(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _check(value: Node, grammar: Type, place: _Place) -> Iterator[Problem]:
    match grammar:
        case Record():
            yield from _check_record(value, grammar, place)
        case Named():
            yield from _check_named(value, grammar, place)
        case ListOf():
            yield from _check_list(value, grammar, place)
        case Text():
            yield from _check_text(value, grammar, place)
        case Number():
            yield from _check_number(value, grammar, place)
        case Either():
            is_text = isinstance(value, str)
            yield from _check_text(value, grammar.text, place) if is_text else _check_either(value, grammar, place)
        case Brief():
            yield from _check(value, grammar.record if isinstance(value, dict) else grammar.text, place)
        case Switch():
            if not isinstance(value, bool):
                yield _wrong(place, f"{place} must be true or false, this is {describe(value)}")
        case Free():
            if not isinstance(value, dict):
                yield _wrong(place, f"{place} must be a mapping, this is {describe(value)}")
        case _:
            assert_never(grammar)


def _check_record(value: Node, record: Record, place: _Place) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _wrong(place, f"{place} must be a mapping, this is {describe(value)}")
        return
    for key, item in value.items():
        field = record.field(key)
        if field is None:
            yield _unknown_key(value, key, record, place)
            continue
        yield from _check(item, field.type, place.at(key))
        if field.needs and field.needs not in value:
            yield Problem(
                Code.CONFIG_INVALID_VALUE,
                f"{place.at(key)} needs '{field.needs}' beside it",
                place.key_origin(value, key),
            )
    yield from _check_presence(value, record, place)


def _check_presence(value: dict[str, Any], record: Record, place: _Place) -> Iterator[Problem]:
    for field in record.fields:
        if field.required and field.name not in value:
            yield _wrong(place, f"{place} has no '{field.name}'", f"add '{field.name}': {_first_words(field)}")
    found = [name for name in record.exactly_one if name in value]
    later = any(name in value for name, _ in record.later)  # refused already, by name
    if record.exactly_one and len(found) != 1 and not (later and not found):
        have = f"has {' and '.join(found)}" if found else "has none"
        yield _wrong(place, f"{place} must have exactly one of {', '.join(record.exactly_one)}; it {have}")
    if record.at_least_one and not any(name in value for name in record.at_least_one):
        yield _wrong(place, f"{place} must have {' or '.join(record.at_least_one)}")


def _unknown_key(value: dict[str, Any], key: str, record: Record, place: _Place) -> Problem:
    origin = place.key_origin(value, key)
    for name, meaning in record.later:
        if key == name:
            message = f"{place.at(key)} is not supported yet ({meaning})"
            return Problem(Code.CONFIG_NOT_SUPPORTED_YET, message, origin, hint="remove it; it is never ignored")
    known = [field.name for field in record.fields]
    message = (
        f"unknown key {describe(key)} in {place}{did_you_mean(key, [*known, *(name for name, _ in record.later)])}"
    )
    return Problem(Code.CONFIG_UNKNOWN_KEY, message, origin, hint=f"possible are: {', '.join(known)}")


def _check_named(value: Node, named: Named, place: _Place) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _wrong(place, f"{place} must be a mapping of names, this is {describe(value)}")
        return
    for key, item in value.items():
        grammar = next((grammar for name, grammar in named.alternatives if matches(key, name.pattern)), None)
        if grammar is None:
            wanted = " or ".join(name.what for name, _ in named.alternatives)
            message = f"{describe(key)} in {place} is not {wanted}"
            yield Problem(Code.CONFIG_INVALID_VALUE, message, place.key_origin(value, key))
        else:
            yield from _check(item, grammar, place.at(key))


def _check_list(value: Node, grammar: ListOf, place: _Place) -> Iterator[Problem]:
    if not isinstance(value, list):
        hint = "write it as '- ...' items, or in brackets: [...]"
        yield _wrong(place, f"{place} must be a list, this is {describe(value)}", hint)
        return
    if len(value) < grammar.minimum:
        yield _wrong(place, f"{place} must not be empty")
    for index, item in enumerate(value):
        yield from _check(item, grammar.item, place.at(index))


def _check_text(value: Node, text: Text, place: _Place) -> Iterator[Problem]:
    if isinstance(value, str):
        if not matches(value, text.pattern):
            yield _wrong(place, f"{place} must be {text.what}, this is {describe(value)}", _example(text))
    elif isinstance(value, (bool, int, float)) and matches(str(value).lower(), text.pattern):
        yield _wrong(place, f"{place} must be {text.what}, this is {describe(value)}", "put it in quotes")
    else:
        yield _wrong(place, f"{place} must be {text.what}, this is {describe(value)}", _example(text))


def _check_number(value: Node, number: Number, place: _Place) -> Iterator[Problem]:
    if not _is_whole(value) or value < number.minimum:
        yield _wrong(place, f"{place} must be a whole number from {number.minimum} up, this is {describe(value)}")
    elif number.only is not None and value != number.only:
        yield _wrong(place, f"{place} must be {number.only}, this is {describe(value)}")


def _check_either(value: Node, either: Either, place: _Place) -> Iterator[Problem]:
    if not _is_whole(value) or value < either.number.minimum:
        yield _wrong(place, f"{place} must be {either.text.what}, this is {describe(value)}", _example(either.text))


def _is_whole(value: Node) -> bool:
    """Return whether JSON Schema sees an integer: 1.0 is one."""
    return not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))


def _wrong(place: _Place, message: str, hint: str | None = None) -> Problem:
    return Problem(Code.CONFIG_INVALID_VALUE, message, place.origin, hint=hint)


def _example(text: Text) -> str | None:
    return f"write it like {' or '.join(text.like)}" if text.like else None


def _first_words(field: Field) -> str:
    return f"'version: {field.type.only}'" if isinstance(field.type, Number) else field.text


def describe(value: object) -> str:
    """Return what a value is, in words, for a message; texts and numbers are shown."""
    match value:
        case None:
            return "empty"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return repr(value if len(value) <= _SHOWN else value[:_SHOWN] + "…")
        case list():
            return "a list"
        case _:
            return "a mapping"
