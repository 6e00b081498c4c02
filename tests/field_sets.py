"""Field sets as server-side apply keeps them in managedFields: an independent model of the merge for the fake server.

A path is a tuple of segments as fieldsV1 spells them: `f:spec`, `k:{"name":"web"}`, `v:"x"`. A set holds leaves and the
items of keyed lists. Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/ (merge strategy).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str, ...]
Paths: TypeAlias = frozenset[Path]

MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "conditions": ("type",),
    "containers": ("name",),
    "env": ("name",),
    "ephemeralContainers": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ownerReferences": ("uid",),
    "secrets": ("name",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
PORT_KEYS = (("containerPort", "protocol"), ("port", "protocol"))
SETS = frozenset({"finalizers"})


def merge_keys(field: str, items: Iterable[Any]) -> tuple[str, ...]:
    """Return the keys of a list by the name of its field, () if it is atomic."""
    entries = list(items)
    if not entries or not all(isinstance(item, dict) for item in entries):
        return ()
    if field == "ports":
        return next((keys for keys in PORT_KEYS if all(keys[0] in item for item in entries)), ())
    keys = MERGE_KEYS.get(field, ())
    return keys if keys and all(keys[0] in item for item in entries) else ()


def item_key(item: dict[str, Any], keys: tuple[str, ...]) -> str:
    """Return the segment of an item of a keyed list; a missing protocol is TCP."""
    chosen = {key: item.get(key, "TCP") if key == "protocol" else item[key] for key in keys}
    return "k:" + json.dumps(chosen, separators=(",", ":"), sort_keys=True)


def paths_of(value: Any, field: str = "") -> Paths:
    """Return all paths of a value: its leaves, and the items of its keyed lists."""
    if isinstance(value, dict) and value:
        return frozenset((f"f:{key}", *rest) for key, child in value.items() for rest in paths_of(child, key))
    if isinstance(value, list) and field in SETS:
        return frozenset({(f"v:{json.dumps(item)}",) for item in value})
    keys = merge_keys(field, value) if isinstance(value, list) else ()
    if not keys:
        return frozenset({()})
    below = {(item_key(item, keys), *rest) for item in value for rest in paths_of(item)}
    return frozenset(below | {(item_key(item, keys),) for item in value})


def applied_paths(body: dict[str, Any]) -> Paths:
    """Return what an applied object claims: everything but its identity and what the server sets."""
    metadata = {
        key: value
        for key, value in body.get("metadata", {}).items()
        if key in {"labels", "annotations", "finalizers", "ownerReferences"}
    }
    rest = {key: value for key, value in body.items() if key not in {"apiVersion", "kind", "metadata"}}
    return paths_of({**rest, **({"metadata": metadata} if metadata else {})}) - {()}


MISSING = object()


def value_at(value: Any, path: Path, field: str = "") -> Any:
    """Return the value at a path, `MISSING` if there is none; True for a member of a set."""
    if not path:
        return value
    head, rest = path[0], path[1:]
    if head.startswith("f:"):
        return value_at(value[head[2:]], rest, head[2:]) if isinstance(value, dict) and head[2:] in value else MISSING
    if not isinstance(value, list):
        return MISSING
    if head.startswith("v:"):
        return True if json.loads(head[2:]) in value else MISSING
    keys = merge_keys(field, value)
    found = next((item for item in value if keys and item_key(item, keys) == head), MISSING)
    return found if found is MISSING else value_at(found, rest)


def merge(live: Any, wanted: Any, field: str = "") -> Any:
    """Return `live` with `wanted` merged into it; neither is changed."""
    if isinstance(live, dict) and isinstance(wanted, dict):
        both = {key: merge(live[key], child, key) if key in live else child for key, child in wanted.items()}
        return copy.deepcopy({**live, **both})
    if not (isinstance(live, list) and isinstance(wanted, list)):
        return copy.deepcopy(wanted)
    if field in SETS:
        return [*live, *(item for item in wanted if item not in live)]
    keys = merge_keys(field, [*live, *wanted])
    if not keys:
        return copy.deepcopy(wanted)
    by_key = {item_key(item, keys): item for item in live}
    for item in wanted:
        key = item_key(item, keys)
        by_key[key] = merge(by_key[key], item) if key in by_key else copy.deepcopy(item)
    return list(by_key.values())


def without(value: Any, path: Path, field: str = "") -> Any:
    """Return the value without what is at `path`; mappings and lists that become empty go too (`MISSING`)."""
    if not path:
        return MISSING
    head, rest = path[0], path[1:]
    if isinstance(value, dict):
        key = head[2:]
        if key not in value:
            return value
        child = without(value[key], rest, key)
        kept = {name: other for name, other in value.items() if name != key}
        return {**value, key: child} if child is not MISSING else kept or MISSING
    if not isinstance(value, list):
        return value
    if head.startswith("v:"):
        return [item for item in value if item != json.loads(head[2:])] or MISSING
    keys = merge_keys(field, value)
    changed = [without(item, rest) if keys and item_key(item, keys) == head else item for item in value]
    return [item for item in changed if item is not MISSING] or MISSING


def is_key_field(path: Path) -> bool:
    """Return whether a path is a key of an item of a keyed list: it lives as long as its item."""
    return len(path) > 1 and path[-2].startswith("k:") and path[-1][2:] in json.loads(path[-2][2:])


def to_fields_v1(paths: Paths) -> dict[str, Any]:
    """Return the fieldsV1 form of a set."""
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        node = tree
        for segment in path:
            node = node.setdefault(segment, {})
        if any(other[: len(path)] == path and other != path for other in paths):
            node["."] = {}
    return tree


def from_fields_v1(tree: dict[str, Any]) -> Paths:
    """Return the set that a fieldsV1 tree stands for."""
    paths: set[Path] = set()
    for segment, child in tree.items():
        if segment == ".":
            paths.add(())
        elif not child:
            paths.add((segment,))
        else:
            paths.update((segment, *rest) for rest in from_fields_v1(child))
    return frozenset(paths)
