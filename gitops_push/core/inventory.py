"""What an environment owns in the cluster: the record, its name, and how it is written down.

The record is one ConfigMap. It is a conformant ApplySet parent (KEP-3659, with the keys of kubectl's code), so that
kubectl recognises it and refuses to touch it, and it also holds an explicit list with uids: controllers copy labels to
their children, so a label alone never proves that an object is ours.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NoReturn

from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem, RefusedError
from gitops_push.core.fieldpath import FieldPath
from gitops_push.core.kinds import split_api_version
from gitops_push.core.objects import Body, ObjectRef

PART_OF_LABEL: Final = "applyset.kubernetes.io/part-of"
MEMBERSHIP: Final[FieldPath] = ("metadata", "labels", PART_OF_LABEL)
"""The field that makes an object a member of our set."""

"""On every member; its value is the id of the set."""

SET_ID_LABEL: Final = "applyset.kubernetes.io/id"
"""On the record itself."""

_TOOLING: Final = "applyset.kubernetes.io/tooling"
_GROUP_KINDS: Final = "applyset.kubernetes.io/contains-group-kinds"
_NAMESPACES: Final = "applyset.kubernetes.io/additional-namespaces"
_TOOL: Final = "gitops-push"
_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MADE_BY_US: Final = f"{_MANAGED_BY}={_TOOL}"
"""The label selector that finds inventories."""

_SCHEMA_VERSION: Final = "1"
_NAME_LIMIT: Final = 63
_HASH_LENGTH: Final = 8
_NOT_DNS: Final = re.compile(r"[^a-z0-9]+")


class InventoryState(StrEnum):
    """How the last run ended; `APPLYING` is what a killed run leaves behind, `FAILED` one that met an error."""

    APPLYING = "applying"
    FAILED = "failed"
    DONE = "done"
    UNHEALTHY = "unhealthy"
    PRUNE_PENDING = "prune pending"


UNFINISHED: Final = frozenset({InventoryState.APPLYING, InventoryState.FAILED})
"""After these nobody can tell which objects are as the recorded set says."""


@dataclass(frozen=True, slots=True, order=True)
class InventoryEntry:
    """An owned object. `uid` is "" while its creation is not confirmed; `api_version` is the one last applied."""

    ref: ObjectRef
    api_version: str
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """The record in the cluster. `resource_version` "" means that it does not exist yet (then `entries` is empty).

    `key` is random, made at the first deployment and kept for ever: tags of secret values in plans, and the digest of
    the set here, are keyed with it.
    """

    project: str
    environment: str
    namespace: str
    name: str
    entries: tuple[InventoryEntry, ...] = ()
    state: InventoryState = InventoryState.DONE
    commit: str = ""
    manifest_digest: str = ""
    deployed_at: datetime | None = None
    resource_version: str = ""
    uid: str = ""
    key: str = field(default="", repr=False)

    @property
    def ref(self) -> ObjectRef:
        """Return the ref of its ConfigMap."""
        return ObjectRef("", "ConfigMap", self.namespace, self.name)

    @property
    def id(self) -> str:
        """Return its ApplySet id: the value of the label that its members carry."""
        return applyset_id(self.name, self.namespace)

    def is_of(self, manifest_digest: str) -> bool:
        """Return whether the last deploy sent the set with this digest, and finished."""
        return self.state not in UNFINISHED and self.records(manifest_digest)

    def records(self, manifest_digest: str) -> bool:
        """Return whether this digest of a set is the one in the record."""
        return self.manifest_digest == keyed_digest(self.key, manifest_digest)


def keyed_digest(key: str, manifest_digest: str) -> str:
    """Return the digest of a set as the record holds it: with the key it says nothing to whoever lacks that.

    Records of early versions have no key, and the plain digest.
    """
    return hmac.digest(key.encode(), manifest_digest.encode(), "sha256").hex() if key else manifest_digest


def new_inventory(project: str, environment: str, namespace: str) -> Inventory:
    """Return the empty record of an environment that was never deployed."""
    return Inventory(project, environment, namespace, inventory_name(project, environment))


def inventory_name(project: str, environment: str) -> str:
    """Return the name of the ConfigMap: `gitops-push-<project>-<environment>`, at most 63 characters.

    What is no DNS name becomes one, and then a hash of both parts keeps the names of two environments apart. Two names
    that still meet ("a-b", "c" and "a", "b-c") are told apart by what the record says of itself.
    """
    plain = f"{_TOOL}-{project}-{environment}"
    if plain == _dns_safe(plain) and len(plain) <= _NAME_LIMIT:
        return plain
    digest = hashlib.sha256(f"{project}\0{environment}".encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]
    readable = f"{_TOOL}-{_dns_safe(_without_url_parts(project))}-{_dns_safe(environment)}"
    return f"{_dns_safe(readable[: _NAME_LIMIT - _HASH_LENGTH - 1])}-{digest}"


def applyset_id(name: str, namespace: str) -> str:
    """Return the ApplySet id (version 1) of a ConfigMap: a hash of `<name>.<namespace>.<kind>.<group>`."""
    digest = hashlib.sha256(f"{name}.{namespace}.ConfigMap.".encode()).digest()
    return f"applyset-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}-v1"


def part_of(inventory: Inventory) -> Mapping[str, str]:
    """Return the label that every member of the inventory carries on its own metadata, and nowhere else."""
    return {PART_OF_LABEL: inventory.id}


def superset(old: Inventory, wanted: Iterable[InventoryEntry]) -> Inventory:
    """Return the record that is written before the first object: everything old and new, state `applying`.

    A kill after this leaves a record that names every object that may exist. Known uids stay; a wanted entry brings the
    api_version that will be applied.
    """
    entries = {entry.ref: entry for entry in old.entries}
    for entry in wanted:
        known = entries.get(entry.ref)
        entries[entry.ref] = replace(entry, uid=entry.uid or (known.uid if known else ""))
    return replace(old, entries=tuple(sorted(entries.values())), state=InventoryState.APPLYING)


def exact(old: Inventory, entries: Iterable[InventoryEntry], state: InventoryState) -> Inventory:
    """Return the record that is written at the end: exactly what is there now."""
    return replace(old, entries=tuple(sorted(entries)), state=state)


def to_config_map(inventory: Inventory) -> dict[str, Any]:
    """Return the ConfigMap; with the record's resourceVersion and uid if it exists, so that a PUT is a swap."""
    metadata: dict[str, Any] = {
        "name": inventory.name,
        "namespace": inventory.namespace,
        "labels": {SET_ID_LABEL: inventory.id, _MANAGED_BY: _TOOL},
        "annotations": {
            _TOOLING: f"{_TOOL}/v1",
            _GROUP_KINDS: ",".join(sorted({_group_kind(entry.ref) for entry in inventory.entries})),
            _NAMESPACES: ",".join(sorted(_namespaces(inventory) - {inventory.namespace, ""})),
        },
    }
    if inventory.resource_version:
        metadata |= {"resourceVersion": inventory.resource_version, "uid": inventory.uid}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": _data(inventory)}


def from_config_map(body: Body) -> Inventory:
    """Return the record that a live ConfigMap holds.

    Raises `RefusedError` when it is not one of ours, is damaged, or was written by a later version: pruning by a list
    that cannot be trusted would delete the wrong objects.
    """
    metadata = body.get("metadata") or {}
    ref = ObjectRef("", "ConfigMap", str(metadata.get("namespace", "")), str(metadata.get("name", "")))
    _check_is_ours(ref, metadata)
    data = body.get("data") or {}
    if data.get("schemaVersion") != _SCHEMA_VERSION:
        _refuse(ref, f"has schemaVersion {data.get('schemaVersion')!r}; this version of gitops-push reads '1'")
    try:
        return _read(metadata, data)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        _refuse(ref, f"is damaged ({type(error).__name__} in its data)")


def _dns_safe(text: str) -> str:
    return _NOT_DNS.sub("-", text.lower()).strip("-")


def _without_url_parts(project: str) -> str:
    return re.sub(r"^\w+://|\.git/?$", "", project)


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
        "objects": _objects_text(inventory.entries),
    }
    if inventory.key:
        data["planKey"] = inventory.key
    if inventory.deployed_at is not None:
        data["deployedAt"] = inventory.deployed_at.isoformat()
    return data


def _objects_text(entries: Iterable[InventoryEntry]) -> str:
    """One object a line, so that `kubectl get -o yaml` shows a list that people can read."""
    lines = (json.dumps(_entry_fields(entry), separators=(",", ":")) for entry in sorted(entries))
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _entry_fields(entry: InventoryEntry) -> dict[str, str]:
    fields = {
        "apiVersion": entry.api_version,
        "kind": entry.ref.kind,
        "namespace": entry.ref.namespace,
        "name": entry.ref.name,
        "uid": entry.uid,
    }
    return {name: value for name, value in fields.items() if value}


def _check_is_ours(ref: ObjectRef, metadata: Mapping[str, Any]) -> None:
    tooling = (metadata.get("annotations") or {}).get(_TOOLING, "")
    if tooling.rpartition("/")[0] != _TOOL:
        _refuse(ref, f"belongs to {tooling!r}" if tooling else "exists, but is no inventory of gitops-push")
    if (metadata.get("labels") or {}).get(SET_ID_LABEL) != applyset_id(ref.name, ref.namespace):
        _refuse(ref, f"has the wrong id in its label {SET_ID_LABEL}")


def _read(metadata: Mapping[str, Any], data: Mapping[str, Any]) -> Inventory:
    deployed_at = data.get("deployedAt")
    return Inventory(
        project=_text(data["project"]),
        environment=_text(data["environment"]),
        namespace=_text(metadata["namespace"]),
        name=_text(metadata["name"]),
        entries=tuple(sorted(_entry(item) for item in json.loads(data["objects"]))),
        state=InventoryState(data["state"]),
        commit=_text(data["commit"]),
        manifest_digest=_text(data["digest"]),
        deployed_at=datetime.fromisoformat(deployed_at) if deployed_at else None,
        resource_version=_text(metadata.get("resourceVersion", "")),
        uid=_text(metadata.get("uid", "")),
        key=_text(data.get("planKey", "")),
    )


def _entry(fields: Mapping[str, Any]) -> InventoryEntry:
    api_version = _text(fields["apiVersion"])
    group, _ = split_api_version(api_version)
    ref = ObjectRef(group, _text(fields["kind"]), _text(fields.get("namespace", "")), _text(fields["name"]))
    return InventoryEntry(ref, api_version, _text(fields.get("uid", "")))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def _refuse(ref: ObjectRef, why: str) -> NoReturn:
    raise RefusedError(
        Problem(
            Code.INVENTORY_MISMATCH,
            f"the inventory {ref} {why}",
            ref=ref,
            hint="nothing is pruned on its word: restore it, or delete the ConfigMap and deploy again "
            "(objects that were removed from the config meanwhile must then be deleted by hand)",
        )
    )
