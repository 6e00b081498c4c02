"""Paths to fields, as people write them: `spec.template.spec.containers[name=web].image`.

A mapping key stands bare after a dot, or as a JSON string in brackets where it holds a dot or another special
character: `metadata.annotations["a.b/c"]`. An item of a list stands in brackets: by its merge keys `[name=web]`, by its
index `[0]`, as a member of a set `[="a.b/c"]`, or as any item `[*]`.

In a rule the same text is a pattern: `*` and `?` in keys and values are globs, also inside quotes, and a pattern covers
the field it names with everything below.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final, TypeAlias

Scalar: TypeAlias = "str | int | float | bool"


@dataclass(frozen=True, slots=True, order=True)
class ItemKey:
    """The item of a list whose merge keys have these values: (("name", "web"),), or (("containerPort", 80), …).

    The keys are sorted by name. Without any key it is any item: `[*]` of a pattern.
    """

    keys: tuple[tuple[str, str | int | bool], ...]


@dataclass(frozen=True, slots=True, order=True)
class ItemValue:
    """The item of a list used as a set, by its value: `metadata.finalizers[="example.com/a"]`."""

    value: str | int | float | bool


Segment: TypeAlias = str | int | ItemKey | ItemValue
"""A mapping key, an index of an atomic list, or an item of a keyed list or a set."""

FieldPath: TypeAlias = tuple[Segment, ...]

ANY_ITEM: Final = ItemKey(())

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_$/*?@+~-]+")
_BARE_VALUE: Final = re.compile(r"[A-Za-z0-9_./:@*?+-]+")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
DEFAULTED_KEYS: Final = {"protocol": "TCP"}


def format_field_path(path: FieldPath) -> str:
    """Return the path as text; `parse_field_path` gives it back."""
    text = "".join(_format_segment(segment) for segment in path)
    return text.removeprefix(".")


def parse_field_path(text: str) -> FieldPath:
    """Return the path or pattern that `text` writes. ValueError says what is wrong and at which character."""
    if not text:
        raise ValueError("the field is empty")
    segments: list[Segment] = []
    at = 0
    while at < len(text):
        segment, at = _read_segment(text, at)
        segments.append(segment)
    return tuple(segments)


def covers(pattern: FieldPath, path: FieldPath) -> bool:
    """Return whether `path` is the field that the pattern names, or lies below it."""
    return len(pattern) <= len(path) and all(
        _segment_matches(wanted, segment) for wanted, segment in zip(pattern, path, strict=False)
    )


def resolve(path: FieldPath, body: Any) -> tuple[str | int, ...]:
    """Return the keys and indexes that lead along `path` in this body, as far as the body goes.

    An item that the body does not have ends the result there. Merge keys that the API defaults (`protocol`) may be
    missing in the body.
    """
    steps: list[str | int] = []
    node = body
    for segment in path:
        step = step_into(node, segment)
        if step is None:
            break
        steps.append(step)
        node = node[step]
    return tuple(steps)


def value_at(path: FieldPath, body: Any, missing: Any = None) -> Any:
    """Return the value at `path` in this body, or `missing` where there is none."""
    steps = resolve(path, body)
    if len(steps) < len(path):
        return missing
    for step in steps:
        body = body[step]
    return body


@lru_cache(maxsize=4096)  # the objects of a kind share nearly all of them
def from_fields_v1(text: str) -> Segment | None:
    """Return the segment that a key of FieldsV1 writes (`f:spec`, `k:{…}`, `v:…`, `i:0`), or None for "."."""
    tag, _, rest = text.partition(":")
    match tag:
        case "f":
            return rest
        case "k":
            return item_key(json.loads(rest))
        case "v":
            value = json.loads(rest)
            return ItemValue(value if isinstance(value, (str, int, float, bool)) else rest)
        case "i":
            return int(rest)
        case _:
            return None


def item_key(keys: Mapping[str, Any]) -> ItemKey:
    """Return the item with these merge keys, in the order of their names."""
    return ItemKey(tuple(sorted((name, value) for name, value in keys.items() if value is not None)))


def has_item_key(item: Any, key: ItemKey) -> bool:
    """Return whether a list item has these merge keys; one that the API defaults may be missing."""
    return isinstance(item, Mapping) and all(
        same_scalar(item.get(name, DEFAULTED_KEYS.get(name)), value) for name, value in key.keys
    )


def same_scalar(a: Any, b: Any) -> bool:
    """Return whether two JSON scalars are equal: 1 and 1.0 are, 1 and true are not."""
    return bool(a == b) and isinstance(a, bool) is isinstance(b, bool)


def path_order(path: FieldPath) -> tuple[tuple[int, str], ...]:
    """Return a sort key: fields by their path as it is written, indexes as numbers."""
    return tuple((s, "") if isinstance(s, int) else (0, _format_segment(s)) for s in path)


def prefixes(path: FieldPath) -> Iterator[FieldPath]:
    """Yield the ancestors of a path, nearest first, without the root."""
    return (path[:length] for length in range(len(path) - 1, 0, -1))


def _format_segment(segment: Segment) -> str:
    match segment:
        case str():
            return f".{segment}" if _BARE_KEY.fullmatch(segment) else f"[{_quoted(segment)}]"
        case int():
            return f"[{segment}]"
        case ItemKey(keys):
            return "[" + (",".join(f"{_format_name(n)}={_format_value(v)}" for n, v in keys) or "*") + "]"
        case ItemValue(value):
            return f"[={json.dumps(value, ensure_ascii=False)}]"


def _format_name(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _quoted(name)


def _format_value(value: Scalar) -> str:
    if isinstance(value, str) and _BARE_VALUE.fullmatch(value) and isinstance(_plain(value), str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _read_segment(text: str, at: int) -> tuple[Segment, int]:
    if text[at] == "[":
        return _read_brackets(text, at + 1)
    if at and text[at] != ".":
        raise _wrong(text, at, "expected a dot or a bracket")
    at += 1 if at else 0
    key = _BARE_KEY.match(text, at)
    if key is None:
        raise _wrong(text, at, 'expected a key; quote one with special characters as ["a.b/c"]')
    return key.group(), key.end()


def _read_brackets(text: str, at: int) -> tuple[Segment, int]:
    if quoted := _QUOTED.match(text, at):
        if text[quoted.end() : quoted.end() + 1] == "]":
            return _unquoted(text, quoted), quoted.end() + 1
    elif text.startswith("*]", at):
        return ANY_ITEM, at + 2
    elif text.startswith("=", at):
        value, at = _read_value(text, at + 1)
        return ItemValue(value), _after_bracket(text, at)
    elif (index := _INTEGER.match(text, at)) and text[index.end() : index.end() + 1] == "]":
        return int(index.group()), index.end() + 1
    return _read_item_key(text, at)


def _read_item_key(text: str, at: int) -> tuple[ItemKey, int]:
    keys: dict[str, Scalar] = {}
    while True:
        name, at = _read_name(text, at)
        if text[at : at + 1] != "=":
            raise _wrong(text, at, "expected [name=value], [0], [*] or a quoted key")
        keys[name], at = _read_value(text, at + 1)
        if text[at : at + 1] != ",":
            return item_key(keys), _after_bracket(text, at)
        at += 1


def _read_name(text: str, at: int) -> tuple[str, int]:
    if quoted := _QUOTED.match(text, at):
        return _unquoted(text, quoted), quoted.end()
    if bare := _BARE_KEY.match(text, at):
        return bare.group(), bare.end()
    raise _wrong(text, at, "expected [name=value], [0], [*] or a quoted key")


def _read_value(text: str, at: int) -> tuple[Scalar, int]:
    if quoted := _QUOTED.match(text, at):
        return _unquoted(text, quoted), quoted.end()
    if bare := _BARE_VALUE.match(text, at):
        return _plain(bare.group()), bare.end()
    raise _wrong(text, at, "expected a value")


def _plain(text: str) -> Scalar:
    """Read a bare value as JSON would; what is neither a number nor a boolean is a string."""
    if text in {"true", "false"}:
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _unquoted(text: str, quoted: re.Match[str]) -> str:
    try:
        return str(json.loads(quoted.group()))
    except ValueError as error:
        raise _wrong(text, quoted.start(), "not a JSON string") from error


def _after_bracket(text: str, at: int) -> int:
    if text[at : at + 1] != "]":
        raise _wrong(text, at, "expected ]")
    return at + 1


def _wrong(text: str, at: int, what: str) -> ValueError:
    return ValueError(f"{what} at character {at + 1} of {text!r}")


def _segment_matches(pattern: Segment, segment: Segment) -> bool:
    match pattern, segment:
        case str(), str():
            return fnmatchcase(segment, pattern)
        case ItemKey(()), int() | ItemKey() | ItemValue():
            return True
        case ItemKey(wanted), ItemKey(keys):
            values = dict(keys)
            return all(name in values and _value_matches(value, values[name]) for name, value in wanted)
        case ItemValue(wanted_value), ItemValue(value):
            return _value_matches(wanted_value, value)
        case int(), int():
            return pattern == segment
        case _:
            return False


def _value_matches(pattern: Scalar, value: Scalar) -> bool:
    # 80 in a pattern also means the string "80": people write rules without thinking of types.
    return fnmatchcase(_text(value), _text(pattern))


def _text(value: Scalar) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def step_into(node: Any, segment: Segment) -> str | int | None:
    """Return the key or index that a segment means in this container, or None where there is none."""
    if isinstance(segment, str):
        return segment if isinstance(node, Mapping) and segment in node else None
    if isinstance(node, (str, Mapping)) or not isinstance(node, Sequence):
        return None
    match segment:
        case int():
            return segment if 0 <= segment < len(node) else None
        case ItemKey():
            return next((i for i, item in enumerate(node) if has_item_key(item, segment)), None)
        case ItemValue(value):
            return next((i for i, item in enumerate(node) if same_scalar(item, value)), None)
