"""How single values and fields are written in a text report."""

from __future__ import annotations

import json

from gitops_push.core.fielddiff import ABSENT, FieldChange, FieldOwner, Shown
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.plan import YieldedField
from gitops_push.core.redaction import Masked
from gitops_push.core.textdiff import TextDiff, text_diff
from gitops_push.reports.folding import folded, folded_lines, folded_pair
from gitops_push.reports.json_layout import json_lines
from gitops_push.reports.lines import counted

_SHORT = 60
_LONG = 200
_POD_TEMPLATE = "spec.template.spec."


def show_value(value: Shown, most: int = _LONG) -> str:
    """Return a value on one line, JSON-like; plain words without quotes; folded to about `most` characters."""
    return folded(_whole(value), most)


def show_pair(before: Shown, after: Shown, most: int = _LONG) -> tuple[str, str]:
    """Return two values on one line each, folded so that they can be told apart."""
    return folded_pair(_whole(before), _whole(after), most)


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


def before_after(change: FieldChange, most: int = _LONG) -> str:
    """Return `2 -> 3`, `removed (was x)`, or `set to x`; of texts of many lines it says how many lines differ."""
    texts = line_texts(change)
    if texts is not None and not _is_new_container(change):
        return _line_counts(change, text_diff(*texts))
    if change.after is ABSENT:
        return f"removed (was {show_value(change.before, most)})"
    if change.before is ABSENT:
        return f"set to {show_value(change.after, most)}"
    return " -> ".join(show_pair(change.before, change.after, most))


def detail_lines(change: FieldChange) -> tuple[str, ...]:
    """Return the lines that show one field in full: one line, or a unified diff of what has many lines."""
    path = format_field_path(change.path)
    texts = line_texts(change)
    if texts is None:
        return (f"{path}: {before_after(change)}",)
    diff = text_diff(*texts)
    return (f"{path}: {_line_counts(change, diff)}", *(f"  {line}" for line in folded_lines(diff.lines, _LONG)))


def line_texts(change: FieldChange) -> tuple[str, str] | None:
    """Return both sides as texts to compare line by line, or None for what is better read on one line.

    That is so for texts of several lines, for long JSON in texts, and for long lists and maps. A side that is not there
    is an empty text. A secret value is never one: only its tag is shown.
    """
    before, after = change.before, change.after
    sides = [side for side in (before, after) if side is not ABSENT]
    if all(isinstance(side, (list, dict)) for side in sides):
        long = any(len(_whole(side)) > _LONG for side in sides)
        return (_indented(before), _indented(after)) if long else None
    if not all(isinstance(side, str) for side in sides):
        return None
    old, new = (side if isinstance(side, str) else "" for side in (before, after))
    return _json_pair(old, new) or ((old, new) if "\n" in old or "\n" in new else None)


def describe_owner(owner: FieldOwner) -> str:
    """Return `"kubectl-edit" (Update, 2026-11-20 10:41:00Z)`; the server keeps no time for the scale subresource."""
    how = f"{owner.operation} of {owner.subresource}" if owner.subresource else owner.operation
    at = f"{owner.at:%Y-%m-%d %H:%M:%S}Z" if owner.at else "time not recorded"
    return f'"{owner.manager}" ({how}, {at})'


def describe_yield(left: YieldedField) -> str:
    """Return `yields spec.replicas (5) to kube-controller-manager for HorizontalPodAutoscaler web`."""
    field, owner = left.field, left.field.owner
    what = f"yields {format_field_path(field.path).removeprefix(_POD_TEMPLATE)} ({show_value(left.live, _SHORT)}) to"
    if owner is None:
        return f"{what} {field.autoscaler}"
    return f"{what} {owner.manager}" + (f" for {field.autoscaler}" if field.autoscaler else "")


def _is_new_container(change: FieldChange) -> bool:
    """Of a new list or map the beginning says more than its number of lines."""
    before, after = change.before, change.after
    return (before is ABSENT and not isinstance(after, str)) or (after is ABSENT and not isinstance(before, str))


def _whole(value: Shown) -> str:
    if value is ABSENT:
        return "(not set)"
    if isinstance(value, Masked):
        return str(value)
    if isinstance(value, str) and value and value.isprintable() and not _reads_as_other(value):
        return value
    return json.dumps(value, ensure_ascii=False, default=str, separators=(", ", ": "))


def _reads_as_other(text: str) -> bool:
    """A text that would read as a number, a boolean or nothing is quoted, so that 1 and "1" differ on the screen."""
    if text != text.strip() or text in {"true", "false", "null", "~"}:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


def _indented(value: Shown) -> str:
    if value is ABSENT:
        return ""
    return json.dumps(value, ensure_ascii=False, default=str, indent=2, sort_keys=True) + "\n"


def _json_pair(before: str, after: str) -> tuple[str, str] | None:
    """Return both sides laid out if both are JSON, one is long, and more than their layout differs."""
    if max(len(before), len(after)) <= _SHORT:
        return None
    old, new = (json_lines(side) if side else "" for side in (before, after))
    return None if old is None or new is None or old == new else (f"{old}\n", f"{new}\n")


def _line_counts(change: FieldChange, diff: TextDiff) -> str:
    """Return `2 lines added, 1 removed`, or of a text that is new or gone how many lines it has."""
    if change.before is ABSENT:
        return f"set to {counted(diff.added, 'line')}"
    if change.after is ABSENT:
        return f"removed ({counted(diff.removed, 'line')})"
    parts = [(diff.added, "added"), (diff.removed, "removed")]
    first, *rest = [(number, what) for number, what in parts if number]
    return ", ".join([f"{counted(first[0], 'line')} {first[1]}", *(f"{number} {what}" for number, what in rest)])
