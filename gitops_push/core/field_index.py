"""Finds many fields of one object: each of its lists is looked through once, however many paths lead into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from gitops_push.core.fieldpath import DEFAULTED_KEYS, FieldPath, ItemKey, ItemValue, Segment, step_into

_Identity: TypeAlias = tuple[tuple[bool, Any], ...]
_Positions: TypeAlias = dict[_Identity, int]


class FieldIndex:
    """The values of one object by their paths, as `fieldpath.value_at` finds them. The object may not change."""

    def __init__(self, body: Any) -> None:
        self._body = body
        self._lists: dict[tuple[int, tuple[str, ...]], _Positions] = {}

    def value_at(self, path: FieldPath, missing: Any = None) -> Any:
        """Return the value at `path`, or `missing` where there is none."""
        node = self._body
        for segment in path:
            step = self._step(node, segment)
            if step is None:
                return missing
            node = node[step]
        return node

    def _step(self, node: Any, segment: Segment) -> str | int | None:
        if isinstance(segment, (str, int)) or isinstance(node, (str, Mapping)) or not isinstance(node, Sequence):
            return step_into(node, segment)
        names = tuple(name for name, _ in segment.keys) if isinstance(segment, ItemKey) else ()
        positions = self._lists.get((id(node), names))
        if positions is None:
            positions = self._lists[id(node), names] = _positions(node, names)
        return positions.get(_wanted(segment) or ())


def _positions(items: Sequence[Any], names: tuple[str, ...]) -> _Positions:
    """Return where the first item of each identity stands: by these keys, or by its value where there are none."""
    found: _Positions = {}
    for position, item in enumerate(items):
        identity = _by_keys(item, names) if names else _scalars([item])
        if identity is not None:
            found.setdefault(identity, position)
    return found


def _by_keys(item: Any, names: tuple[str, ...]) -> _Identity | None:
    if not isinstance(item, Mapping):
        return None
    return _scalars([item.get(name, DEFAULTED_KEYS.get(name)) for name in names])


def _wanted(segment: ItemKey | ItemValue) -> _Identity | None:
    return _scalars([value for _, value in segment.keys] if isinstance(segment, ItemKey) else [segment.value])


def _scalars(values: Sequence[Any]) -> _Identity | None:
    """Return what makes scalars equal (`fieldpath.same_scalar`), or None if one is no scalar."""
    if all(isinstance(value, (str, int, float, bool)) for value in values):
        return tuple((isinstance(value, bool), value) for value in values)
    return None
