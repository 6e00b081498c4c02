"""Defaults, as the server fills them in before it looks at anything else."""

from __future__ import annotations

from typing import Any

from gitops_push.core.crd_schema.schema import EMPTY, Schema, field_schema, is_nullable, items, properties


def with_defaults(value: Any, schema: Schema) -> Any:
    """Return the value with defaults filled in; the value itself is not changed.

    A null where null is no value gives way to the default.
    """
    if isinstance(value, dict):
        return _object(value, schema)
    if isinstance(value, list):
        inner = items(schema)
        return [with_defaults(_filled(item, inner), inner or EMPTY) for item in value]
    return value


def _object(value: dict[str, Any], schema: Schema) -> dict[str, Any]:
    given = {name: _filled(item, field_schema(schema, name)) for name, item in value.items()}
    missing = {name: inner["default"] for name, inner in properties(schema).items() if "default" in inner}
    whole = {**missing, **given}
    return {name: with_defaults(item, field_schema(schema, name) or EMPTY) for name, item in whole.items()}


def _filled(value: Any, schema: Schema | None) -> Any:
    if value is None and schema is not None and not is_nullable(schema):
        return schema.get("default")
    return value
