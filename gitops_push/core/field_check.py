"""A check of one field of a live object: what its value says about health."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gitops_push.core.fieldpath import ItemKey, format_field_path


@dataclass(frozen=True, slots=True)
class FieldCheck:
    """What the values of a field mean. Values are globs; `*` is any that is there, and a filled list or map is `set`.

    A value that is in no list is progressing where there is a `ready` list, else ready.
    """

    field: str
    ready: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    progressing: tuple[str, ...] = ()
    suspended: tuple[str, ...] = ()


def condition_check(
    name: str, ready: Iterable[str] = ("True",), failed: Iterable[str] = (), progressing: Iterable[str] = ()
) -> FieldCheck:
    """Return the check of the condition of that type, by its status."""
    field = format_field_path(("status", "conditions", ItemKey((("type", name),)), "status"))
    return FieldCheck(field, tuple(ready), tuple(failed), tuple(progressing))
