"""Document trees that know where each value came from.

A parsed document is plain data: mappings are `Fields` (a dict), sequences are `Items` (a list), scalars are str, int,
float, bool or None. The two containers also carry the origin of every value they hold, so that origins travel with the
data through merges and moves. Equality, iteration and JSON encoding are those of dict and list.

A mark is either a packed position in the container's own file (an int: cheap, what the reader makes) or a whole
`Origin` (what a transformer sets). Containers made by hand may have no marks: then the container's own place holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from gitops_push.core.origin import Origin

Mark: TypeAlias = int | Origin
Node: TypeAlias = Any
"""A `Fields`, an `Items`, or a scalar."""

Placed: TypeAlias = "tuple[tuple[str | int, ...], Node, Origin | None]"
"""The path of a value, the value, and its place."""

_COLUMN_BITS: Final = 12
_COLUMN_MASK: Final = (1 << _COLUMN_BITS) - 1


def pack_position(line: int, column: int) -> int:
    """Return a mark for a position counted from 1; columns beyond 4,095 are cut to it."""
    return line << _COLUMN_BITS | min(column, _COLUMN_MASK)


def unpack_position(mark: int) -> tuple[int, int]:
    """Return (line, column) of a packed mark."""
    return mark >> _COLUMN_BITS, mark & _COLUMN_MASK


class NonTextKey(str):
    """A key that was written as a number, a boolean or null, as it was written. It cannot be sent to a server."""

    __slots__ = ()


class Fields(dict[str, Any]):
    """A mapping of a document. `marks` holds the place of each value by key; `start` the place of the mapping.

    `key_marks` holds the places of the keys, for messages about a field's name; it is None for a mapping made by hand,
    and for the objects of a kustomization, which are many.
    """

    __slots__ = ("file", "key_marks", "marks", "start")

    def __init__(self, items: Any = (), *, file: str = "", start: Mark = 0) -> None:
        if items:
            super().__init__(items)
        self.file = file
        self.start: Mark = start
        self.marks: dict[str, Mark] = {}
        self.key_marks: dict[str, Mark] | None = None


class Items(list[Any]):
    """A sequence of a document. `marks` holds the place of each item, in step with the list; `start` its own place."""

    __slots__ = ("file", "marks", "start")

    def __init__(self, items: Iterable[Any] = (), *, file: str = "", start: Mark = 0) -> None:
        if items != ():
            super().__init__(items)
        self.file = file
        self.start: Mark = start
        self.marks: list[Mark] = []


def as_origin(mark: Mark, file: str) -> Origin:
    """Return the mark as an `Origin`, reading a packed position as one of `file`."""
    if isinstance(mark, Origin):
        return mark
    return Origin(file, *unpack_position(mark))


def start_of(node: Node) -> Origin | None:
    """Return the place where a container begins, or None for a scalar or an unmarked container."""
    if isinstance(node, (Fields, Items)) and (node.file or isinstance(node.start, Origin)):
        return as_origin(node.start, node.file)
    return None


def origin_at(root: Node, path: Sequence[str | int]) -> Origin | None:
    """Return the place of the value at `path` (keys and indexes), or that of its nearest ancestor with one.

    Where `path` leaves the tree the last place on the way is returned: an error about a missing field points at the
    mapping that lacks it.
    """
    found = start_of(root)
    node = root
    for step in path:
        found = _place_in(node, step, found)
        child = _child(node, step)
        if child is None:
            return found
        node = child
    return found


def origins(root: Node) -> Iterator[Placed]:
    """Yield path, value and place of every scalar and every empty container, as `origin_at` has it, in one pass."""
    yield from _origins(root, (), start_of(root))


def _origins(node: Node, path: tuple[str | int, ...], above: Origin | None) -> Iterator[Placed]:
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from _origins(value, (*path, key), _place_in(node, key, above))
    elif isinstance(node, list) and node:
        for index, value in enumerate(node):
            yield from _origins(value, (*path, index), _place_in(node, index, above))
    else:
        yield path, node, above


def _place_in(node: Node, step: str | int, above: Origin | None) -> Origin | None:
    mark = _mark_of(node, step)
    return above if mark is None else _below(as_origin(mark, node.file), above)


def _below(place: Origin, above: Origin | None) -> Origin:
    """Return the place of what a step set with all that is around it: what that replaced, the value replaced, too."""
    if above is None or not above.trail or place.trail or (place.step, place.file) != (above.step, above.file):
        return place
    return Origin(place.file, place.line, place.column, place.step, above.trail)


def put(fields: Fields, key: str, value: Node, origin: Origin) -> None:
    """Set a value and its origin; the place of the value it replaces joins the origin's trail. Changes `fields`."""
    earlier = fields.marks.get(key) if key in fields else None
    fields[key] = value
    fields.marks[key] = origin.after(None if earlier is None else as_origin(earlier, fields.file))


def remove(fields: Fields, key: str) -> None:
    """Remove a key and its mark, if it is there. Changes `fields`."""
    fields.pop(key, None)
    fields.marks.pop(key, None)


def copy_tree(node: Node) -> Node:
    """Return a deep copy with all places kept. Iterates over depth only by recursion bounded by the reader's budget."""
    if isinstance(node, Fields):
        fields = Fields(file=node.file, start=node.start)
        for key, value in node.items():
            fields[key] = copy_tree(value) if isinstance(value, (dict, list)) else value
        fields.marks = node.marks.copy()
        fields.key_marks = node.key_marks
        return fields
    if isinstance(node, Items):
        items = Items(
            (copy_tree(value) if isinstance(value, (dict, list)) else value for value in node),
            file=node.file,
            start=node.start,
        )
        items.marks = node.marks.copy()
        return items
    if isinstance(node, dict):
        return {key: copy_tree(value) for key, value in node.items()}
    if isinstance(node, list):
        return [copy_tree(value) for value in node]
    return node


def _mark_of(node: Node, step: str | int) -> Mark | None:
    if isinstance(node, Fields) and isinstance(step, str):
        return node.marks.get(step)
    if isinstance(node, Items) and isinstance(step, int) and 0 <= step < len(node.marks):
        return node.marks[step]
    return None


def _child(node: Node, step: str | int) -> Node:
    if isinstance(node, dict):
        return node.get(step)
    if isinstance(node, list) and isinstance(step, int) and 0 <= step < len(node):
        return node[step]
    return None
