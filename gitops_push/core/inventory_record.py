"""How an inventory is stored: one ConfigMap, the record; with shards beside it where its list is too large for that."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NoReturn

from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem, RefusedError
from gitops_push.core.inventory import (
    SET_ID_LABEL,
    TOOL,
    Inventory,
    InventoryEntry,
    InventoryState,
    RecordName,
    Shard,
    applyset_id,
)
from gitops_push.core.inventory_shards import (
    Packed,
    entries_of,
    is_too_large,
    objects_text,
    pack,
    shard_fields,
    shard_name,
    shard_of,
    text_of,
    unpack,
)
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.run_identity import identity_data, identity_from

_TOOLING: Final = "applyset.kubernetes.io/tooling"
_GROUP_KINDS: Final = "applyset.kubernetes.io/contains-group-kinds"
_NAMESPACES: Final = "applyset.kubernetes.io/additional-namespaces"
_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MADE_BY_US: Final = f"{_MANAGED_BY}={TOOL},{SET_ID_LABEL}"
"""The label selector that finds the records of all inventories."""

SHARD_OF_LABEL: Final = "gitops-push.dev/shard-of"
"""On every shard; its value is the id of the set."""

_SHARD_KEY: Final = "objects.json.gz"
_SCHEMA_VERSION: Final = "1"
_ANNOTATIONS_LIMIT_BYTES: Final = 262_144
_WHOSE: Final = "nothing is pruned on its word: look whose it is, or set another `project:` or `namespace:`"


def needs_shards(inventory: Inventory) -> bool:
    """Return whether the list is too large for the record itself."""
    return is_too_large(objects_text(inventory.entries))


def laid_out(inventory: Inventory) -> tuple[Inventory, tuple[dict[str, Any], ...]]:
    """Return the inventory with the shards that its record will name, and the ConfigMaps of those that are new.

    What the stored version has already is shared with it: that can only go when the version is swapped, and then this
    one is too late as well.
    """
    if not needs_shards(inventory):
        generation = inventory.generation + 1 if inventory.generation else 0
        return replace(inventory, shards=(), generation=generation), ()
    generation = inventory.generation + 1
    packed = pack(tuple(sorted(inventory.entries)))
    known = {shard.digest: shard for shard in inventory.shards}
    shards = tuple(known.get(part.digest) or _shard(inventory, generation, part) for part in packed)
    contents = dict(zip(shards, packed, strict=True))
    new = tuple(_shard_body(inventory, shard, contents[shard]) for shard in shards if shard.digest not in known)
    return replace(inventory, shards=shards, generation=generation), new


def to_config_map(inventory: Inventory) -> dict[str, Any]:
    """Return the record of a laid out inventory, with resourceVersion and uid if it exists: then a PUT is a swap."""
    metadata: dict[str, Any] = {
        "name": inventory.name,
        "namespace": inventory.namespace,
        "labels": {SET_ID_LABEL: inventory.id, _MANAGED_BY: TOOL},
        "annotations": {
            _TOOLING: f"{TOOL}/v1",
            _GROUP_KINDS: ",".join(sorted({_group_kind(entry.ref) for entry in inventory.entries})),
            _NAMESPACES: ",".join(sorted(_namespaces(inventory) - {inventory.namespace, ""})),
        },
    }
    if inventory.resource_version:
        metadata |= {"resourceVersion": inventory.resource_version, "uid": inventory.uid}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": _data(inventory)}


def record_problem(inventory: Inventory) -> Problem | None:
    """Return why the server would not take the record, however its list is stored, or None."""
    annotations = to_config_map(inventory)["metadata"]["annotations"]
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size <= _ANNOTATIONS_LIMIT_BYTES:
        return None
    count = len(_namespaces(inventory))
    text = f"the kinds and the {count:,} namespaces of the inventory {inventory.ref} take {size:,} bytes of annotations"
    hint = f"a server takes at most {_ANNOTATIONS_LIMIT_BYTES:,}: split the environment"
    return Problem(Code.BUDGET_EXCEEDED, text, ref=inventory.ref, hint=hint)


def shards_named(body: Body) -> tuple[Shard, ...]:
    """Return the shards that a live ConfigMap names. Raises `RefusedError` like `from_config_map`."""
    ref = _checked(body)
    try:
        return tuple(shard_of(fields) for fields in json.loads((body.get("data") or {}).get("shards", "[]")))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        refuse_damaged(ref, f"{type(error).__name__} in its data")


def from_config_map(body: Body, shards: Mapping[str, Body | None] | None = None) -> Inventory:
    """Return the inventory that a live ConfigMap holds, with the bodies of the shards that it names, by name.

    Raises `RefusedError` when it is not one of ours, is damaged, or was written by a later version: pruning by a list
    that cannot be trusted would delete the wrong objects.
    """
    ref, named = _checked(body), shards_named(body)
    try:
        parts = [_unpacked(ref, shard, (shards or {}).get(shard.name)) for shard in named]
        return _read(body["metadata"], body["data"], named, [entry for part in parts for entry in part])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        refuse_damaged(ref, f"{type(error).__name__} in its data")


def replaceable(body: Body, new: Inventory) -> Inventory:
    """Return the empty inventory that may replace a damaged record. Raises `RefusedError` if that is not ours."""
    _checked(body)
    metadata, data = body["metadata"], body.get("data") or {}
    generation = str(data.get("generation", ""))
    return replace(
        new,
        resource_version=str(metadata.get("resourceVersion", "")),
        uid=str(metadata.get("uid", "")),
        generation=int(generation) if generation.isdecimal() else 0,
    )


def additional_namespaces(body: Body) -> tuple[str, ...]:
    """Return the namespaces that a record names besides its own, whatever else is wrong with it."""
    annotations = (body.get("metadata") or {}).get("annotations") or {}
    return tuple(filter(None, str(annotations.get(_NAMESPACES, "")).split(",")))


def _checked(body: Body) -> ObjectRef:
    metadata = body.get("metadata") or {}
    ref = ObjectRef("", "ConfigMap", str(metadata.get("namespace", "")), str(metadata.get("name", "")))
    tooling = (metadata.get("annotations") or {}).get(_TOOLING, "")
    if tooling.rpartition("/")[0] != TOOL:
        _refuse_foreign(ref, f"belongs to {tooling!r}" if tooling else "exists, but is no inventory of gitops-push")
    if (metadata.get("labels") or {}).get(SET_ID_LABEL) != applyset_id(ref.name, ref.namespace):
        _refuse_foreign(ref, f"has the wrong id in its label {SET_ID_LABEL}")
    version = (body.get("data") or {}).get("schemaVersion", _SCHEMA_VERSION)
    if version != _SCHEMA_VERSION:
        why = f"has schemaVersion {version!r}; this version of gitops-push reads '{_SCHEMA_VERSION}'"
        _refuse_foreign(ref, why, "deploy with the version of gitops-push that wrote it, or a later one")
    return ref


def _unpacked(record: ObjectRef, shard: Shard, body: Body | None) -> tuple[InventoryEntry, ...]:
    where = f"its shard {record.namespace}/{shard.name}"
    if body is None:
        refuse_damaged(record, f"{where} is missing")
    try:
        return unpack(base64.b64decode((body.get("binaryData") or {})[_SHARD_KEY]), shard)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        refuse_damaged(record, f"{where} does not hold what it should: {error}")


def _shard(inventory: Inventory, generation: int, part: Packed) -> Shard:
    return Shard(shard_name(inventory.name, generation, part.digest), part.digest, part.objects)


def _shard_body(inventory: Inventory, shard: Shard, part: Packed) -> dict[str, Any]:
    labels = {SHARD_OF_LABEL: inventory.id, _MANAGED_BY: TOOL}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": shard.name, "namespace": inventory.namespace, "labels": labels},
        "binaryData": {_SHARD_KEY: base64.b64encode(part.content).decode()},
        "immutable": True,
    }


def _group_kind(ref: ObjectRef) -> str:
    return f"{ref.kind}.{ref.group}" if ref.group else ref.kind


def _namespaces(inventory: Inventory) -> set[str]:
    return {entry.ref.namespace for entry in inventory.entries}


def _data(inventory: Inventory) -> dict[str, str]:
    data = {
        "schemaVersion": _SCHEMA_VERSION,
        "project": inventory.project,
        "environment": inventory.environment,
        "state": inventory.state.value,
        "commit": inventory.commit,
        "digest": inventory.manifest_digest,
    }
    if inventory.shards:
        data["shards"] = _lines(json.dumps(shard_fields(shard)) for shard in inventory.shards)
    else:
        data["objects"] = objects_text(inventory.entries)
    if inventory.generation:
        data["generation"] = str(inventory.generation)
    if inventory.former:
        data["renamedFrom"] = str(inventory.former)
    if inventory.key:
        data["planKey"] = inventory.key
    if inventory.attempt:
        data["attempt"] = inventory.attempt
    if told := identity_data(inventory.deployed_by):
        data["deployedBy"] = json.dumps(told, ensure_ascii=False)
    if inventory.ancestors:
        data["ancestors"] = " ".join(inventory.ancestors)
    if inventory.deployed_at is not None:
        data["deployedAt"] = inventory.deployed_at.isoformat()
    return data


def _lines(items: Iterable[str]) -> str:
    return "[\n" + ",\n".join(items) + "\n]\n"


def _read(
    metadata: Mapping[str, Any], data: Mapping[str, Any], shards: tuple[Shard, ...], entries: Iterable[InventoryEntry]
) -> Inventory:
    deployed_at = data.get("deployedAt")
    return Inventory(
        project=text_of(data["project"]),
        environment=text_of(data["environment"]),
        namespace=text_of(metadata["namespace"]),
        name=text_of(metadata["name"]),
        entries=tuple(sorted(entries)) if shards else entries_of(data["objects"]),
        state=InventoryState(data["state"]),
        commit=text_of(data["commit"]),
        manifest_digest=text_of(data["digest"]),
        deployed_at=datetime.fromisoformat(deployed_at) if deployed_at else None,
        resource_version=text_of(metadata.get("resourceVersion", "")),
        uid=text_of(metadata.get("uid", "")),
        key=text_of(data.get("planKey", "")),
        attempt=text_of(data.get("attempt", "")),
        ancestors=tuple(text_of(data.get("ancestors", "")).split()),
        deployed_by=identity_from(json.loads(data.get("deployedBy") or "{}")),
        shards=shards,
        generation=int(data.get("generation", "0")),
        former=_record_name(text_of(data.get("renamedFrom", ""))),
    )


def _record_name(text: str) -> RecordName | None:
    namespace, slash, name = text.partition("/")
    if text and not (namespace and slash and name):
        raise ValueError("no record")
    return RecordName(namespace, name) if text else None


def _refuse_foreign(ref: ObjectRef, why: str, hint: str = _WHOSE) -> NoReturn:
    raise RefusedError(Problem(Code.INVENTORY_MISMATCH, f"the inventory {ref} {why}", ref=ref, hint=hint))


def refuse_damaged(ref: ObjectRef, what: str) -> NoReturn:
    """Raise the error of a record whose list cannot be trusted."""
    hint = (
        "nothing is pruned on its word: restore it from a backup, or let `gitops-push inventory adopt ENV` make it "
        "anew of the objects that carry its label"
    )
    raise RefusedError(Problem(Code.INVENTORY_DAMAGED, f"the inventory {ref} is damaged: {what}", ref=ref, hint=hint))
