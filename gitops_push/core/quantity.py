"""Quantities of the Kubernetes API ("500m", "1.5Gi", "1e3"), written the way the API server writes them.

The rules are those of `resource.Quantity` in k8s.io/apimachinery: the format of the text is kept, the number is written
without a fraction with the largest unit that allows it, and what is smaller than a nano is rounded up.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Final

_QUANTITY: Final = re.compile(r"([+-]?)([0-9]+(?:\.[0-9]*)?|\.[0-9]+)((?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?)")
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_SUFFIXES: Final = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_MOST: Final = 2**63 - 1


def canonical_quantity(value: object) -> object:
    """Return the quantity as the server would write it; what is none (also a boolean) is returned as it is.

    A number becomes a string, because the field's type is one in the schema: `cpu: 1` is "1".
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return value
    match = _QUANTITY.fullmatch(str(value).strip())
    if match is None:
        return value
    sign, digits, suffix = match.groups()
    number = Fraction(digits) * (-1 if sign == "-" else 1)
    return _write(number, suffix) or value


def _write(number: Fraction, suffix: str) -> str:
    """Return the text, or "" for a number out of the range that the server keeps as it is."""
    if suffix in _BINARY[1:]:
        amount = number * 1024 ** _BINARY.index(suffix)
        binary = abs(amount) >= 1024
        text = _in_binary(_ceil(amount)) if binary else _in_decimal(amount, exponents=False)
    elif suffix in _DECIMAL:
        amount = number * Fraction(10) ** _DECIMAL[suffix]
        text = _in_decimal(amount, exponents=False)
    else:
        power = int(suffix[1:])
        if abs(power) > 18:
            return ""
        amount = number * Fraction(10) ** power
        text = _in_decimal(amount, exponents=True)
    return "" if abs(amount) > _MOST else text


def _in_binary(amount: int) -> str:
    power = 0
    while power < len(_BINARY) - 1 and amount % 1024 == 0:
        amount //= 1024
        power += 1
    # Without a unit the server takes its own text for a decimal one the next time that it reads it.
    return f"{amount}{_BINARY[power]}" if power else _in_decimal(Fraction(amount), exponents=False)


def _in_decimal(amount: Fraction, *, exponents: bool) -> str:
    nanos = _ceil(amount * 10**9)
    if nanos == 0:
        return "0"
    power = -9
    while power < 18 and nanos % 1000 == 0:
        nanos //= 1000
        power += 3
    if not exponents:
        return f"{nanos}{_SUFFIXES[power]}"
    return f"{nanos}e{power}" if power else str(nanos)


def _ceil(amount: Fraction) -> int:
    """Round away from zero, as the server does."""
    return math.ceil(amount) if amount >= 0 else math.floor(amount)
