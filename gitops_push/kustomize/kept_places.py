"""Keeps the places of values that went through a program unchanged: they still come from the line that wrote them."""

from __future__ import annotations

from gitops_push.core.tree import Fields, Items, Mark, Node, as_origin


def keep_places(old: Node, new: Node) -> None:
    """Give each value of `new` that stands at the same place in `old`, and is the same, the place it has there."""
    if isinstance(old, Fields) and isinstance(new, Fields):
        new.start = _whole(old.start, old.file)
        for key, value in new.items():
            if key in old and _is_kept(old[key], value) and key in old.marks:
                new.marks[key] = _whole(old.marks[key], old.file)
            keep_places(old.get(key), value)
    if isinstance(old, Items) and isinstance(new, Items):
        new.start = _whole(old.start, old.file)
        for index, (before, value) in enumerate(zip(old, new, strict=False)):
            if _is_kept(before, value) and index < min(len(old.marks), len(new.marks)):
                new.marks[index] = _whole(old.marks[index], old.file)
            keep_places(before, value)


def _is_kept(before: Node, value: Node) -> bool:
    """Return whether a scalar is the same, or a container still one of its kind."""
    if isinstance(before, (Fields, Items)):
        return type(before) is type(value)
    return type(before) is type(value) and bool(before == value)


def _whole(mark: Mark, file: str) -> Mark:
    """Return a mark that is valid in any file."""
    return as_origin(mark, file) if mark else mark
