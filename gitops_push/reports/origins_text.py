"""Where an object comes from, as comment lines above it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gitops_push.core.objects import Manifest
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items, as_origin


def origin_comments(manifest: Manifest) -> tuple[str, ...]:
    """Return `from FILE:LINE`, then a line for every field that something later than that file set."""
    lines = [f"from {manifest.origin}"]
    for path, origin in changed_fields(manifest.body):
        by = f" ({origin.step})" if origin.step else ""
        before = f", before at {origin.trail[-1]}" if origin.trail else ""
        lines.append(f"  {path}: {origin}{by}{before}")
    return tuple(line.replace("\n", " ").replace("\r", " ") for line in lines)


def changed_fields(node: Any, path: str = "") -> Iterator[tuple[str, Origin]]:
    """Yield (path, origin) of every value that a step of the build set, in the order of the object."""
    if isinstance(node, Fields):
        for key, value in node.items():
            mark = node.marks.get(key)
            here = f"{path}.{key}" if path else key
            if isinstance(mark, Origin) and (mark.step or mark.trail):
                yield here, mark
            yield from changed_fields(value, here)
    elif isinstance(node, Items):
        for index, value in enumerate(node):
            mark = node.marks[index] if index < len(node.marks) else 0
            here = f"{path}[{index}]"
            if isinstance(mark, Origin) and (mark.step or mark.trail):
                yield here, as_origin(mark, node.file)
            yield from changed_fields(value, here)
