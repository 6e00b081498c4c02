"""The types of JSON, as the server tells them apart."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

_INT64: Final = range(-(2**63), 2**63)
_SAFE: Final = 2**53 - 1
_NEARLY: Final = 1e-9
_LONGEST: Final = 60


def type_of(value: Any) -> str:
    """Return the name of a type; a number without a fraction is an integer, however it is written."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case int() | float():
            return "integer" if (isinstance(value, int) and value in _INT64) or is_whole(float(value)) else "number"
        case list():
            return "array"
        case _:
            return "object"


def is_whole(number: float) -> bool:
    """Return whether a number has no fraction to speak of, in the range where JSON is exact."""
    if not math.isfinite(number) or abs(number) > _SAFE:
        return False
    below = math.trunc(number)
    return number == below or (number > 1 and (number - below) / (number + below) < _NEARLY)


def is_one_of(value: Any, allowed: Iterable[Any]) -> bool:
    """Return whether a value is among those of an `enum`; null never is."""
    return value is not None and any(is_same(value, item) for item in allowed)


def is_same(value: Any, wanted: Any) -> bool:
    """Return whether two values are equal; a number is first cut to the type of the wanted one, as the server does."""
    if _is_number(value) and _is_number(wanted):
        return bool((math.trunc(value) if isinstance(wanted, int) else float(value)) == wanted)
    return type_of(value) == type_of(wanted) and bool(value == wanted)


def noun(value: Any) -> str:
    """Return a value for people: short scalars as they are, anything else by its type."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str() if len(value) <= _LONGEST:
            return repr(value)
        case str():
            return "a long text"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
