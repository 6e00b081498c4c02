"""Places in trees, and finding the one that a path names (kyaml's PathGetter)."""

from __future__ import annotations

from typing import NamedTuple

from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items, Node
from gitops_push.kustomize.marks import Container, place_of
from gitops_push.kustomize.replacements.paths import index_of, is_list_selector, split_list_selector
from gitops_push.kustomize.resource import text_of
from gitops_push.kustomize.written import WrittenText

_AS_WRITTEN = frozenset({"", "patch"})


class PathError(Exception):
    """A path that does not fit the tree it is followed in; the text says why."""


class Place(NamedTuple):
    """A value by the container that holds it, so that it can be read again after changes, and set."""

    container: Container
    key: str | int

    @property
    def value(self) -> Node:
        """Return the value that is there now."""
        return self.container[self.key]  # type: ignore[index]

    @property
    def origin(self) -> Origin | None:
        """Return where the value comes from."""
        return place_of(self.container, self.key)

    @property
    def is_scalar(self) -> bool:
        """Return whether the value is neither a mapping nor a list; null is a scalar."""
        return not isinstance(self.value, (dict, list))

    def inside(self, key: str | int) -> Place:
        """Return the place of a value within this one."""
        return Place(self.value, key)


class CopiedPlace(Place):
    """A place in the tree that a text was parsed into: setting a value there changes nothing in the text."""

    __slots__ = ()


def root_place(node: Node) -> Place:
    """Return a place for a whole tree."""
    return Place(Items([node]), 0)


def find_place(root: Place, path: tuple[str, ...]) -> Place | None:
    """Return the place at the path, None if there is none. Raises PathError where the tree has another shape."""
    place = root
    for part in (stripped for part in path if (stripped := part.strip())):
        found = _step(place, part)
        if found is None:
            return None
        place = found
    return place


def _step(place: Place, part: str) -> Place | None:
    number = index_of(part)
    if number is not None or part == "-":
        return _item(place, number)
    if part == "*":
        raise PathError("wildcard is not supported in PathGetter")
    if is_list_selector(part):
        return _selected_item(place, part)
    return field_of(place, part)


def field_of(place: Place, name: str) -> Place | None:
    """Return the place of a field, None if it is missing. Raises PathError in a list or a scalar."""
    node = place.value
    if node is None:
        return None
    if not isinstance(node, Fields) or not name:
        raise wrong_kind("MappingNode", node)
    return Place(node, name) if name in node else None


def items_of(place: Place) -> list[Place]:
    """Return the places of the items of a list; null has none. Raises PathError in anything else."""
    node = place.value
    if node is None:
        return []
    if not isinstance(node, Items):
        raise wrong_kind("SequenceNode", node)
    return [Place(node, index) for index in range(len(node))]


def wrong_kind(expected: str, node: Node) -> PathError:
    """Return the error that a node has another kind; it never quotes what the node holds."""
    kind = "MappingNode" if isinstance(node, dict) else "SequenceNode" if isinstance(node, list) else "ScalarNode"
    return PathError(f"wrong node kind: expected {expected} but got {kind}")


def _item(place: Place, number: int | None) -> Place | None:
    """Return the item with a number, the last one for None."""
    if number is not None and number < 0:
        raise PathError(f"array index {number} cannot be negative")
    items = items_of(place)
    if number is None and not items:
        raise PathError("there is no last item in an empty list")
    index = len(items) - 1 if number is None else number
    return items[index] if index < len(items) else None


def _selected_item(place: Place, part: str) -> Place | None:
    """Return the first item whose field, or which itself, is exactly the text."""
    selector = split_list_selector(part)
    if selector is None:
        raise PathError("list path element must contain fieldName=fieldValue for element to match")
    field, value = selector
    for item in items_of(place):
        node = item.value
        compared = node.get(field, ...) if field and isinstance(node, Fields) else ... if field else node
        if compared is not ... and text_of(compared) == value:
            return item
    return None


def raw_text(place: Place, written: WrittenText, *, rewritten: bool = False) -> str:
    """Return a scalar as it is written, "" for a mapping or a list: `0x10`, `1.50`, `2001-01-01`."""
    value, origin = place.value, place.origin
    if isinstance(value, (dict, list)):
        return ""
    as_written = origin is not None and origin.step in _AS_WRITTEN and not rewritten
    if isinstance(value, str) and not (as_written and _is_date(place, written)):
        return value
    if value is None:
        return "null" if not as_written else written.plain_text(origin, "") if written.is_written_null(origin) else ""
    return written.plain_text(origin, value) if as_written else text_of(value)


def _is_date(place: Place, written: WrittenText) -> bool:
    return isinstance(place.container, Fields) and written.is_date(place.container, str(place.key))
