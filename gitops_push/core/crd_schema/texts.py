"""Whether texts have the length, the pattern and the format that a schema asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gitops_push.core.crd_schema.formats import FORMATS
from gitops_push.core.crd_schema.schema import Schema, number_at, text_at, types_of
from gitops_push.core.go_regex import UnknownSyntaxError, go_search

_LONGEST_MATCHED: Final = 10_000
"""A longer text is not matched: the time is that of its length times that of the pattern."""


def has_text_format(schema: Schema) -> bool:
    """Return whether the schema names a format of texts; formats that servers do not know are none."""
    return types_of(schema) in {(), ("string",), ("integer", "string")} and _format_of(schema) in FORMATS


def text_faults(value: str, schema: Schema) -> Iterator[str]:
    """Yield what is wrong with a text; lengths are counted in characters."""
    least, most = number_at(schema, "minLength"), number_at(schema, "maxLength")
    if most is not None and len(value) > most:
        yield f"must be no longer than {most} characters, and has {len(value)}"
    elif least is not None and len(value) < least:
        yield f"must be at least {least} characters long, and has {len(value)}"
    pattern = text_at(schema, "pattern")
    if pattern and is_checkable(pattern, value) and not go_search(pattern, value):
        yield f"must match {pattern!r}"
    if has_text_format(schema) and not FORMATS[_format_of(schema)](value):
        yield f"must be a valid {text_at(schema, 'format')}"


def is_checkable(pattern: str, value: str) -> bool:
    """Return whether a text can be matched with a pattern."""
    try:
        go_search(pattern, "")
    except UnknownSyntaxError:
        return False
    return len(value) <= _LONGEST_MATCHED


def _format_of(schema: Schema) -> str:
    return text_at(schema, "format").replace("-", "")
