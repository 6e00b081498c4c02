"""Where an object comes from, as comment lines above it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gitops_push.core.fieldpath import FieldPath, format_field_path
from gitops_push.core.objects import Manifest
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items, Mark


def origin_comments(manifest: Manifest) -> tuple[str, ...]:
    """Return `from FILE:LINE`, then a line for every value that a step of the build set elsewhere."""
    lines = [f"from {manifest.origin}"]
    for path, origin in set_values(manifest.body):
        if str(origin) == str(manifest.origin):
            continue
        by = f" ({origin.step})" if origin.step else ""
        earlier = [str(place) for place in origin.trail if str(place) != str(origin)]
        before = f", before at {earlier[-1]}" if earlier else ""
        lines.append(f"  {format_field_path(path)}: {origin}{by}{before}")
    return tuple(line.replace("\n", " ").replace("\r", " ") for line in lines)


def set_values(node: Any, path: FieldPath = ()) -> Iterator[tuple[FieldPath, Origin]]:
    """Yield (path, origin) of every scalar that a step of the build set, in the order of the object."""
    for key, value, mark in _children(node):
        here = (*path, key)
        if isinstance(value, (dict, list)) and value:
            yield from set_values(value, here)
        elif isinstance(mark, Origin) and (mark.step or mark.trail):
            yield here, mark


def _children(node: Any) -> Iterator[tuple[str | int, Any, Mark | None]]:
    if isinstance(node, Fields):
        yield from ((key, value, node.marks.get(key)) for key, value in node.items())
    elif isinstance(node, Items):
        marks = [*node.marks, *[None] * (len(node) - len(node.marks))]
        yield from ((index, value, mark) for index, (value, mark) in enumerate(zip(node, marks, strict=False)))
