"""Proves that an apply would leave a live object as it is, without asking the server.

Server-side apply merges a manifest into the live object, and records as ours exactly the fields that the manifest has
(KEP-555; structured-merge-diff, `merge/update.go` and `typed/tofieldset.go`). If our entry of managedFields is that set
already and every value in it is equal, the merge is the live object and the record stays: nothing would be written.

The proof reads the manifest beside our entry, whose form shows how the server treats each field: a field without
members is a scalar or is set as a whole, `k:` and `v:` are items of lists that are merged. Whatever has two readings,
or could be spelled differently by the server, is a doubt: then the dry run decides. An entry is taken as the server
writes it, not as somebody might edit it by hand (a list of items made to look like one value). What the proof cannot
see is the caller's to exclude: admission that changes objects (`core.mutation`), and a definition that changed since
our last apply. It says nothing of whether a validating policy would still accept the object.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from gitops_push.core.fielddiff import ABSENT
from gitops_push.core.managed_fields import FIELD_MANAGER, ManagerEntry, manager_entries, read_time
from gitops_push.core.objects import Body


class Verify(StrEnum):
    """Which objects the server is asked about: all, or those that are not proven unchanged."""

    ALL = "all"
    CHANGED = "changed"


class Doubt(StrEnum):
    """Why an object is not proven to be unchanged."""

    DELETED = "it is being deleted"
    KIND = "admission of the API server itself may change objects of its kind"
    ENTRY = "our applies have no entry of their own, or it is of another version"
    OWNED = "the fields that are ours are not those of the manifest"
    VALUE = "a value differs, or is spelled in another way"
    ORDER = "items of a list stand in another order, or twice"
    UNCLEAR = "whether a map is set as a whole is not known"


ATOMIC_MAPS: Final = frozenset(
    {"configMapKeyRef", "controllerExpandSecretRef", "controllerPublishSecretRef", "dataSource"}
    | {"fieldRef", "fileKeyRef", "involvedObject", "labelSelector", "matchConstraints", "matchResources"}
    | {"namespaceSelector", "nodeExpandSecretRef", "nodePublishSecretRef", "nodeSelector"}
    | {"nodeStageSecretRef", "nodeTopology", "objectSelector", "paramKind", "paramRef", "podSelector"}
    | {"preference", "regarding", "related", "resourceFieldRef", "roleRef", "scopeSelector"}
    | {"secretKeyRef", "selector", "targetRef"}
)
"""Fields of Kubernetes' own kinds that are set as a whole wherever they hold a map (`x-kubernetes-map-type: atomic`).

In managedFields such a map looks like an empty one that has been filled by defaults since.
"""

_CHANGED_BY_ADMISSION: Final = frozenset({"Pod"})
"""Plugins of the API server add tolerations and priorities to a pod at every write (DefaultTolerationSeconds)."""

_SETTLING: Final = timedelta(seconds=60)
"""So long after a write to a definition an apply may still have gone by the old one, or by another server's clock."""

_IDENTITY: Final = frozenset({"apiVersion", "kind", "metadata"})
_NAMES: Final = frozenset({"name", "namespace"})


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the fields of an object are read.

    `atomic` are maps that are set as a whole, `defaults` what the server adds to some of them, `filled` maps that are
    never set as a whole and that defaults fill. `member_maps`: maps may be members of a set. The values of a map
    without declared fields are; Kubernetes' own kinds have none outside of atomic lists, so "." there comes from an
    update (`kubectl apply` that was taken over).
    """

    atomic: frozenset[str] = frozenset()
    defaults: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    filled: frozenset[str] = frozenset()
    member_maps: bool = False


_BUILT_IN: Final = _Reading(
    atomic=ATOMIC_MAPS,
    defaults={"fieldRef": {"apiVersion": "v1"}, "resourceFieldRef": {"divisor": "0"}},
    filled=frozenset({"rollingUpdate", "strategy", "updateStrategy"}),
)
_CUSTOM: Final = _Reading(member_maps=True)


def doubt_about(live: Body, body: Body, *, custom: bool) -> Doubt | None:
    """Return what keeps an apply of `body` from being proven to change nothing of `live`, or None: it is proven.

    `custom` says that a CustomResourceDefinition defines the kind; it must be settled (`is_settled`).
    """
    metadata = live.get("metadata") or {}
    if metadata.get("deletionTimestamp"):
        return Doubt.DELETED
    if not custom and body.get("kind") in _CHANGED_BY_ADMISSION:
        return Doubt.KIND
    entry = _only_entry(live)
    if entry is None or not entry.api_version == live.get("apiVersion") == body.get("apiVersion"):
        return Doubt.ENTRY
    return _object_doubt(entry.fields, body, live, _CUSTOM if custom else _BUILT_IN)


def is_settled(definition: Body, live: Body) -> bool:
    """Return whether our entry in `live` was made by the present schema of its CustomResourceDefinition.

    The entry's time says when our fields changed for the last time; it must be later than every write to the
    definition, those to its status excepted.
    """
    entry = _only_entry(live)
    if entry is None or entry.owner.at is None:
        return False
    writes = [other.owner.at for other in manager_entries(definition) if not other.owner.subresource]
    writes.append(read_time((definition.get("metadata") or {}).get("creationTimestamp")))
    return all(at is not None and at + _SETTLING < entry.owner.at for at in writes)


def _only_entry(live: Body) -> ManagerEntry | None:
    """Return our entry, if our manager has no other."""
    raw = (live.get("metadata") or {}).get("managedFields") or ()
    if sum(entry.get("manager") == FIELD_MANAGER for entry in raw) != 1:
        return None
    return next((entry for entry in manager_entries(live) if entry.is_ours), None)


def _object_doubt(fields: Mapping[str, Any], body: Body, live: Body, reading: _Reading) -> Doubt | None:
    """Compare the manifest with our entry; identity is never in it (`stripmeta.go` of the API server)."""
    wanted = {key: value for key, value in body.items() if key not in _IDENTITY}
    rest = {key: value for key, value in fields.items() if key != "f:metadata"}
    if any("." in child for child in rest.values()):
        return Doubt.OWNED
    metadata = {key: value for key, value in (body.get("metadata") or {}).items() if key not in _NAMES}
    return _fields_doubt(fields.get("f:metadata", {}), metadata, live.get("metadata") or {}, _BUILT_IN) or (
        _fields_doubt(rest, wanted, live, reading)
    )


def _fields_doubt(
    node: Mapping[str, Any], wanted: Mapping[str, Any], live: Any, reading: _Reading, *, member: bool = False
) -> Doubt | None:
    """Compare the fields of a map; `member`: the map itself is in the set, which "." says."""
    if not isinstance(live, Mapping):
        return Doubt.VALUE
    if len(node) != len(wanted) + member or ("." in node) is not member:
        return Doubt.OWNED
    for key, value in wanted.items():
        child = node.get(f"f:{key}")
        if child is None:
            return Doubt.OWNED
        doubt = _value_doubt(key, child, value, live.get(key, ABSENT), reading)
        if doubt is not None:
            return doubt
    return None


def _value_doubt(name: str, node: Mapping[str, Any], wanted: Any, live: Any, reading: _Reading) -> Doubt | None:
    if not node:
        return _leaf_doubt(name, wanted, live, reading)
    if isinstance(wanted, Mapping) and wanted:
        return _fields_doubt(node, wanted, live, reading, member=reading.member_maps and "." in node)
    if live is ABSENT:
        return Doubt.VALUE
    if isinstance(wanted, list) and isinstance(live, list):
        return _items_doubt(node, wanted, live, reading)
    return Doubt.OWNED


def _leaf_doubt(name: str, wanted: Any, live: Any, reading: _Reading) -> Doubt | None:
    """Compare what our entry has no members of: a scalar, an empty map, or what is set as a whole."""
    if isinstance(wanted, Mapping) and wanted and name not in reading.atomic:
        return Doubt.UNCLEAR
    if live is ABSENT:
        # An empty list that the server left out counts as a change of the spec: it writes a new generation.
        return Doubt.VALUE
    if wanted == {} and name in reading.filled and isinstance(live, Mapping):
        return None
    if isinstance(wanted, Mapping) and name in reading.defaults:
        wanted = {**reading.defaults[name], **wanted}
    return None if _identical(wanted, live) else Doubt.VALUE


def _items_doubt(
    node: Mapping[str, Any], wanted: Sequence[Any], live: Sequence[Any], reading: _Reading
) -> Doubt | None:
    """Compare a list that is merged item by item: ours are in the live list, in the same order."""
    members = _members_of(node)
    if members is None or len(members.nodes) != len(wanted):
        return Doubt.OWNED
    items = _by_identity(live, members.identify)
    ours = _by_identity(wanted, members.identify)
    if items is None or ours is None:
        return Doubt.ORDER
    if ours.keys() != members.nodes.keys():
        return Doubt.OWNED
    if not ours.keys() <= items.keys():
        return Doubt.VALUE
    if [identity for identity in items if identity in ours] != list(ours):
        return Doubt.ORDER
    doubts = (_item_doubt(members.nodes[i], item, items[i], reading) for i, item in ours.items())
    return next((doubt for doubt in doubts if doubt is not None), None)


def _item_doubt(node: Mapping[str, Any], wanted: Any, live: Any, reading: _Reading) -> Doubt | None:
    if isinstance(wanted, Mapping) and not node and reading.member_maps:
        return Doubt.UNCLEAR  # an item that is set as a whole, or an entry that somebody edited by hand
    if not node:
        return None if _identical(wanted, live) else Doubt.VALUE
    if not isinstance(wanted, Mapping):
        return Doubt.OWNED
    return _fields_doubt(node, wanted, live, reading, member=True)


@dataclass(frozen=True, slots=True)
class _Members:
    """The items of a list in a set: the node of each by its identity, and how to tell the identity of an item."""

    nodes: Mapping[object, Mapping[str, Any]]
    identify: Callable[[Any], object | None]


def _members_of(node: Mapping[str, Any]) -> _Members | None:
    """Return the items, or None if the node is not one of a list whose items are all told apart in the same way."""
    tags = {key[:2] for key in node}
    if tags == {"v:"}:
        return _Members({_scalar(json.loads(key[2:])): child for key, child in node.items()}, _scalar)
    if tags != {"k:"}:
        return None
    keys = [json.loads(key[2:]) for key in node]
    names = tuple(sorted(keys[0]))
    if any(tuple(sorted(key)) != names for key in keys):
        return None

    def identify(item: Any) -> object | None:
        return _key_of(item, names)

    return _Members({identify(key): child for key, child in zip(keys, node.values(), strict=True)}, identify)


def _key_of(item: Any, names: Iterable[str]) -> object | None:
    """Return the merge keys of an item, or None where one is missing: the server would fill it in."""
    if not isinstance(item, Mapping):
        return None
    parts = tuple(_scalar(item.get(name)) for name in names)
    return None if None in parts else parts


def _scalar(value: Any) -> tuple[type, str | int | float | bool] | None:
    return (type(value), value) if isinstance(value, (str, int, float, bool)) else None


def _by_identity(items: Iterable[Any], identify: Callable[[Any], object | None]) -> dict[object, Any] | None:
    """Return the items by identity, in their order; None if one has none, or two have the same."""
    found: dict[object, Any] = {}
    for item in items:
        identity = identify(item)
        if identity is None or identity in found:
            return None
        found[identity] = item
    return found


def _identical(wanted: Any, live: Any) -> bool:
    """Return whether two values are the same to the letter: 1 and 1.0 are not, and null is never."""
    if type(wanted) is not type(live):
        return False
    if isinstance(wanted, dict):
        return wanted.keys() == live.keys() and all(_identical(value, live[key]) for key, value in wanted.items())
    if isinstance(wanted, list):
        return len(wanted) == len(live) and all(map(_identical, wanted, live))
    if isinstance(wanted, float):
        return repr(wanted) == repr(live)
    return wanted is not None and bool(wanted == live)
