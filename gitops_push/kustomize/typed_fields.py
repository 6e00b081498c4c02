"""Reads mappings of a kustomization into values, as strictly as Go's JSON decoder does, with the place of each entry.

Field names match without regard to case, null is the same as absent, and no type is converted: `namePrefix: 1` is an
error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items, Node, as_origin
from gitops_push.kustomize.marks import place_of
from gitops_push.kustomize.resource import text_of


@dataclass(frozen=True, slots=True)
class Text:
    """A string of a kustomization with its place."""

    value: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Pair:
    """A key and a string, with the place of the string."""

    key: str
    value: str
    origin: Origin


class TypedFields:
    """A mapping whose fields are read by type. Problems are added to `problems`, and a default is returned instead.

    With `lenient`, as kustomize reads plugins, unknown fields are no problem, here and in the mappings within, and any
    scalar becomes a text where one is wanted.
    """

    def __init__(self, fields: Fields, origin: Origin, problems: list[Problem], *, lenient: bool = False) -> None:
        self.fields = fields
        self.origin = origin
        self.problems = problems
        self.lenient = lenient
        self._keys = {key.lower(): key for key in fields}

    def check_names(self, known: Iterable[str], where: str) -> None:
        """Add a problem for every field that is not one of `known`."""
        if self.lenient:
            return
        names = {name.lower(): name for name in known}
        for key in self.fields:
            if key.lower() not in names:
                from difflib import get_close_matches

                close = get_close_matches(key.lower(), names, n=1)
                hint = (
                    f"did you mean {names[close[0]]!r}?"
                    if close
                    else f"known fields: {', '.join(sorted(names.values()))}"
                )
                self._complain(f'unknown field "{key}" in {where}', self.key_place(key), hint)

    def place(self, name: str) -> Origin:
        """Return the place of a field's value, or that of the mapping."""
        key = self._keys.get(name.lower(), name)
        return place_of(self.fields, key) or self.origin

    def key_place(self, name: str) -> Origin:
        """Return the place of a field's name, or that of its value."""
        key = self._keys.get(name.lower(), name)
        mark = (self.fields.key_marks or {}).get(key)
        return self.place(name) if mark is None else as_origin(mark, self.fields.file)

    def get(self, name: str) -> Node:
        """Return a field's value, None if it is absent or null."""
        return self.fields.get(self._keys.get(name.lower(), name))

    def text(self, name: str) -> Text | None:
        """Return a string field; None if it is absent or empty."""
        value = self._as_text(self.get(name))
        if isinstance(value, str):
            return Text(value, self.place(name)) if value else None
        self._expect(value is None, name, value, "a string")
        return None

    def string(self, name: str) -> str:
        """Return a string field without its place, "" if it is absent."""
        found = self.text(name)
        return found.value if found else ""

    def texts(self, name: str) -> tuple[Text, ...]:
        """Return a list of strings."""
        return tuple(Text(value, origin) for value, origin in self._items(name, str, "a string"))

    def pairs(self, name: str) -> tuple[Pair, ...]:
        """Return a mapping of strings."""
        value = self.get(name)
        if not isinstance(value, Fields):
            self._expect(value is None, name, value, "a mapping of strings")
            return ()
        pairs = []
        for key, scalar in value.items():
            place = place_of(value, key) or self.place(name)
            item = self._as_text(scalar)
            if isinstance(item, str) or item is None:
                pairs.append(Pair(key, item or "", place))
            else:
                self._complain(f"{name}.{key} must be a string, found {_type(item)}", place, 'put it in quotes: "…"')
        return tuple(pairs)

    def flag(self, name: str) -> bool:
        """Return a boolean field, False if it is absent."""
        value = self.get(name)
        self._expect(value is None or isinstance(value, bool), name, value, "true or false")
        return value is True

    def number(self, name: str) -> int:
        """Return an integer field, 0 if it is absent."""
        value = self.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self._expect(value is None, name, value, "an integer")
        return 0

    def one(self, name: str) -> TypedFields | None:
        """Return a mapping field, None if it is absent."""
        value = self.get(name)
        if isinstance(value, Fields):
            return TypedFields(value, self.place(name), self.problems, lenient=self.lenient)
        self._expect(value is None, name, value, "a mapping")
        return None

    def many(self, name: str) -> tuple[TypedFields, ...]:
        """Return a list of mappings."""
        found = self._items(name, Fields, "a mapping")
        return tuple(TypedFields(value, origin, self.problems, lenient=self.lenient) for value, origin in found)

    def _items(self, name: str, wanted: type, word: str) -> Iterator[tuple[Node, Origin]]:
        value = self.get(name)
        if not isinstance(value, Items):
            self._expect(value is None, name, value, f"a list, each item {word}")
            return
        for index, found in enumerate(value):
            place = place_of(value, index) or self.place(name)
            item = self._as_text(found) if wanted is str else found
            if isinstance(item, wanted):
                yield item, place
            elif item is not None:
                self._complain(f"each item of {name} must be {word}, found {_type(item)}", place)

    def _as_text(self, value: Node) -> Node:
        return text_of(value) if self.lenient and isinstance(value, (bool, int, float)) else value

    def _expect(self, right: bool, name: str, value: Node, wanted: str) -> None:
        if not right:
            hint = 'put it in quotes: "…"' if wanted == "a string" and not isinstance(value, (dict, list)) else None
            self._complain(f"{name} must be {wanted}, found {_type(value)}", self.place(name), hint)

    def _complain(self, message: str, origin: Origin, hint: str | None = None) -> None:
        self.problems.append(Problem(Code.KUSTOMIZATION_INVALID, message, origin, hint=hint))


def _type(value: Node) -> str:
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case _:
            return "null"
