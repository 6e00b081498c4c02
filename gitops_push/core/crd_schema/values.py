"""Whether values are what a schema asks for: types, bounds, texts, numbers, and the combinations of schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gitops_push.core.crd_schema.faults import Fault, Path
from gitops_push.core.crd_schema.json_types import is_one_of, noun, type_of
from gitops_push.core.crd_schema.numbers import number_faults
from gitops_push.core.crd_schema.schema import (
    EMPTY,
    Schema,
    additional,
    alternatives,
    is_nullable,
    items,
    names_at,
    number_at,
    properties,
    types_of,
)
from gitops_push.core.crd_schema.texts import has_text_format, text_faults
from gitops_push.core.crd_schema.unchecked import is_certain

_MOST_NAMED: Final = 12


def value_faults(value: Any, schema: Schema, path: Path) -> Iterator[Fault]:
    """Yield what is wrong with a value, and with all that is in it."""
    yield from (Fault(path, message) for message in _own_faults(value, schema))
    if value is None:
        return
    yield from _combination_faults(value, schema, path)
    match value:
        case dict():
            yield from _field_faults(value, schema, path)
        case list():
            for index, item in enumerate(value):
                yield from value_faults(item, items(schema) or EMPTY, (*path, index))


def _own_faults(value: Any, schema: Schema) -> Iterator[str]:
    yield from _type_faults(value, schema)
    allowed = schema.get("enum")
    if isinstance(allowed, list) and allowed and not is_one_of(value, allowed):
        yield f"must be one of {_listed(allowed)}, this is {noun(value)}"
    match value:
        case bool() | None:
            return
        case int() | float():
            yield from number_faults(value, schema)
        case str():
            yield from text_faults(value, schema)
        case list():
            yield from _size_faults(len(value), schema, "Items", "items")
        case dict():
            yield from _size_faults(len(value), schema, "Properties", "fields")


def _type_faults(value: Any, schema: Schema) -> Iterator[str]:
    types = types_of(schema)
    if value is None and (is_nullable(schema) or not types):
        return
    found = type_of(value)
    if not types and has_text_format(schema):
        types = ("string", "array")  # without a type, the server takes a list where a text of a format is wanted
    if types and found not in types and not (found == "integer" and "number" in types):
        yield f"must be {' or '.join(_article(name) for name in types)}, this is {noun(value)}"


def _article(name: str) -> str:
    return f"an {name}" if name[:1] in "aio" else f"a {name}"


def _listed(allowed: list[Any]) -> str:
    shown = ", ".join(str(item) for item in allowed[:_MOST_NAMED])
    return f"{shown} and {len(allowed) - _MOST_NAMED} more" if len(allowed) > _MOST_NAMED else shown


def _size_faults(size: int, schema: Schema, suffix: str, what: str) -> Iterator[str]:
    least, most = number_at(schema, f"min{suffix}"), number_at(schema, f"max{suffix}")
    if least is not None and size < least:
        yield f"must have at least {least} {what}, and has {size}"
    if most is not None and size > most:
        yield f"must have at most {most} {what}, and has {size}"


def _field_faults(value: Mapping[str, Any], schema: Schema, path: Path) -> Iterator[Fault]:
    named, rest = properties(schema), additional(schema)
    for name in names_at(schema, "required"):
        if name not in value:
            yield Fault((*path, name), "is required")
    for name, item in value.items():
        inner = named.get(name, rest)
        if inner is not None:
            yield from value_faults(item, inner, (*path, name))


def _combination_faults(value: Any, schema: Schema, path: Path) -> Iterator[Fault]:
    for part in alternatives(schema, "allOf"):
        yield from value_faults(value, part, path)
    yield from _choice_faults(value, schema, path, "anyOf")
    yield from _choice_faults(value, schema, path, "oneOf")
    forbidden = schema.get("not")
    if (
        isinstance(forbidden, Mapping)
        and is_certain(value, forbidden)
        and not any(value_faults(value, forbidden, path))
    ):
        yield Fault(path, "matches what the schema forbids (not)")


def _choice_faults(value: Any, schema: Schema, path: Path, junctor: str) -> Iterator[Fault]:
    """Yield the faults by the alternative that comes nearest; of `oneOf` just one may match."""
    parts = alternatives(schema, junctor)
    if not parts:
        return
    faults = [tuple(value_faults(value, part, path)) for part in parts]
    valid = sum(not found for found in faults)
    too_many = junctor == "oneOf" and valid > 1 and all(is_certain(value, part) for part in parts)
    if valid and not too_many:
        return
    count = f"none of its {len(parts)} alternatives" if not valid else f"{valid} of its alternatives instead of one"
    yield Fault(path, f"matches {count} ({junctor})")
    if not valid:
        yield from min(faults, key=len)
