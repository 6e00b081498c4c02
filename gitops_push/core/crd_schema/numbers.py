"""Whether numbers are in bounds.

A bound counts without its fraction for a number without one: the server takes 2 for `minimum: 2.5`. It takes no whole
number at all for `multipleOf: 0.5`; that looks like a bug of the server's, and is no fault here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from gitops_push.core.crd_schema.json_types import is_whole
from gitops_push.core.crd_schema.schema import Schema, number_at, text_at, types_of

_LARGEST_FLOAT32: Final = 3.4028235677973366e38
_RANGES: Final = {
    ("integer", "int32"): (-(2**31), 2**31 - 1),
    ("number", "float"): (-_LARGEST_FLOAT32, _LARGEST_FLOAT32),
}
"""By type and format. What does not fit into int64 is no integer at all."""


def number_faults(value: float, schema: Schema) -> Iterator[str]:
    """Yield which bounds a number breaks."""
    yield from _range_faults(value, schema)
    least, most = (_bound(value, schema, key) for key in ("minimum", "maximum"))
    if least is not None and (value < least or (value == least and schema.get("exclusiveMinimum") is True)):
        more = "more than" if schema.get("exclusiveMinimum") is True else "at least"
        yield f"must be {more} {number_at(schema, 'minimum')}, this is {value}"
    if most is not None and (value > most or (value == most and schema.get("exclusiveMaximum") is True)):
        less = "less than" if schema.get("exclusiveMaximum") is True else "at most"
        yield f"must be {less} {number_at(schema, 'maximum')}, this is {value}"
    factor = _bound(value, schema, "multipleOf")
    if factor is not None and factor > 0 and not _is_multiple(value, factor):
        yield f"must be a multiple of {number_at(schema, 'multipleOf')}, this is {value}"


def replicas_fault(value: Any) -> str:
    """Return what is wrong with a number of replicas that a scale subresource shows, or "" (None: there is none)."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value is None or (is_number and _is_whole(value) and 0 <= value < 2**31):
        return ""
    return "must be a whole number from 0 on that fits into int32: it is the number of replicas"


def _range_faults(value: float, schema: Schema) -> Iterator[str]:
    types, name = types_of(schema), text_at(schema, "format")
    known = _RANGES.get((types[0], name)) if len(types) == 1 else None
    if known and not known[0] <= value <= known[1]:
        yield f"must fit into {name}, this is {value}"


def _bound(value: float, schema: Schema, key: str) -> float | None:
    bound = number_at(schema, key)
    return math.trunc(bound) if bound is not None and _is_whole(value) else bound


def _is_multiple(value: float, factor: float) -> bool:
    if _is_whole(value):
        return value % factor == 0
    return is_whole(1 / factor * value if factor < 1 else value / factor)


def _is_whole(value: float) -> bool:
    """Return whether a number is an integer of 64 bits for the server: 2.0 is sent as 2."""
    return abs(value) < 2**63 and value == math.trunc(value)
