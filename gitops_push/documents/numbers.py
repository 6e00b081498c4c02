"""How Go prints numbers, in YAML and in JSON."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

_INTEGERS: Final = (-(1 << 63), 1 << 64)


def go_yaml_float(number: float) -> str:
    """Return a float as Go's yaml package prints it after its way through JSON; without a fraction it is an integer.

    Raises ValueError for infinities and not-a-number.
    """
    whole = whole_number(number)
    if whole is not None:
        return str(whole)
    digits, power = _shortest(number)
    return repr(number) if -4 <= power < 6 else _scientific(number, digits, power, 2)


def go_json_float(number: float) -> str:
    """Return a float as Go's encoding/json prints it. Raises ValueError for infinities and not-a-number."""
    if not number:
        return "-0" if math.copysign(1, number) < 0 else "0"
    digits, power = _shortest(number)
    if -6 <= power < 21:
        return f"{Decimal(repr(number)):f}".removesuffix(".0")
    return _scientific(number, digits, power, 1)


def whole_number(number: float) -> int | None:
    """Return a float without a fraction as the integer that JSON text makes of it, or None where 64 bits are too few.

    Only the shortest digits that tell the float apart survive, the others become zeros.
    """
    if not math.isfinite(number):
        raise ValueError("infinity and not-a-number cannot be written")
    if not number.is_integer():
        return None
    whole = int(Decimal(repr(number)))
    return whole if _INTEGERS[0] <= whole < _INTEGERS[1] else None


def _shortest(number: float) -> tuple[str, int]:
    """Return the shortest digits that tell a float apart, and the power of ten of the first."""
    if not math.isfinite(number):
        raise ValueError("infinity and not-a-number cannot be written")
    _, digits, exponent = Decimal(repr(number)).as_tuple()
    power = len(digits) + int(exponent) - 1
    return "".join(map(str, digits)).rstrip("0"), power


def _scientific(number: float, digits: str, power: int, width: int) -> str:
    sign = "-" if number < 0 else ""
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):0{width}}"
