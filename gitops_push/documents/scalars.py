"""What a scalar means: the two dialects in which Kubernetes tools read YAML.

Both go back to Go's yaml package and agree on numbers, but not on words and dates:

- `KUBECTL` (kubectl apply, sigs.k8s.io/yaml): `y`, `yes`, `on`, … are booleans; dates stay the text they are.
- `KUSTOMIZE` (kustomize build, kyaml): only `true` and `false` are booleans; a date becomes an RFC 3339 text.

Numbers: underscores are dropped, `0755` is octal, `0x`, `0o` and `0b` are known, `08` and `1e3` are numbers,
`12:30:45` is text. A number without a fraction is an int, however it is written. Refused here although the tools accept
or garble them: `.nan` and `.inf` (they are not JSON), and integers beyond 64 bits (they would lose digits).
The table this is tested against was recorded from kubectl 1.37.1 and kustomize 5.8.1.
"""

from __future__ import annotations

import base64
import math
import re
import struct
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from gitops_push.documents.numbers import whole_number
from gitops_push.documents.timestamps import rfc3339

Scalar: TypeAlias = "str | int | float | bool | None"


class Dialect(StrEnum):
    """Whose rules decide what a plain scalar means."""

    KUBECTL = "kubectl"
    KUSTOMIZE = "kustomize"


class ScalarError(ValueError):
    """A scalar that cannot be a value of a Kubernetes object; the text says why and never quotes the scalar."""


class Resolved(NamedTuple):
    """The value of a plain scalar; `fix` is "" or how to write it so that every reader agrees."""

    value: Scalar
    fix: str


HINTS: Final = "yYnNtTfFoO~+-.0123456789"
"""The first characters of all plain scalars that may be something other than text; empty text is a hint of its own."""

_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_YES: Final = frozenset({"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"})
_NO: Final = frozenset({"n", "N", "no", "No", "NO", "off", "Off", "OFF"})
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_NOT_JSON: Final = re.compile(r"[+-]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")

_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_POINT_FIRST: Final = re.compile(r"\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9](?:_?[0-9])*)?")
_INTEGER: Final = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[oO]?([0-7]+)|0[bB]([01]+)|(0|[1-9][0-9]*))")
_SIGN_INSIDE: Final = re.compile(r"0(?:b([-+][01]+)|o([-+][0-7]+))")
_CORE_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_MOST_DIGITS: Final = 80
"""More than any 64-bit integer has in any base, leading zeros aside."""

_CACHED_LENGTH: Final = 128


def resolve_plain(text: str, dialect: Dialect) -> Resolved:
    """Return the value of an untagged plain scalar. Raises ScalarError for what JSON cannot hold."""
    if len(text) > _CACHED_LENGTH:
        return _resolve(text, dialect)
    return _resolve_cached(text, dialect)


def resolve_tagged(tag: str, text: str, dialect: Dialect) -> Scalar:
    """Return the value of a scalar with one of YAML's own tags. Raises ScalarError for other tags and misfits."""
    match tag.removeprefix("tag:yaml.org,2002:"):
        case "str":
            return text
        case "binary":
            return _decode_binary(text)
        case "timestamp" if rfc3339(text) is not None:
            return _value_of(text, dialect)
        case "null" | "bool" | "int" | "float" as kind:
            return _of_kind(kind, text, dialect)
        case "timestamp":
            raise ScalarError("the text does not fit its tag !!timestamp")
    raise ScalarError("this tag is not known; Kubernetes objects need none")


def key_text(value: Scalar, dialect: Dialect) -> str:
    """Return what a key that is not text becomes. Raises ScalarError where the dialect has no answer.

    kubectl turns booleans and numbers into text; kustomize fails on them.
    """
    if isinstance(value, str):
        return value
    if value is None:
        raise ScalarError("a key must not be null; quote it")
    if dialect is Dialect.KUSTOMIZE:
        raise ScalarError("a key must be text here; quote it")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else _short_float(value)


def is_text(text: str) -> bool:
    """Return whether an unquoted text is text to both dialects."""
    try:
        return isinstance(_value_of(text, Dialect.KUBECTL), str) and rfc3339(text) is None
    except ScalarError:
        return False


@lru_cache(maxsize=16_384)
def _resolve_cached(text: str, dialect: Dialect) -> Resolved:
    return _resolve(text, dialect)


def _resolve(text: str, dialect: Dialect) -> Resolved:
    value = _value_of(text, dialect)
    return Resolved(value, _fix(text, value, dialect))


def _value_of(text: str, dialect: Dialect) -> Scalar:
    if text in _NULL:
        return None
    if text in _TRUE or (text in _YES and dialect is Dialect.KUBECTL):
        return True
    if text in _FALSE or (text in _NO and dialect is Dialect.KUBECTL):
        return False
    if text[0] not in "+-.0123456789":
        return text
    if _NOT_JSON.fullmatch(text):
        raise ScalarError("infinity and not-a-number do not exist in Kubernetes objects; quote it if it is text")
    date = rfc3339(text)
    if date is not None:
        return date if dialect is Dialect.KUSTOMIZE else text
    number = _number(text, dialect)
    return text if number is None else number


def _number(text: str, dialect: Dialect) -> int | float | None:
    plain = text.replace("_", "")
    if text[0] == ".":
        return _float(plain, dialect) if _POINT_FIRST.fullmatch(text) else None
    integer = _integer(plain, dialect)
    if integer is None:
        return _float(plain, dialect)
    if -(1 << 63) <= integer < 1 << 63:
        return integer
    if 0 <= integer < 1 << 64:
        # kubectl's JSON decoder has int64 and float64 only.
        return float(integer) if dialect is Dialect.KUBECTL else integer
    if not _FLOAT.fullmatch(plain):
        # Too many digits after 0x, 0o or 0b: Go takes it for text.
        return None
    raise ScalarError("the integer does not fit in 64 bits; quote it if it is text")


def _integer(plain: str, dialect: Dialect) -> int | None:
    found = _INTEGER.fullmatch(plain)
    if found is None:
        return _sign_inside(plain, dialect)
    sign, hexadecimal, octal, binary, decimal = found.groups()
    digits, base = next(
        (digits, base)
        for digits, base in ((hexadecimal, 16), (octal, 8), (binary, 2), (decimal, 10))
        if digits is not None
    )
    digits = digits.lstrip("0") or "0"
    if len(digits) > _MOST_DIGITS:
        return int(f"{sign}{1 << 65}")
    return int(sign + digits, base)


def _sign_inside(plain: str, dialect: Dialect) -> int | None:
    """Return the value of `0b-1` (and `0o-7` for kustomize), which Go's yaml package takes for a number."""
    found = _SIGN_INSIDE.fullmatch(plain)
    if found is None or len(plain) > _MOST_DIGITS:
        return None
    binary, octal = found.groups()
    if binary is not None:
        return int(binary, 2)
    return int(octal, 8) if dialect is Dialect.KUSTOMIZE else None


def _float(plain: str, dialect: Dialect) -> int | float | None:
    """Return the number, an int where it has no fraction and fits the dialect's integers; None where it is text."""
    if not _FLOAT.fullmatch(plain):
        return None
    number = float(plain)
    if math.isinf(number):
        return None
    whole = whole_number(number)
    if whole is None or (whole >= 1 << 63 and dialect is Dialect.KUBECTL):
        return number
    return whole


def _short_float(number: float) -> str:
    """Return a float key as kubectl writes it: the shortest digits that a 32-bit float needs."""
    for digits in range(1, 10):
        text = f"{number:.{digits}g}"
        if _as_float32(float(text)) == _as_float32(number):
            return text
    return f"{number:.9g}"


def _as_float32(number: float) -> bytes:
    return struct.pack("<f", number)


def _decode_binary(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode("utf-8")
    except ValueError:
        raise ScalarError("!!binary must be base64 of UTF-8 text; write the base64 as plain text instead") from None


def _of_kind(kind: str, text: str, dialect: Dialect) -> Scalar:
    value = _value_of(text, dialect)
    kinds: dict[str, tuple[type, ...]] = {"null": (type(None),), "bool": (bool,), "int": (int,), "float": (int, float)}
    wanted = kinds[kind]
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind != "bool"):
        raise ScalarError(f"the text does not fit its tag !!{kind}")
    if kind == "int" and _integer(text.replace("_", ""), dialect) is None:
        raise ScalarError("the text does not fit its tag !!int")
    return value


def _fix(text: str, value: Scalar, dialect: Dialect) -> str:
    """Return how to write an ambiguous scalar: quoted for the text, or as what this dialect reads."""
    other = Dialect.KUSTOMIZE if dialect is Dialect.KUBECTL else Dialect.KUBECTL
    if _same(value, _value_of(text, other)) and _same(value, _core_value(text)):
        return ""
    quoted = f'"{text}"'
    if isinstance(value, str):
        return quoted
    return f"{quoted} for the text, {_json_word(value)} for the value"


def _core_value(text: str) -> Scalar:
    """Return what YAML 1.2's core schema reads (infinities never get here)."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _CORE_INTEGER.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        digits = text[2:] if base != 10 else text.lstrip("+-")
        digits = digits.lstrip("0") or "0"
        sign = -1 if text[0] == "-" else 1
        return sign * int(digits, base) if len(digits) <= _MOST_DIGITS else text
    if _FLOAT.fullmatch(text) and not math.isinf(float(text)):
        return float(text)
    return text


def _same(one: Scalar, other: Scalar) -> bool:
    numbers = not isinstance(one, bool) and not isinstance(other, bool)
    if numbers and isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return float(one) == float(other)
    return type(one) is type(other) and one == other


def _json_word(value: Scalar) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
