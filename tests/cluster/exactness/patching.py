"""What a plan's field changes make of a live object: worked out from the plan alone, without asking the server."""

from __future__ import annotations

import copy
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Final

from gitops_push.core.allocation import ALLOCATED
from gitops_push.core.fielddiff import ABSENT, FieldChange
from gitops_push.core.fieldpath import FieldPath, ItemKey, ItemValue, Segment, value_at
from gitops_push.core.redaction import Masked, Redactor
from gitops_push.core.secret_values import decoded_data

Body = dict[str, Any]

_STRING_MAPS: Final = frozenset(
    {"annotations", "binaryData", "data", "labels", "limits", "matchLabels", "nodeSelector", "requests"}
)


def patched(live: Body, changes: Iterable[FieldChange]) -> Body:
    """Return a live object with field changes made. A changed order of items is made last.

    Raises `KeyError` where a change speaks of what is not there.
    """
    body = copy.deepcopy(live)
    every = tuple(changes)
    with_items = {change.path[:-1] for change in every if isinstance(change.path[-1], (ItemKey, ItemValue))}
    orders = [change for change in every if _is_order(change, live, with_items)]
    for change in every:
        if change not in orders:
            _put(body, change.path, copy.deepcopy(change.after))
    for change in orders:
        _reorder(_at(body, change.path), change.after)
    return body


def added_to(changes: Iterable[FieldChange]) -> frozenset[FieldPath]:
    """Return the lists to which items with keys are added: a plan does not say at which place."""
    return frozenset(
        change.path[:-1]
        for change in changes
        if change.before is ABSENT and isinstance(change.path[-1], (ItemKey, ItemValue))
    )


def differing(
    predicted: Any, actual: Any, redactor: Redactor, grown: frozenset[FieldPath] = frozenset(), path: FieldPath = ()
) -> tuple[FieldPath, ...]:
    """Return where a predicted object differs from the real one.

    A masked value is judged by its tag, one that the server allocates by being there.

    The items of lists in `grown` may be at other places.
    """
    if predicted == ALLOCATED:
        return () if actual is not ABSENT else (path,)
    if isinstance(predicted, Masked):
        shown = decoded_data(actual) if path[:1] == ("data",) else actual
        return () if redactor.mask_value(shown) == predicted else (path,)
    if isinstance(predicted, Mapping) and isinstance(actual, Mapping):
        return tuple(
            found
            for key in predicted.keys() | actual.keys()
            for found in differing(
                predicted.get(key, ABSENT), actual.get(key, ABSENT), redactor, grown, (*path, str(key))
            )
        )
    if isinstance(predicted, list) and isinstance(actual, list) and len(predicted) == len(actual):
        placed = _placed_like(predicted, actual) if path in grown else predicted
        pairs = zip(placed, actual, strict=True)
        return tuple(
            found
            for index, (a, b) in enumerate(pairs)
            for found in differing(a, b, redactor, grown, (*path, _segment(grown, path, index, a)))
        )
    return () if _same(predicted, actual) or _is_empty_map(path, predicted, actual) else (path,)


def _is_empty_map(path: FieldPath, predicted: Any, actual: Any) -> bool:
    """A map of strings is told key by key: that the last key goes leaves {} or nothing, which mean the same."""
    return path[-1] in _STRING_MAPS and {} in (predicted, actual) and ABSENT in (predicted, actual)


def _segment(grown: frozenset[FieldPath], path: FieldPath, index: int, item: Any) -> Segment:
    """Return the segment by which lists inside of an item are known to `grown`."""
    below = {other[len(path)] for other in grown if len(other) > len(path) and other[: len(path)] == path}
    named = (key for key in below if isinstance(key, ItemKey) and _has(item, key))
    return next(named, index)


def _same(a: Any, b: Any) -> bool:
    return bool(a == b) and isinstance(a, bool) is isinstance(b, bool)


def _placed_like(items: Sequence[Any], model: Sequence[Any]) -> list[Any]:
    """Return the items in the order of those in `model` that are most alike: equal, or with the same scalars."""
    left = list(items)
    placed = []
    for wanted in model:
        best = max(left, key=lambda item: (item == wanted, _likeness(item, wanted)))
        left.remove(best)
        placed.append(best)
    return placed


def _likeness(a: Any, b: Any) -> int:
    if not (isinstance(a, Mapping) and isinstance(b, Mapping)):
        return 0
    names = ("name", "containerPort", "port", "protocol", "mountPath", "ip", "topologyKey", "id", "side")
    return sum(a[name] == b.get(name) for name in names if name in a)


def _is_order(change: FieldChange, live: Body, with_items: Container[FieldPath]) -> bool:
    """A change of order names the items of a list by their keys; another one has the items themselves."""
    if not (isinstance(change.before, list) and isinstance(change.after, list)):
        return False
    return change.path in with_items or value_at(change.path, live) != change.before


def _put(node: Any, path: FieldPath, value: Any) -> None:
    *around, last = path
    for segment in around:
        node = _step(node, segment)
    if isinstance(node, dict):
        _put_key(node, str(last), value)
    else:
        _put_item(node, last, value)


def _put_key(node: Body, key: str, value: Any) -> None:
    if value is ABSENT:
        del node[key]
    else:
        node[key] = value


def _put_item(items: list[Any], segment: Segment, value: Any) -> None:
    index = _index(items, segment)
    if value is ABSENT:
        del items[_found(index, segment)]
    elif index is None:
        items.append(value)
    else:
        items[index] = value


def _step(node: Any, segment: Segment) -> Any:
    if isinstance(node, dict):
        # Maps of strings are told key by key, also those that are not there yet.
        return node.setdefault(str(segment), {})
    return node[_found(_index(node, segment), segment)]


def _at(node: Any, path: FieldPath) -> Any:
    for segment in path:
        node = _step(node, segment)
    return node


def _found(index: int | None, segment: Segment) -> int:
    if index is None:
        raise KeyError(str(segment))
    return index


def _index(items: Sequence[Any], segment: Segment) -> int | None:
    match segment:
        case int():
            return segment
        case ItemKey():
            return next((i for i, item in enumerate(items) if _has(item, segment)), None)
        case ItemValue(value):
            return next((i for i, item in enumerate(items) if _same(item, value)), None)
        case _:
            return None


def _has(item: Any, key: ItemKey) -> bool:
    return isinstance(item, Mapping) and all(_same(item.get(name), value) for name, value in key.keys)


def _reorder(items: list[Any], names: Any) -> None:
    """Put items in the order of their names: values of one key, or mappings of several, or the items themselves."""
    items.sort(key=lambda item: next(i for i, name in enumerate(names) if _is_named(item, name)))


def _is_named(item: Any, name: Any) -> bool:
    if isinstance(name, Mapping) and isinstance(item, Mapping):
        return all(item.get(key) == value for key, value in name.items())
    if isinstance(item, Mapping):
        return any(_same(value, name) for value in item.values())
    return _same(item, name)
