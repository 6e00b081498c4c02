"""Moves fields from the entries of other managers into ours, so that what we no longer want really goes.

The rules are those of client-go's `csaupgrade`. The sets are kept as FieldsV1 spells them: nothing is translated, so
that what is written back is what the server wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from gitops_push.core.fieldpath import FieldPath, from_fields_v1
from gitops_push.core.managed_fields import FIELD_MANAGER, is_ours

RawPath: TypeAlias = tuple[str, ...]
"""A path in the spelling of FieldsV1: ("f:metadata", "f:labels", "f:app")."""

Entry: TypeAlias = Mapping[str, Any]
"""One entry of `metadata.managedFields`, as the API has it."""

Takes: TypeAlias = Callable[[Entry, FieldPath], bool]
"""Whether a member of an entry becomes ours."""

_MEMBER: Final = "."


def decode(fields_v1: Mapping[str, Any]) -> frozenset[RawPath]:
    """Return the members of a set: a node is one if it is empty or holds "."."""
    members: set[RawPath] = set()
    todo: list[tuple[Mapping[str, Any], RawPath]] = [(fields_v1, ())]
    while todo:
        node, path = todo.pop()
        if path and (_MEMBER in node or not node):
            members.add(path)
        todo += ((child, (*path, key)) for key, child in node.items() if key != _MEMBER)
    return frozenset(members)


def encode(members: Iterable[RawPath]) -> dict[str, Any]:
    """Return a set as FieldsV1: "." marks a member that has members below it."""
    root = _Node()
    for path in members:
        node = root
        for key in path:
            node = node.children.setdefault(key, _Node())
        node.is_member = True
    return _encoded(root)


def union(*sets: Mapping[str, Any]) -> dict[str, Any]:
    """Return the union of sets. To merge their mappings would lose members: `{}` and `{"f:y": {}}` are both told."""
    return encode(frozenset[RawPath]().union(*map(decode, sets)))


def upgraded(entries: Iterable[Entry], absorbs: Callable[[Entry], bool]) -> tuple[dict[str, Any], ...]:
    """Return managedFields in which our entry has all that the absorbed ones had, and they are gone.

    Without an entry of ours the first absorbed one becomes it. Absorbed entries of another apiVersion than that one are
    dropped without being joined: their paths may mean something else. Entries of subresources are never ours.
    """
    every = tuple(entries)
    ours = next((entry for entry in every if is_ours(entry)), None)
    first = ours or next((entry for entry in every if absorbs(entry)), None)
    if first is None:
        return tuple(dict(entry) for entry in every)
    version = first.get("apiVersion")
    joined = (e["fieldsV1"] for e in every if e is not first and absorbs(e) and e.get("apiVersion") == version)
    renamed = {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": union(first["fieldsV1"], *joined)}
    return tuple({**entry, **renamed} if entry is first else dict(entry) for entry in _kept(every, first, absorbs))


def given_up(entries: Iterable[Entry], takes: Takes) -> tuple[tuple[dict[str, Any], ...], frozenset[RawPath]]:
    """Return managedFields without these members of other managers, and the members; an entry without any goes."""
    left: list[dict[str, Any]] = []
    given: set[RawPath] = set()
    for entry in entries:
        members = decode(entry["fieldsV1"])
        taken = frozenset() if is_ours(entry) else _with_emptied(members, entry, takes)
        given |= taken
        if taken != members or not members:
            left.append({**entry, "fieldsV1": encode(members - taken)} if taken else dict(entry))
    return tuple(left), frozenset(given)


def handed_over(entries: Iterable[Entry], takes: Takes) -> tuple[dict[str, Any], ...]:
    """Return managedFields in which these members of other managers are ours instead."""
    left, given = given_up(entries, takes)
    return tuple({**e, "fieldsV1": union(e["fieldsV1"], encode(given))} if is_ours(e) else e for e in left)


def _with_emptied(members: frozenset[RawPath], entry: Entry, takes: Takes) -> frozenset[RawPath]:
    """Return the members to take, and the maps and lists around them of which nothing else is left in the entry.

    A list that is a member by itself would be kept with all its items, whosever they are.
    """
    taken = frozenset(member for member in members if takes(entry, _path_of(member)))
    around = _ancestors(taken) & members
    return taken | (around - _ancestors(members - taken - around))


def _ancestors(members: Iterable[RawPath]) -> frozenset[RawPath]:
    return frozenset(member[:length] for member in members for length in range(1, len(member)))


def _path_of(member: RawPath) -> FieldPath:
    return tuple(segment for key in member if (segment := from_fields_v1(key)) is not None)


def _kept(every: Iterable[Entry], first: Entry, absorbs: Callable[[Entry], bool]) -> Iterable[Entry]:
    return (entry for entry in every if entry is first or not absorbs(entry))


@dataclass(slots=True)
class _Node:
    is_member: bool = False
    children: dict[str, _Node] = field(default_factory=dict)


def _encoded(node: _Node) -> dict[str, Any]:
    own: dict[str, Any] = {_MEMBER: {}} if node.is_member and node.children else {}
    return {**own, **{key: _encoded(child) for key, child in sorted(node.children.items())}}
