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
    """Return the items with their places, which are valid within the same sequence."""
    marks = items.marks
    if len(marks) < len(items):
        marks = [*marks, *[items.start] * (len(items) - len(marks))]
    return list(zip(items, marks, strict=True))


def replace_entries(items: Items, entries: Iterable[Entry]) -> None:
    """Make these the items of the sequence."""
    pairs = list(entries)
    items[:] = [value for value, _ in pairs]
    items.marks = [mark for _, mark in pairs]


def note_step(node: Node, step: str) -> None:
    """Name the step that sets whatever is in the tree, as a patch does. Changes the marks of the tree."""
    if not isinstance(node, (Fields, Items)):
        return
    node.start = as_origin(node.start, node.file).by(step)
    if isinstance(node, Fields):
        node.marks = {key: as_origin(mark, node.file).by(step) for key, mark in node.marks.items()}
    else:
        node.marks = [as_origin(mark, node.file).by(step) for mark in node.marks]
    for value in node.values() if isinstance(node, Fields) else node:
        note_step(value, step)


def with_step(origin: Origin | None, step: str, fallback: Origin) -> Origin:
    """Return the place with the name of the step that sets the value, unless it names one; else `fallback`."""
    if origin is None:
        return fallback
    if origin.step:
        return origin
    return origin.by(step)
