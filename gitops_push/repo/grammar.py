"""The building blocks of a grammar for configuration, as plain values.

The reader, the JSON Schema and the reference page are all made from one grammar, so that they cannot disagree.
Patterns match a whole text, and use only what Python and ECMA 262 (JSON Schema) read alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

ANYTHING = r"\S(?:[\s\S]*\S)?"


@dataclass(frozen=True, slots=True)
class Text:
    """A text. `what` names it in messages ("a duration"), `like` shows good ones."""

    what: str
    pattern: str = ANYTHING
    like: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Switch:
    """true or false."""


@dataclass(frozen=True, slots=True)
class Free:
    """A mapping of anything: what is in it belongs to somebody else."""


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number; `only` is the one value that is allowed, if there is just one."""

    minimum: int = 0
    only: int | None = None


@dataclass(frozen=True, slots=True)
class Either:
    """A number or a text: the type of the value decides which."""

    number: Number
    text: Text


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of values of one type."""

    item: Type
    minimum: int = 0


@dataclass(frozen=True, slots=True)
class Named:
    """A mapping whose keys are names chosen by people: the first key type that matches decides the type of the value.

    `example` is what stands for the key in the reference.
    """

    alternatives: tuple[tuple[Text, Type], ...]
    example: str = "NAME"


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a record. `default` says in words what holds without it; `needs` names a key that must stand with it."""

    name: str
    type: Type
    text: str
    required: bool = False
    default: str = ""
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with fixed keys.

    Of `exactly_one` one key must be there, of `at_least_one` one or more. `later` are keys (and what they will do)
    that belong to the grammar but are not built yet: they are refused by name.
    """

    fields: tuple[Field, ...]
    exactly_one: tuple[str, ...] = ()
    at_least_one: tuple[str, ...] = ()
    later: tuple[tuple[str, str], ...] = ()

    def field(self, name: str) -> Field | None:
        """Return the field of that name, or None."""
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True, slots=True)
class Brief:
    """A text for what is needed most, or a mapping that says more."""

    text: Text
    record: Record


Type: TypeAlias = "Text | Switch | Free | Number | Either | ListOf | Named | Record | Brief"
