"""The order in which Go's yaml package writes the keys of a mapping.

From the first character in which two keys differ: a letter comes after anything else, numbers compare by value, other
characters by code point. This is no total order (`a1b` < `a2` < `a10b` < `a1b`): for such keys Go itself gives one
order or another from run to run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cmp_to_key, lru_cache
from typing import Any, Final

_CODE_POINT_ORDER: Final = re.compile(r"[A-Za-z ./,+*()$#!&'%\"-]*")
"""Characters that compare by code point alone: letters, and what is neither a digit nor behind a letter in ASCII."""

_CACHED_KEYS: Final = 64
_INT64_SIGN: Final = 1 << 63


def in_order(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys in the order in which they are written."""
    if len(fields) < 2:
        return tuple(fields)
    keys = tuple(fields)
    return _ordered(keys) if len(keys) > _CACHED_KEYS else _ordered_cached(keys)


@lru_cache(maxsize=4096)
def _ordered_cached(keys: tuple[str, ...]) -> tuple[str, ...]:
    return _ordered(keys)


def _ordered(keys: tuple[str, ...]) -> tuple[str, ...]:
    by_code_point = sorted(keys)
    if _CODE_POINT_ORDER.fullmatch("".join(keys)):
        return tuple(by_code_point)
    return tuple(sorted(by_code_point, key=cmp_to_key(_compared)))


def _compared(one: str, other: str) -> int:
    at = _first_difference(one, other)
    if at == min(len(one), len(other)):
        return len(one) - len(other)
    left, right = one[at], other[at]
    left_letter, right_letter = left.isalpha(), right.isalpha()
    if left_letter != right_letter:
        return 1 if left_letter else -1
    if not left_letter:
        left_number, left_end = _number_at(one, at, right)
        right_number, right_end = _number_at(other, at, left)
        if left_number != right_number:
            return -1 if left_number < right_number else 1
        if left_end != right_end:
            return left_end - right_end
    return -1 if left < right else 1


def _first_difference(one: str, other: str) -> int:
    shorter = min(len(one), len(other))
    return next((at for at in range(shorter) if one[at] != other[at]), shorter)


def _number_at(key: str, at: int, opposite: str) -> tuple[int, int]:
    """Return the number that starts at an index (as a wrapping 64-bit integer; 0 without one) and where it ends.

    Beside a zero, on either side, a number that already began before the index counts as having a leading one.
    """
    number = 1 if "0" in (key[at], opposite) and _inside_number(key, at) else 0
    end = at
    while end < len(key) and key[end].isdecimal():
        number = (number * 10 + ord(key[end]) - 48 + _INT64_SIGN) % (2 * _INT64_SIGN) - _INT64_SIGN
        end += 1
    return number, end


def _inside_number(key: str, at: int) -> bool:
    while at > 0 and key[at - 1].isdecimal():
        at -= 1
        if key[at] != "0":
            return True
    return False
