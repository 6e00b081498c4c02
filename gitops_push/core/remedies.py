"""What to do where the server refuses an object for what its live managedFields hold."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any, Final

from gitops_push.core.fielddiff import ABSENT, FieldOwner, shape_of
from gitops_push.core.fieldpath import FieldPath, ItemKey, format_field_path, value_at
from gitops_push.core.managed_fields import manager_entries
from gitops_push.core.objects import Body, ObjectRef

_GONE_VERSION: Final = re.compile(r"convert CR (?:to|from) an invalid group/version: (\S+)")


def kept_item_remedy(path: FieldPath, sent: Body, live: Body) -> str | None:
    """Return what to do about a value that is there twice, as another manager keeps an item that we gave up.

    So it is with a port that gets another number under the same name (kubernetes#131147).
    """
    for owner, item in _kept_items(path, sent, live):
        return (
            f'{format_field_path(item)} stays beside it, because "{owner.manager}" ({owner.operation}) set it, too: '
            "let that manager give it up, or give the new item another name"
        )
    return None


def gone_version_remedy(message: str, ref: ObjectRef, resource: str, live: Body) -> str | None:
    """Return how to rewrite managedFields of a version that the definition has no more.

    The server can neither read nor convert them, and refuses every apply (tried on a real API server).
    """
    found = _GONE_VERSION.search(message)
    if found is None:
        return None
    entries = enumerate((live.get("metadata") or {}).get("managedFields") or ())
    patch = [
        {"op": "replace", "path": f"/metadata/managedFields/{index}/apiVersion", "value": live.get("apiVersion")}
        for index, entry in entries
        if entry.get("apiVersion") == found[1]
    ]
    place = ["-n", ref.namespace] if ref.namespace else []
    command = ["kubectl", "patch", f"{resource}.{ref.group}", ref.name, *place, "--type=json", "-p", json.dumps(patch)]
    said = f"its managedFields are of {found[1]}, which its definition has no more; rewrite them once:"
    return f"{said}\n{shlex.join(command)}" if patch else None


def _kept_items(path: FieldPath, sent: Body, live: Body) -> Iterator[tuple[FieldOwner, FieldPath]]:
    """Yield items of the list around `path` that are not ours any more, with who else set them."""
    around = _list_around(path)
    for entry in manager_entries(live):
        for held in () if entry.is_ours else sorted(entry.paths(), key=_text):
            is_item = isinstance(held[-1], ItemKey) and shape_of(held) == around
            if is_item and value_at(held, live, ABSENT) is not ABSENT and value_at(held, sent, ABSENT) is ABSENT:
                yield entry.owner, held


def _list_around(path: FieldPath) -> tuple[str, ...]:
    items = [i for i, segment in enumerate(path) if not isinstance(segment, str)]
    return shape_of(path[: items[-1]]) if items else ()


def _text(path: FieldPath) -> tuple[Any, ...]:
    return tuple(map(str, path))
