"""Taking an object over: what others set becomes ours before the apply, so that the apply removes what git has not.

After a plain server-side apply the entry of `kubectl apply` still holds every field that it ever set, and a field that
leaves the config repo would stay for ever (kubernetes#99003). So their entries are joined into ours first.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import reduce
from operator import getitem
from typing import Any, Final, TypeAlias

from gitops_push.core.added_fields import AddedField
from gitops_push.core.field_set import FieldSet
from gitops_push.core.fielddiff import ABSENT, MergeKeys, same, shape_of
from gitops_push.core.fieldpath import FieldPath, prefixes, resolve, value_at
from gitops_push.core.managed_fields import ManagerEntry, is_ours, manager_entries, merge_keys, our_entry, our_paths
from gitops_push.core.managed_fields_upgrade import Entry, given_up, handed_over, upgraded
from gitops_push.core.objects import Body
from gitops_push.core.owners import OtherOwner, other_owners
from gitops_push.core.ownership import is_peoples_tool
from gitops_push.core.secret_values import LAST_APPLIED
from gitops_push.core.takeovers import NO_TAKEOVERS, Takeovers
from gitops_push.core.yielding import Yield

_CLIENT_SIDE_APPLY: Final = "kubectl-client-side-apply"
_BEFORE_APPLY: Final = frozenset({"before-first-apply", "kubectl", "kubectl-create", "kubectl-replace"})
"""As what an object may have begun that `kubectl apply` manages since; each still holds what it set then."""

_SERVER_SIDE: Final = frozenset({"kubectl", "kubectl-last-applied"})
_LAST_APPLIED_PATH: Final[FieldPath] = ("metadata", "annotations", LAST_APPLIED)
_METADATA: Final = ("annotations", "finalizers", "labels", "ownerReferences")
"""The parts of metadata that somebody sets; the rest is the server's."""

JsonPatch: TypeAlias = tuple[dict[str, Any], ...]
"""The operations of an RFC 6902 patch."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """What becomes ours: these entries of managedFields. `removed` are the labels and annotations that go with them.

    `owners` are the tools other than kubectl that lose the object. `added` are fields that people added beside ours:
    they alone become ours of what these people set, to be removed.
    """

    entries: tuple[ManagerEntry, ...]
    removed: tuple[FieldPath, ...] = ()
    owners: tuple[OtherOwner, ...] = ()
    added: tuple[AddedField, ...] = ()

    @property
    def changes_object(self) -> bool:
        """Return whether anything is to be handed over before the apply."""
        return bool(self.entries or self.removed or self.added)

    def absorbs(self, entry: Entry) -> bool:
        """Return whether an entry of managedFields is joined into ours; those of subresources never are."""
        who = (str(entry.get("manager") or ""), str(entry.get("operation") or ""))
        return not entry.get("subresource") and not is_ours(entry) and who in {_who(known) for known in self.entries}

    def takes(self, entry: Entry, path: FieldPath) -> bool:
        """Return whether one field of an entry becomes ours: it is an added one, or inside of one."""
        by_people = entry.get("operation") == "Update" and is_peoples_tool(str(entry.get("manager")))
        return by_people and not entry.get("subresource") and any(path[: len(a.path)] == a.path for a in self.added)


@dataclass(frozen=True, slots=True)
class Preview:
    """An object before and after the apply that follows its migration, the server's defaults included."""

    adoption: Adoption
    live: Body = field(repr=False)
    merged: Body = field(repr=False)


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms objects are taken over: for which ApplySet, and from which owners other than kubectl.

    A manager to which the request leaves a field (`yields`) keeps its entry.
    """

    set_ids: frozenset[str]
    takeovers: Takeovers = NO_TAKEOVERS
    yields: tuple[Yield, ...] = ()


def adoption_of(live: Body, wanted: Body, terms: Terms, added: tuple[AddedField, ...] = ()) -> Adoption | None:
    """Return what is to be taken over before `wanted` is applied, or None: the object is ours, or nobody's.

    `added` is to be removed with it.
    """
    owners = tuple(_losing_owners(live, terms))
    entries = _entries(live, owners, terms.yields)
    if not (entries or owners or added):
        return None
    last_applied = (_LAST_APPLIED_PATH,) if entries else ()
    keys = (*last_applied, *(path for owner in owners for path in owner.keys))
    removed = (path for path in keys if value_at(path, live, ABSENT) is not ABSENT)
    going = tuple(path for path in removed if value_at(path, wanted, ABSENT) is ABSENT)
    return Adoption(entries, going, owners, added)


def migration_patch(live: Body, adoption: Adoption) -> JsonPatch:
    """Return the patch that hands the fields over: it holds for this object at this resourceVersion only.

    A resourceVersion that moved on is answered with 409, because it is replaced and not tested.
    """
    migrated = migrated_body(live, adoption)["metadata"]["managedFields"]
    metadata = live["metadata"]
    guards = (
        {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
    )
    removals = ({"op": "remove", "path": _pointer(path)} for path in adoption.removed)
    return (*guards, {"op": "replace", "path": "/metadata/managedFields", "value": migrated}, *removals)


def migrated_body(live: Body, adoption: Adoption) -> dict[str, Any]:
    """Return the live object as the migration leaves it: other owners, the same values without the removed keys."""
    body = _without(live, adoption.removed)
    entries = body["metadata"].get("managedFields") or ()
    body["metadata"]["managedFields"] = list(handed_over(upgraded(entries, adoption.absorbs), adoption.takes))
    return body


def expected_body(migrated: Body, merged: Body, wanted: Body, adoption: Adoption) -> dict[str, Any]:
    """Return what an apply of `wanted` makes of a migrated object, before the server sets its defaults.

    `merged` is the answer to a dry run on the object as it is now: the same, with the fields that still belong to the
    others. Those that neither the manifest nor another manager has go, and the maps and lists that this leaves empty.
    """
    left = [raw for raw in merged["metadata"].get("managedFields") or () if not adoption.absorbs(raw)]
    body = _without(merged, adoption.removed)
    body["metadata"]["managedFields"] = list(given_up(left, adoption.takes)[0])
    kept = [path for held in manager_entries(body) for path in held.paths()]
    empty = frozenset(path for path in kept if value_at(path, wanted, ABSENT) == {})
    gone = _uncovered(our_paths(migrated), kept, empty)
    return _pruned(body, gone - frozenset(_outlasting(gone, body, merge_keys(migrated, merged))))


def preview_patch(live: Body, expected: Body) -> JsonPatch:
    """Return the patch that makes `expected` of a live object: dry-run, its answer has the server's defaults.

    It replaces whole parts, so that a status written meanwhile makes no difference.
    """
    return tuple(_replacements(live, expected))


def previewed(answer: Body, expected: Body) -> dict[str, Any]:
    """Return the answer to the preview with the owners that the apply will leave."""
    metadata = {**answer["metadata"], "managedFields": expected["metadata"]["managedFields"]}
    return {**answer, "metadata": metadata}


def _losing_owners(live: Body, terms: Terms) -> Iterator[OtherOwner]:
    """Yield the owners other than kubectl that lose the object; nobody is looked for where nobody was named."""
    for owner in other_owners(live, terms.set_ids) if terms.takeovers.owners else ():
        if terms.takeovers.named(owner.takeover):
            yield owner


def _entries(live: Body, owners: Iterable[OtherOwner], yields: Iterable[Yield]) -> tuple[ManagerEntry, ...]:
    """Return the entries that become ours, in their order in the live object."""
    globs = tuple(glob for owner in owners for glob in owner.managers)
    spared = {left.owner.manager for left in yields if left.owner and left.sent is None}
    kubectl = tuple(_kubectl_entries(live))
    return tuple(
        entry
        for entry in manager_entries(live)
        if entry.owner.manager not in spared
        and (entry in kubectl or (not entry.owner.subresource and _is_one_of(entry.owner.manager, globs)))
    )


def _is_one_of(manager: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(manager, glob) for glob in globs)


def _kubectl_entries(live: Body) -> Iterator[ManagerEntry]:
    """Yield what `kubectl apply` set, and what people set by kubectl before they applied for the first time."""
    entries = [entry for entry in manager_entries(live) if not entry.owner.subresource]
    applied = [entry for entry in entries if _is_client_side_apply(entry)]
    for entry in entries:
        manager, operation = _who(entry)
        began = bool(applied) and operation == "Update" and manager in _BEFORE_APPLY
        server_side = operation == "Apply" and manager in _SERVER_SIDE and our_entry(live) is None
        if entry in applied or began or server_side:
            yield entry


def _is_client_side_apply(entry: ManagerEntry) -> bool:
    manager, operation = _who(entry)
    if operation != "Update" or not is_peoples_tool(manager):
        return False
    annotations = (entry.fields.get("f:metadata") or {}).get("f:annotations") or {}
    return manager == _CLIENT_SIDE_APPLY or f"f:{LAST_APPLIED}" in annotations


def _who(entry: ManagerEntry) -> tuple[str, str]:
    return entry.owner.manager, entry.owner.operation


def _uncovered(
    before: Iterable[FieldPath], kept: Iterable[FieldPath], empty: frozenset[FieldPath]
) -> frozenset[FieldPath]:
    """Return the topmost fields that were set and that nobody sets any more, as the server prunes them.

    `empty` are those of `kept` that are maps without anything: unlike an atomic map, they hold nothing that is in them.
    """
    set_by_somebody = FieldSet(kept)
    whole = frozenset(path for path in set_by_somebody if not set_by_somebody.has_below(path)) - empty

    def is_gone(path: FieldPath) -> bool:
        if path in set_by_somebody or set_by_somebody.has_below(path):
            return False
        return not any(ancestor in whole for ancestor in prefixes(path))

    members = frozenset(before)
    # A struct is no member of a set, but nothing is left of it when its last field goes.
    structs = frozenset(up for path in members for up in prefixes(path) if isinstance(up[-1], str))
    return frozenset(FieldSet(path for path in members | structs if is_gone(path)).tops())


def _outlasting(gone: Iterable[FieldPath], body: Body, keys: MergeKeys) -> Iterator[FieldPath]:
    """Yield lists of single items without any: the server prunes items only (tried on a real API server).

    Whether a list is one of single items shows where managedFields have an item of it, or of its like.
    """
    return (path for path in gone if value_at(path, body) == [] and shape_of(path) in keys.keys)


def _pruned(body: Body, paths: frozenset[FieldPath]) -> dict[str, Any]:
    """Return a copy without these values, and with null for each map and list that is left empty, even if wanted as {}.

    So the server prunes (tried on a real one); it drops the null then, but where the definition leaves the type open.
    """
    there = [path for path in paths if value_at(path, body, ABSENT) is not ABSENT]
    left = _without(body, there)
    for around in {path[:-1] for path in there}:
        if value_at(around, left) in ({}, []):
            *way, last = resolve(around, left)
            _at(left, way)[last] = None
    return left


def _without(body: Body, paths: Iterable[FieldPath]) -> dict[str, Any]:
    """Return a deep copy of an object without the values at these paths, of which none lies below another."""
    result: dict[str, Any] = copy.deepcopy(dict(body))
    found = (steps for path in paths if len(steps := resolve(path, result)) == len(path))
    for *way, last in sorted(found, key=_by_index, reverse=True):  # the last items of a list first
        del _at(result, way)[last]
    return result


def _at(node: Any, way: Iterable[str | int]) -> Any:
    return reduce(getitem, way, node)


def _by_index(steps: tuple[str | int, ...]) -> tuple[tuple[int, str], ...]:
    return tuple((step, "") if isinstance(step, int) else (0, step) for step in steps)


def _replacements(live: Body, expected: Body) -> Iterator[dict[str, Any]]:
    """Yield operations on whole parts: everything but the identity, the status and the server's metadata."""
    names = (live.keys() | expected.keys()) - {"apiVersion", "kind", "metadata", "status"}
    places = ((live, expected, (name,)) for name in sorted(names))
    metadata = ((live["metadata"], expected["metadata"], ("metadata", name)) for name in _METADATA)
    for before, after, path in (*places, *metadata):
        value = after.get(path[-1], ABSENT)
        if value is ABSENT and path[-1] in before:
            yield {"op": "remove", "path": _pointer(path)}
        elif value is not ABSENT and not same(before.get(path[-1], ABSENT), value):
            yield {"op": "add", "path": _pointer(path), "value": value}


def _pointer(path: Iterable[object]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
