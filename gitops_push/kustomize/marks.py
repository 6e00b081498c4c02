"""Places of values in containers: reading them, setting them, and moving values together with their places."""

from __future__ import annotations

from collections.abc import Iterable

from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items, Mark, Node, as_origin, put

Container = Fields | Items
Entry = tuple[Node, Mark]
"""A value with its place, on its way from one sequence into another."""


def place_of(container: Container, key: str | int) -> Origin | None:
    """Return the place of a value in its container, None if it is not known."""
    mark: Mark | None
    if isinstance(container, Fields):
        mark = container.marks.get(str(key))
    else:
        index = int(key)
        mark = container.marks[index] if index < len(container.marks) else None
    return None if mark is None else as_origin(mark, container.file)


def set_at(container: Container, key: str | int, value: Node, origin: Origin) -> None:
    """Set a value that is in a container already, or a new key; the place it had joins the trail."""
    if isinstance(container, Fields):
        put(container, key if isinstance(key, str) else str(key), value, origin)
        return
    index = int(key)
    earlier = place_of(container, index)
    missing = len(container) - len(container.marks)
    container.marks.extend([container.start] * missing)
    container[index] = value
    container.marks[index] = origin.after(earlier)


def entries_of(items: Items) -> list[Entry]:
    """Return the items with their places, valid in any file."""
    return [(item, place_of(items, index) or items.start) for index, item in enumerate(items)]


def replace_entries(items: Items, entries: Iterable[Entry]) -> None:
    """Make these the items of the sequence."""
    pairs = list(entries)
    items[:] = [value for value, _ in pairs]
    items.marks = [mark for _, mark in pairs]


def with_step(origin: Origin | None, step: str, fallback: Origin) -> Origin:
    """Return the place with the name of the step that sets the value, unless it names one; else `fallback`."""
    if origin is None:
        return fallback
    if origin.step:
        return origin
    return Origin(origin.file, origin.line, origin.column, step, origin.trail)
