"""Fields of a live object that people added and the config repo never set: a server-side apply leaves them alone.

A sidecar that someone added with `kubectl edit` survives every apply, and no dry run shows it (tried on a real API
server). managedFields tell: the field is not ours, and a person's tool set it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gitops_push.core.field_index import FieldIndex
from gitops_push.core.field_set import FieldSet
from gitops_push.core.fielddiff import ABSENT, FieldOwner
from gitops_push.core.fieldpath import FieldPath, ItemKey, ItemValue, covers, parse_field_path, prefixes, value_at
from gitops_push.core.managed_fields import ManagerEntry, manager_entries, our_entry, read_time
from gitops_push.core.objects import Body
from gitops_push.core.ownership import is_peoples_tool

_CREATORS: Final = frozenset({"before-first-apply", "kubectl-client-side-apply", "kubectl-create", "kubectl-replace"})
"""What these set includes every default of the object that they created. What `kubectl apply` made is taken over
(`core.adoption`), and what is left of the others cannot be told from defaults."""

_EDITORS: Final = frozenset(
    {"kubectl-annotate", "kubectl-edit", "kubectl-label", "kubectl-patch", "kubectl-rollout", "kubectl-scale"}
    | {"kubectl-set"}
)
"""These never create an object, so all that they set was set by hand."""

_RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"
_EXEMPT: Final = tuple(
    parse_field_path(text)
    for text in (
        "status",
        'metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]',
        'metadata.annotations["deployment.kubernetes.io/*"]',
        f'metadata.annotations["{_RESTARTED_AT}"]',
    )
)


@dataclass(frozen=True, slots=True)
class AddedField:
    """A field that a person added: a value, or a whole item of a list."""

    path: FieldPath
    value: Any
    owner: FieldOwner


def added_by_people(live: Body, ours: FieldSet) -> tuple[AddedField, ...]:
    """Return what people added beside our fields, sorted by path. `kubectl rollout restart` is no addition."""
    found: dict[FieldPath, AddedField] = {}
    values = FieldIndex(live)
    for entry in _peoples_entries(live):
        for path in _roots(entry.paths(), ours):
            value = values.value_at(path, ABSENT)
            if value is not ABSENT and not _is_exempt(path):
                found.setdefault(path, AddedField(path, value, entry.owner))
    return tuple(found[path] for path in sorted(found, key=lambda path: [str(segment) for segment in path]))


def added_beside(live: Body, wanted: Body, spared: Iterable[FieldPath] = ()) -> tuple[AddedField, ...]:
    """Return what people added to an object of ours that the request does not speak of, without the spared fields."""
    entry = our_entry(live)
    if entry is None:
        return ()
    patterns = tuple(spared)
    return tuple(
        added
        for added in added_by_people(live, entry.paths())
        if value_at(added.path, wanted, ABSENT) is ABSENT and not any(covers(p, added.path) for p in patterns)
    )


def _peoples_entries(live: Body) -> Iterator[ManagerEntry]:
    created_at = None if _is_made_by_us(live) else _created_at(live)
    for entry in manager_entries(live):
        owner = entry.owner
        if owner.operation != "Update" or owner.subresource or not is_peoples_tool(owner.manager):
            continue
        if owner.manager in _EDITORS or (owner.manager not in _CREATORS and not _is_from(created_at, owner)):
            yield entry


def _is_from(created_at: datetime | None, owner: FieldOwner) -> bool:
    return created_at is not None and owner.at == created_at


def _created_at(live: Body) -> datetime | None:
    return read_time((live.get("metadata") or {}).get("creationTimestamp"))


def _is_made_by_us(live: Body) -> bool:
    """Return whether our entry is as old as the object: then no other entry is its creator's."""
    entry = our_entry(live)
    return entry is not None and entry.owner.at == _created_at(live)


def _roots(paths: FieldSet, ours: FieldSet) -> Iterable[FieldPath]:
    """Yield the topmost items of lists and, outside of them, the leaves: as a person would name what was added."""
    foreign = frozenset(path for path in paths if not ours.covers(path))
    items = frozenset(path for path in foreign if isinstance(path[-1], (ItemKey, ItemValue)))
    for path in foreign:
        if any(ancestor in items for ancestor in prefixes(path)):
            continue
        if path in items or not paths.has_below(path):
            yield path


def _is_exempt(path: FieldPath) -> bool:
    return path[-1] == _RESTARTED_AT or any(covers(pattern, path) for pattern in _EXEMPT)
