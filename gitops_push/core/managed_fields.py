"""Who set which field, read from `metadata.managedFields`.

FieldsV1 is described by the field management page of the Kubernetes documentation and by structured-merge-diff: a node
is a member of the set if it is empty or holds "."; `f:` is a key, `k:` a list item by merge keys, `v:` by value, `i:`
by index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from gitops_push.core.field_set import FieldSet
from gitops_push.core.fielddiff import ABSENT, Difference, FieldOwner, MergeKeys, Shape
from gitops_push.core.fieldpath import FieldPath, ItemKey, ItemValue, Segment, from_fields_v1
from gitops_push.core.objects import Body

FIELD_MANAGER: Final = "gitops-push"
"""Constant, because changing it would orphan every field that we own."""


@dataclass(frozen=True, slots=True)
class ManagerEntry:
    """One entry of managedFields; `fields` is its FieldsV1 as it stands there."""

    owner: FieldOwner
    api_version: str
    fields: Mapping[str, Any] = field(hash=False)

    @property
    def is_ours(self) -> bool:
        """Return whether this is what our server-side applies set."""
        return self.owner.manager == FIELD_MANAGER and self.owner.operation == "Apply" and not self.owner.subresource

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Return what the server tells entries apart by: the version counts for `Update` only."""
        version = self.api_version if self.owner.operation == "Update" else ""
        return self.owner.manager, self.owner.operation, self.owner.subresource, version

    def paths(self) -> FieldSet:
        """Return all fields of the entry."""
        return field_set(self.fields)

    def has(self, path: FieldPath) -> bool:
        """Return whether this very field is in the entry; for one field cheaper than `paths`."""
        node = self.fields
        for segment in path:
            child = _child(node, segment)
            if child is None:
                return False
            node = child
        return not node or "." in node


@dataclass(frozen=True, slots=True)
class Loss:
    """A field that `owner` has in the live object and would lose."""

    path: FieldPath
    owner: FieldOwner


def manager_entries(body: Body) -> tuple[ManagerEntry, ...]:
    """Return the managedFields of an object; entries of another format than FieldsV1 are left out."""
    return tuple(_entry(raw) for raw in _raw_entries(body))


def our_entry(body: Body) -> ManagerEntry | None:
    """Return what our applies set, or None if we never applied the object."""
    for raw in _raw_entries(body):
        if is_ours(raw):
            return _entry(raw)
    return None


def is_ours(raw: Mapping[str, Any]) -> bool:
    """Return whether an entry of managedFields, as the API has it, is what our server-side applies set."""
    return raw.get("manager") == FIELD_MANAGER and raw.get("operation") == "Apply" and not raw.get("subresource")


def our_paths(body: Body) -> FieldSet:
    """Return the fields that our applies set; none if we never applied the object."""
    entry = our_entry(body)
    return entry.paths() if entry else FieldSet()


def our_leaves(body: Body) -> tuple[FieldPath, ...]:
    """Return the fields that our applies set, without the containers around others, in a stable order."""
    paths = our_paths(body)
    return tuple(sorted((path for path in paths if not paths.has_below(path)), key=str))


def field_set(fields_v1: Mapping[str, Any]) -> FieldSet:
    """Return the members of a FieldsV1 set."""
    return FieldSet(_members(fields_v1, ()))


def losses(live: Body, merged: Body) -> tuple[Loss, ...]:
    """Return the fields that managers other than us have in `live` and no longer in `merged`, sorted by path.

    `merged` is the answer of a forced dry run; a manager that set the same value as we do keeps its field.
    """
    if list(_raw_entries(live)) == list(_raw_entries(merged)):
        return ()
    after = {entry.identity: entry for entry in manager_entries(merged)}
    lost: list[Loss] = []
    for entry in manager_entries(live):
        kept = after.get(entry.identity)
        if entry.is_ours or (kept is not None and kept.fields == entry.fields):
            continue
        gone = FieldSet(entry.paths() - (kept.paths() if kept else frozenset()))
        lost += (Loss(path, entry.owner) for path in gone.tops())
    return tuple(sorted(lost, key=lambda loss: (str(loss.path), loss.owner.manager)))


def expected_losses(differences: Iterable[Difference], live: Body) -> Iterator[Loss]:
    """Yield what other managers would lose by these differences, where no dry run tells."""
    among = tuple((owner, paths) for owner, paths in holders(live) if owner.manager != FIELD_MANAGER)
    for difference in differences:
        owner = None if difference.before is ABSENT else owner_of(difference.path, among)
        if owner is not None:
            yield Loss(difference.path, owner)


Holders: TypeAlias = tuple[tuple[FieldOwner, FieldSet], ...]


def holders(body: Body) -> Holders:
    """Return all managers of an object with their fields."""
    return tuple((entry.owner, entry.paths()) for entry in manager_entries(body))


def owner_of(path: FieldPath, among: Holders) -> FieldOwner | None:
    """Return who set the value at `path`: of several the latest, and another manager rather than us.

    For a value that nobody set whole, who set something inside counts.
    """
    for holds in (FieldSet.sets_value, FieldSet.has_below):
        owners = [owner for owner, paths in among if holds(paths, path)]
        if owners:
            return max(owners, key=_weight)
    return None


def merge_keys(*bodies: Body) -> MergeKeys:
    """Return how the lists of these objects are merged, as far as their managedFields tell."""
    found: dict[Shape, tuple[str, ...]] = {}
    leaves: set[Shape] = set()
    for body in bodies:
        for entry in manager_entries(body):
            _collect_keys(entry.fields, (), found, leaves)
    return MergeKeys(found, frozenset(leaves))


def _raw_entries(body: Body) -> Iterator[Mapping[str, Any]]:
    entries = (body.get("metadata") or {}).get("managedFields") or ()
    return (raw for raw in entries if isinstance(raw.get("fieldsV1"), dict))


def _entry(raw: Mapping[str, Any]) -> ManagerEntry:
    owner = FieldOwner(
        manager=str(raw.get("manager") or ""),
        operation=str(raw.get("operation") or ""),
        at=read_time(raw.get("time")),
        subresource=str(raw.get("subresource") or ""),
    )
    return ManagerEntry(owner, str(raw.get("apiVersion") or ""), raw["fieldsV1"])


def read_time(text: object) -> datetime | None:
    """Return a time of the API (RFC 3339, UTC), or None for what is none."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC) if text else None
    except ValueError:
        return None


def _child(node: Mapping[str, Any], segment: Segment) -> Mapping[str, Any] | None:
    if isinstance(segment, str):
        return node.get(f"f:{segment}")
    return next((child for key, child in node.items() if from_fields_v1(key) == segment), None)


def _members(node: Mapping[str, Any], path: FieldPath) -> Iterator[FieldPath]:
    if path and ("." in node or not node):
        yield path
    for key, child in node.items():
        segment = from_fields_v1(key)
        if segment is not None:
            yield from _members(child, (*path, segment))


def _collect_keys(
    node: Mapping[str, Any], shape: Shape, found: dict[Shape, tuple[str, ...]], leaves: set[Shape]
) -> None:
    for key, child in node.items():
        segment = from_fields_v1(key)
        match segment:
            case ItemKey(keys):
                found.setdefault(shape, tuple(name for name, _ in keys))
            case ItemValue():
                found.setdefault(shape, ())
            case str() if not child:
                leaves.add((*shape, segment))
        _collect_keys(child, (*shape, segment) if isinstance(segment, str) else shape, found, leaves)


def _weight(owner: FieldOwner) -> tuple[bool, datetime]:
    return owner.manager != FIELD_MANAGER, owner.at or datetime.min.replace(tzinfo=UTC)
