"""A node of a structural schema as plain data, read without trust: what has the wrong form counts as not there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

Schema: TypeAlias = Mapping[str, Any]
"""A JSONSchemaProps as it stands in a CustomResourceDefinition."""

EMPTY: Final[Schema] = {}
META_FIELDS: Final = frozenset({"apiVersion", "kind", "metadata"})


def properties(schema: Schema) -> Mapping[str, Schema]:
    """Return the schemas of named fields."""
    found = schema.get("properties")
    return {name: sub for name, sub in found.items() if isinstance(sub, Mapping)} if isinstance(found, Mapping) else {}


def additional(schema: Schema) -> Schema | None:
    """Return the schema of fields that are not named; an empty one for `additionalProperties: true`."""
    found = schema.get("additionalProperties")
    if isinstance(found, Mapping):
        return found
    return EMPTY if found is True else None


def items(schema: Schema) -> Schema | None:
    """Return the schema of the items of a list."""
    found = schema.get("items")
    return found if isinstance(found, Mapping) else None


def field_schema(schema: Schema, name: str) -> Schema | None:
    """Return the schema of a field, or None for one that the schema does not know."""
    named = properties(schema).get(name)
    return named if named is not None else additional(schema)


def alternatives(schema: Schema, junctor: str) -> tuple[Schema, ...]:
    """Return the schemas of `anyOf`, `oneOf` or `allOf`."""
    found = schema.get(junctor)
    return tuple(sub for sub in found if isinstance(sub, Mapping)) if isinstance(found, Iterable) else ()


def is_nullable(schema: Schema) -> bool:
    """Return whether null is a value of it."""
    return schema.get("nullable") is True


def preserves_unknown(schema: Schema) -> bool:
    """Return whether fields that are not named are kept."""
    return schema.get("x-kubernetes-preserve-unknown-fields") is True


def is_embedded(schema: Schema) -> bool:
    """Return whether it is a whole object of Kubernetes."""
    return schema.get("x-kubernetes-embedded-resource") is True


def types_of(schema: Schema) -> tuple[str, ...]:
    """Return the names of the types that a value may have; none for any."""
    if schema.get("x-kubernetes-int-or-string") is True:
        return ("integer", "string")
    found = schema.get("type")
    return (found,) if isinstance(found, str) and found else ()


def number_at(schema: Schema, key: str) -> int | float | None:
    """Return a number of a schema, like its `maximum`."""
    found = schema.get(key)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return None
    return found if math.isfinite(found) else None


def text_at(schema: Schema, key: str) -> str:
    """Return a text of a schema, like its `pattern`; "" for none."""
    found = schema.get(key)
    return found if isinstance(found, str) else ""


def names_at(schema: Schema, key: str) -> tuple[str, ...]:
    """Return a list of texts of a schema, like its `required`."""
    found = schema.get(key)
    return tuple(name for name in found if isinstance(name, str)) if isinstance(found, list) else ()
