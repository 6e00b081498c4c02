"""Fields that a schema does not know: the server drops them, and refuses them with strict field validation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gitops_push.core.crd_schema.faults import Fault, Path
from gitops_push.core.crd_schema.schema import (
    META_FIELDS,
    Schema,
    additional,
    is_embedded,
    items,
    preserves_unknown,
    properties,
)
from gitops_push.core.objects import Body
from gitops_push.core.suggestion import did_you_mean


def unknown_fields(body: Body, schema: Schema) -> Iterator[Fault]:
    """Yield the unknown fields of a whole object; those of its metadata are not the schema's matter."""
    return _unknown(body, {**schema, "x-kubernetes-embedded-resource": True}, ())


def _unknown(value: Any, schema: Schema | None, path: Path) -> Iterator[Fault]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(item, _item_schema(schema), (*path, index))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _field(name, item, schema, path)


def _field(name: str, value: Any, schema: Schema | None, path: Path) -> Iterator[Fault]:
    if schema is None:
        yield Fault((*path, name), "is not known")
        return
    if is_embedded(schema) and name in META_FIELDS:
        return
    known = properties(schema)
    if name in known:
        yield from _unknown(value, known[name], (*path, name))
    elif additional(schema) is not None:
        yield from _unknown(value, additional(schema) or None, (*path, name))
    elif not preserves_unknown(schema):
        yield Fault((*path, name), f"is not known{did_you_mean(name, known)}")


def _item_schema(schema: Schema | None) -> Schema | None:
    """Return what items are judged by: where unknown fields are kept, those of items without a schema are, too."""
    inner = items(schema) if schema is not None else None
    if schema is not None and preserves_unknown(schema):
        return {**(inner or {}), "x-kubernetes-preserve-unknown-fields": True}
    return inner
