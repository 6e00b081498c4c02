"""Expands `$(NAME)` in a text; `$$` is a dollar, and what is no known name stays as it is (api/filters/refvar)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from gitops_push.core.origin import Origin
from gitops_push.documents.budgets import DEFAULT_BUDGET, Usage
from gitops_push.documents.numbers import go_yaml_float
from gitops_push.kustomize.replacements.budget import spend_text, too_long

Primitive: TypeAlias = str | int | float | bool

_REFERENCE: Final = re.compile(r"\$(?:\$|\(([^)]*)\))")


def expanded(
    text: str, values: Mapping[str, Primitive], usage: Usage, origin: Origin
) -> tuple[Primitive, tuple[str, ...]]:
    """Return the expanded text, and the names that it used. A text that is one reference becomes the value, as it is.

    Raises `BuildError` at `origin` before the text would get longer than the budget of the build allows.
    """
    whole = _REFERENCE.fullmatch(text)
    if whole and whole[1] in values:
        value = values[whole[1]]
        if isinstance(value, str):
            spend_text(value, usage, origin)
        return value, (whole[1],)
    parts, names, length, position = [], [], 0, 0
    for found in _REFERENCE.finditer(text):
        parts += [text[position : found.start()], _replaced(found, values)]
        position = found.end()
        length += len(parts[-1])
        if found[1] in values:
            names.append(found[1])
        if length > DEFAULT_BUDGET.file_bytes:
            raise too_long(origin)
    result = "".join((*parts, text[position:]))
    spend_text(result, usage, origin)
    return result, tuple(names)


def _replaced(found: re.Match[str], values: Mapping[str, Primitive]) -> str:
    if found[1] is None:
        return "$"
    return _text(values[found[1]]) if found[1] in values else found[0]


def _text(value: Primitive) -> str:
    """Return a value within a text, as Go's `%v` prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _short_float(value)
    return str(value)


def _short_float(value: float) -> str:
    """Return the shortest digits, with an exponent below -4 and from 21 on."""
    power = Decimal(repr(value)).adjusted() if value else 0
    if -4 <= power < 21:
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    return go_yaml_float(value)
