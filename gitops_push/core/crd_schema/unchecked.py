"""What of a schema cannot be checked without a server: rules in CEL, and patterns that are not known here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gitops_push.core.crd_schema.schema import Schema, alternatives, field_schema, items, number_at, text_at
from gitops_push.core.crd_schema.texts import is_checkable
from gitops_push.core.objects import Body

_PARSED_BY_GO: Final = frozenset({"email", "uri"})


def unchecked_rules(body: Body, schema: Schema) -> tuple[str, ...]:
    """Return lines about the rules that hold for what the object has, and that nothing here has evaluated."""
    met = {id(node): (node, value) for node, value in _met(body, schema)}
    rules = sum(_rules_of(node) for node, _ in met.values())
    patterns = {text_at(node, "pattern") for node, value in met.values() if _has_unknown_pattern(node, value)}
    counted = (f"{rules} CEL {'rule' if rules == 1 else 'rules'} not checked",) if rules else ()
    return (*counted, *(f"pattern {pattern!r} not checked" for pattern in sorted(patterns)))


def is_certain(value: Any, schema: Schema) -> bool:
    """Return whether a value that has no fault by a schema has none for a server either.

    Where the judgement is lenient, nothing may follow from it: `not` would turn it into a refusal.
    """
    return not any(_is_lenient(node, met) for node, met in _met(value, schema))


def _is_lenient(schema: Schema, value: Any) -> bool:
    factor = number_at(schema, "multipleOf")
    by_factor = factor is not None and factor != int(factor)
    return by_factor or text_at(schema, "format") in _PARSED_BY_GO or _has_unknown_pattern(schema, value)


def _met(value: Any, schema: Schema) -> Iterator[tuple[Schema, Any]]:
    """Yield the nodes of the schema that there is a value for."""
    yield schema, value
    for junctor in ("allOf", "anyOf", "oneOf"):
        for part in alternatives(schema, junctor):
            yield from _met(value, part)
    forbidden = schema.get("not")
    if isinstance(forbidden, Mapping):
        yield from _met(value, forbidden)
    if isinstance(value, dict):
        for name, item in value.items():
            inner = field_schema(schema, name)
            if inner:
                yield from _met(item, inner)
    elif isinstance(value, list):
        inner = items(schema)
        for item in value if inner else ():
            yield from _met(item, inner or {})


def _rules_of(schema: Schema) -> int:
    rules = schema.get("x-kubernetes-validations")
    return len(rules) if isinstance(rules, list) else 0


def _has_unknown_pattern(schema: Schema, value: Any) -> bool:
    pattern = text_at(schema, "pattern")
    return bool(pattern) and isinstance(value, str) and not is_checkable(pattern, value)
