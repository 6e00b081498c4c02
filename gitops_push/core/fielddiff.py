"""Differences between two states of one object, field by field, list items paired by their merge keys.

What is shown is what a person would say has changed: a scalar of a mapping that is on both sides is one difference, and
so is a whole container that is new. Maps of strings (labels, data, …) are always told apart key by key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final, TypeAlias

from gitops_push.core.fieldpath import FieldPath, ItemKey, ItemValue, Segment, item_key, same_scalar
from gitops_push.core.origin import Origin
from gitops_push.core.redaction import Masked


class Absent(Enum):
    """The one value that says a field is not there (None is a value of its own)."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT

Plain: TypeAlias = "str | int | float | bool | list[object] | dict[str, object] | None"
Shown: TypeAlias = "Plain | Masked | Absent"


@dataclass(frozen=True, slots=True)
class FieldOwner:
    """Who set a live value, by managedFields: manager, operation ("Apply" or "Update"), time or None."""

    manager: str
    operation: str
    at: datetime | None
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs. `before` is live, `after` what it becomes; secret values are `Masked`.

    `owner` is who set the live value where that is known; `origin` is the line of the config repo that wants `after`.
    `tags` stand for both values in the digest of a plan (`Disclosure.tag`); "" in reports that have none.
    """

    path: FieldPath
    before: Shown
    after: Shown
    owner: FieldOwner | None = None
    origin: Origin | None = None
    tags: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs, with its values as they are: not to be kept or printed, see `core.disclosure`."""

    path: FieldPath
    before: Any = field(repr=False)
    after: Any = field(repr=False)


Shape: TypeAlias = tuple[str, ...]
"""Which list: the keys that lead to it, without its and other lists' items."""


@dataclass(frozen=True, slots=True)
class MergeKeys:
    """How lists are merged, as the server told (`managed_fields.merge_keys`).

    `keys` has the merge keys of a list, () for a list used as a set; `leaves` are the fields that are set as a whole,
    so that a list there or below has no keys.
    """

    keys: Mapping[Shape, tuple[str, ...]]
    leaves: frozenset[Shape] = frozenset()


NOTHING_KNOWN: Final = MergeKeys({})

STRING_MAPS: Final = frozenset(
    {"annotations", "binaryData", "data", "labels", "limits", "matchLabels", "nodeSelector", "requests", "stringData"}
)
_SETS: Final = frozenset({"finalizers"})
_KEYS_OF: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "conditions": (("type",),),
    "containers": (("name",),),
    "env": (("name",),),
    "ephemeralContainers": (("name",),),
    "hostAliases": (("ip",),),
    "imagePullSecrets": (("name",),),
    "initContainers": (("name",),),
    "ownerReferences": (("uid",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "resourceClaims": (("name",),),
    "secrets": (("name",),),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "versions": (("name",),),
    "volumeDevices": (("devicePath",),),
    "volumeMounts": (("mountPath",),),
    "volumes": (("name",),),
    "webhooks": (("name",),),
}
"""Well-known lists (`x-kubernetes-list-map-keys` of the API), for objects whose managedFields say nothing."""


def diff_fields(before: Any, after: Any, keys: MergeKeys = NOTHING_KNOWN) -> tuple[Difference, ...]:
    """Return how two states of an object differ, in a stable order; () exactly if they are the same."""
    return tuple(_walk((), before, after, keys))


def same(a: Any, b: Any) -> bool:
    """Return whether two JSON values are equal: 1 and 1.0 are, 1 and true are not."""
    if isinstance(a, str):  # most values are
        return isinstance(b, str) and a == b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return same_scalar(a, b)


def restricted(live: Any, wanted: Any, keys: MergeKeys = NOTHING_KNOWN) -> Any:
    """Return `live` without what `wanted` does not speak of, so that a difference between them is one of `wanted`.

    For comparing without the server's help: fields that the server defaults or that others add are left out. An empty
    map or list that is wanted counts as there.
    """
    return _restricted((), live, wanted, keys)


def shape_of(path: FieldPath) -> Shape:
    """Return the keys of a path without the items of lists."""
    return tuple(segment for segment in path if isinstance(segment, str))


def _walk(path: FieldPath, before: Any, after: Any, keys: MergeKeys) -> Iterator[Difference]:
    if path and path[-1] in STRING_MAPS:
        before, after = _opened(before, after), _opened(after, before)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            old, new = before.get(key, ABSENT), after.get(key, ABSENT)
            if not same(old, new):  # most of two states of an object is the same
                yield from _walk((*path, key), old, new, keys)
    elif _is_list(before) and _is_list(after):
        yield from _walk_lists(path, before, after, keys)
    elif not same(before, after):
        yield Difference(path, before, after)


def _opened(value: Any, other: Any) -> Any:
    """Return {} for a string map that is absent while the other side has entries: they are then told one by one."""
    return {} if value is ABSENT and isinstance(other, Mapping) and other else value


def _walk_lists(path: FieldPath, before: Sequence[Any], after: Sequence[Any], keys: MergeKeys) -> Iterator[Difference]:
    if same(before, after):
        return
    identify = _identifier(path, before, after, keys)
    if identify is None:
        yield from _walk_atomic(path, before, after, keys)
        return
    old = {identify(item): item for item in before}
    new = {identify(item): item for item in after}
    for segment in (*new, *(segment for segment in old if segment not in new)):
        yield from _walk((*path, segment), old.get(segment, ABSENT), new.get(segment, ABSENT), keys)
    if [s for s in old if s in new] != [s for s in new if s in old]:
        yield Difference(path, _names(old), _names(new))


def _walk_atomic(path: FieldPath, before: Sequence[Any], after: Sequence[Any], keys: MergeKeys) -> Iterator[Difference]:
    """Compare a list without keys: item by item if it keeps its length and holds mappings, else as a whole."""
    if len(before) == len(after) and all(isinstance(item, Mapping) for item in (*before, *after)):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _walk((*path, index), old, new, keys)
    else:
        yield Difference(path, before, after)


_Identify: TypeAlias = Callable[[Any], Segment]


def _identifier(path: FieldPath, before: Sequence[Any], after: Sequence[Any], keys: MergeKeys) -> _Identify | None:
    """Return what gives an item of this list its segment, or None for a list that can only be compared by index."""
    names = _key_names(path, before, after, keys)
    if names is None:
        return None
    identify: _Identify = _by_value if names == () else lambda item: _by_keys(item, names)
    try:
        distinct = all(len({identify(item) for item in items}) == len(items) for items in (before, after))
    except (KeyError, TypeError):
        return None
    return identify if distinct else None


def _key_names(path: FieldPath, before: Sequence[Any], after: Sequence[Any], keys: MergeKeys) -> tuple[str, ...] | None:
    shape = shape_of(path)
    if shape in keys.keys:
        return keys.keys[shape]
    if any(shape[:length] in keys.leaves for length in range(1, len(shape) + 1)):
        return None
    field_name = shape[-1] if shape else ""
    if field_name in _SETS:
        return ()
    items = (*before, *after)
    for names in _KEYS_OF.get(field_name, ()):
        if all(isinstance(item, Mapping) and names[0] in item for item in items):
            return names
    return None


def _by_value(item: Any) -> ItemValue:
    if isinstance(item, (str, int, float, bool)):
        return ItemValue(item)
    raise TypeError("not a scalar")


def _by_keys(item: Any, names: tuple[str, ...]) -> ItemKey:
    if not isinstance(item, Mapping):
        raise TypeError("not an item with keys")
    values = {name: item.get(name, "TCP" if name == "protocol" else None) for name in names}
    if any(isinstance(value, (Mapping, list)) for value in values.values()) or values[names[0]] is None:
        raise TypeError("not a scalar")
    return item_key(values)


def _names(items: Mapping[Segment, Any]) -> list[object]:
    """Return the items of a list by their keys only: what changed is their order."""
    return [_name(segment) for segment in items]


def _name(segment: Segment) -> object:
    match segment:
        case ItemKey(keys) if len(keys) == 1:
            return keys[0][1]
        case ItemKey(keys):
            return dict(keys)
        case ItemValue(value):
            return value
        case _:
            return segment


def _restricted(path: FieldPath, live: Any, wanted: Any, keys: MergeKeys) -> Any:
    if isinstance(live, Mapping) and isinstance(wanted, Mapping):
        return {
            key: _restricted((*path, key), live[key], value, keys) if key in live else value
            for key, value in wanted.items()
            if key in live or value in ({}, [])
        }
    if not (_is_list(live) and _is_list(wanted)):
        return live
    identify = _identifier(path, live, wanted, keys)
    if identify is not None:
        by_segment = {identify(item): item for item in wanted}
        return [
            _restricted((*path, segment), item, by_segment[segment], keys)
            for item in live
            if (segment := identify(item)) in by_segment
        ]
    if len(live) != len(wanted):
        return live
    return [_restricted((*path, i), item, wanted[i], keys) for i, item in enumerate(live)]


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
