"""Finds all places that a target's path names, and makes missing ones (kyaml's PathMatcher).

Unlike in a source's path, the value in `[name=value]` is a regular expression that may match anywhere in the text, `*`
stands for all items, and a text that holds YAML or JSON is entered; what is found in there belongs to a copy.
"""

from __future__ import annotations

from dataclasses import dataclass

from gitops_push.core.errors import DocumentError
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items, Node, put
from gitops_push.documents.reader import Dialect, read_documents
from gitops_push.documents.writer import to_yaml
from gitops_push.kustomize.marks import set_at
from gitops_push.kustomize.patches.go_regex import compile_go_regex
from gitops_push.kustomize.replacements.paths import index_of, is_list_selector, split_list_selector
from gitops_push.kustomize.replacements.places import (
    CopiedPlace,
    PathError,
    Place,
    field_of,
    items_of,
    raw_text,
    root_place,
)
from gitops_push.kustomize.replacements.scalars import untagged
from gitops_push.kustomize.written import WrittenText

Leaf = type[Fields] | type[Items] | type[str]
"""What is made at the end of a path: an empty mapping, an empty list, or a scalar."""

_LONGEST_COMPARED = 1024  # matching takes time by powers of the length


class Untyped(str):
    """The value of a scalar that was just made: nothing has said yet of which type it is."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Search:
    """What a search needs besides the path: how scalars are written, what is made of missing ends, and who asks."""

    written: WrittenText
    origin: Origin
    create: Leaf | None = None
    rewritten: bool = False


def find_all(place: Place, path: tuple[str, ...], search: Search) -> list[Place]:
    """Return all places at the path, in order. Raises PathError where the tree has another shape.

    With `search.create` missing fields are made, and items that `[field=value]` does not find; this changes the tree.
    """
    if not path:
        return [place]
    part = path[0]
    number = index_of(part)
    if number is not None and number >= 0:
        return _at_index(place, number, path, search)
    if is_list_selector(part):
        return _selected(place, path, search)
    if part == "*":
        return _of_each(items_of(place), path[1:], search)
    return _at_field(place, path, search)


def _of_each(places: list[Place], path: tuple[str, ...], search: Search) -> list[Place]:
    return [found for place in places for found in find_all(place, path, search)]


def _at_index(place: Place, number: int, path: tuple[str, ...], search: Search) -> list[Place]:
    items = items_of(place)
    if number == len(items) and search.create:
        items.append(_append(place, _empty(path[1:2], search), search))
    if number >= len(items):
        raise PathError(f"index {number} specified but only {len(items)} elements found")
    return find_all(items[number], path[1:], search)


def _at_field(place: Place, path: tuple[str, ...], search: Search) -> list[Place]:
    name, rest = path[0], path[1:]
    found = field_of(place, name)
    if found is None:
        if not search.create:
            return []
        fields = place.value if isinstance(place.value, Fields) else Fields()  # nothing can be seen within a null
        put(fields, name, _empty(rest[:1], search), search.origin)
        found = Place(fields, name)
    if rest and found.is_scalar:
        copied = find_all(root_place(parsed_text(found, search)), rest, search)
        return [CopiedPlace(*one) for one in copied]
    return find_all(found, rest, search)


def _empty(following: tuple[str, ...], search: Search) -> Node:
    """Return the value to make before the following part of the path."""
    part = following[0] if following else ""
    if is_list_selector(part) or (index_of(part) or 0) > 0 or index_of(part) == 0:
        return Items(start=search.origin)
    if part:
        return Fields(start=search.origin)
    if search.create is Fields:
        return Fields(start=search.origin)
    return Items(start=search.origin) if search.create is Items else Untyped()


def parsed_text(place: Place, search: Search) -> Node:
    """Return the tree that a scalar holds as YAML. Raises PathError where it holds none.

    Places in the tree have no file, and their lines are those of the text.
    """
    text = raw_text(place, search.written, rewritten=search.rewritten)
    try:
        documents = read_documents(text.encode(), "", Dialect.KUSTOMIZE)
    except DocumentError as error:
        raise PathError(f"the text is no YAML: {error.problems[0].message}") from error
    if not documents and not text.strip():
        raise PathError("wrong node kind: the text is empty")
    return documents[0].value if documents else None


def _selected(place: Place, path: tuple[str, ...], search: Search) -> list[Place]:
    selector = split_list_selector(path[0])
    if selector is None:
        raise PathError("list path element must contain fieldName=fieldValue for element to match")
    field, value = selector
    pattern = compile_go_regex(value, search.origin)

    def is_selected(item: Place) -> bool:
        text = _compared_text(item, field, search)
        return text is not None and len(text) <= _LONGEST_COMPARED and bool(pattern.search(text))

    def find() -> list[Place]:
        selected = [item for item in items_of(place) if is_selected(item)]
        return _of_each(selected, path[1:] if field else (), search)

    found = find()
    if found or not search.create:
        return found
    made = _append(place, _new_item(field, value, search), search)
    if not is_selected(made):
        raise PathError(f"an item made for {path[0]} would not match it")
    return find() or find_all(made, path[1:] if field else (), search)


def _new_item(field: str, value: str, search: Search) -> Node:
    if not field:
        return Untyped(value)
    item = Fields(start=search.origin)
    put(item, field, untagged(value), search.origin)
    return item


def _append(place: Place, value: Node, search: Search) -> Place:
    """Append to a list; a null stays what it is, and the item goes nowhere."""
    items = place.value if isinstance(place.value, Items) else Items()
    items.append(value)
    made = Place(items, len(items) - 1)
    set_at(items, made.key, value, search.origin)
    return made


def _compared_text(item: Place, field: str, search: Search) -> str | None:
    """Return the item, or a field of it, as kustomize writes it as YAML, with its quotes; None if it is missing."""
    if not field:
        return _yaml_of(item, search)
    if not isinstance(item.value, Fields) or field not in item.value:
        return None
    return _yaml_of(item.inside(field), search)


def _yaml_of(place: Place, search: Search) -> str:
    if not place.is_scalar:
        return to_yaml(place.value).strip()
    text = raw_text(place, search.written, rewritten=search.rewritten)
    quote = search.written.quote_at(place.container, place.key)
    return f"{quote}{text}{quote}" if quote else text.strip()


def creation(value: Node) -> Leaf:
    """Return what a target that is made for this value begins as."""
    return Fields if isinstance(value, Fields) else Items if isinstance(value, Items) else str
