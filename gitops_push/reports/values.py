"""How single values and fields are written in a text report."""

from __future__ import annotations

import json

from gitops_push.core.fielddiff import ABSENT, FieldChange, FieldOwner, Shown
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.redaction import Masked
from gitops_push.core.textdiff import line_diff

_SHORT = 60
_POD_TEMPLATE = "spec.template.spec."


def show_value(value: Shown, most: int = 200) -> str:
    """Return a value on one line, JSON-like; plain words without quotes; cut to `most` characters."""
    if value is ABSENT:
        return "(not set)"
    if isinstance(value, Masked):
        return str(value)
    if isinstance(value, str) and value and value.isprintable() and not _reads_as_other(value):
        text = value
    else:
        text = json.dumps(value, ensure_ascii=False, default=str, separators=(", ", ": "))
    return text if len(text) <= most else text[: most - 1] + "…"


def short_path(change: FieldChange) -> str:
    """Return the field's path without the pod template's prefix, for a one-line summary."""
    return format_field_path(change.path).removeprefix(_POD_TEMPLATE)


def summarize_fields(fields: tuple[FieldChange, ...], most: int = 3) -> str:
    """Return `spec.replicas 2 -> 3; containers[name=web].image a:1 -> a:2`, and how many more there are."""
    shown = "; ".join(f"{short_path(change)} {_brief(change)}" for change in fields[:most])
    more = len(fields) - most
    return f"{shown}; and {more} more" if more > 0 else shown


def _brief(change: FieldChange) -> str:
    """Of an image that only changes its tag, show the tags: `1.4.0 -> 1.5.0`."""
    before, after = change.before, change.after
    if change.path[-1:] == ("image",) and isinstance(before, str) and isinstance(after, str):
        (name, _, tag), (new_name, _, new_tag) = before.rpartition(":"), after.rpartition(":")
        if name == new_name and name and "/" not in tag + new_tag:
            return f"{tag} -> {new_tag}"
    return before_after(change, _SHORT)


def before_after(change: FieldChange, most: int = 200) -> str:
    """Return `2 -> 3`, `removed (was x)`, or `set to x`; a long text says how many lines differ instead."""
    if is_text_pair(change):
        added, gone = _line_counts(change)
        return f"(text: {added} lines added, {gone} removed)"
    if change.after is ABSENT:
        return f"removed (was {show_value(change.before, most)})"
    if change.before is ABSENT:
        return f"set to {show_value(change.after, most)}"
    return f"{show_value(change.before, most)} -> {show_value(change.after, most)}"


def detail_lines(change: FieldChange) -> tuple[str, ...]:
    """Return the lines that show one field in full: one line, or a unified diff for texts of several lines."""
    path = format_field_path(change.path)
    if is_text_pair(change):
        return (f"{path}:", *(f"  {line}" for line in line_diff(str(change.before), str(change.after))))
    return (f"{path}: {before_after(change)}",)


def is_text_pair(change: FieldChange) -> bool:
    """Return whether both sides are texts and one has several lines."""
    before, after = change.before, change.after
    return isinstance(before, str) and isinstance(after, str) and ("\n" in before or "\n" in after)


def describe_owner(owner: FieldOwner) -> str:
    """Return `"kubectl-edit" (Update, 2026-11-20 10:41:00Z)`; the server keeps no time for the scale subresource."""
    how = f"{owner.operation} of {owner.subresource}" if owner.subresource else owner.operation
    at = f"{owner.at:%Y-%m-%d %H:%M:%S}Z" if owner.at else "time not recorded"
    return f'"{owner.manager}" ({how}, {at})'


def _reads_as_other(text: str) -> bool:
    """A text that would read as a number, a boolean or nothing is quoted, so that 1 and "1" differ on the screen."""
    if text != text.strip() or text in {"true", "false", "null", "~"}:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


def _line_counts(change: FieldChange) -> tuple[int, int]:
    lines = line_diff(str(change.before), str(change.after), 0)
    return sum(line.startswith("+") for line in lines), sum(line.startswith("-") for line in lines)
