"""What an environment owns in the cluster: the record, its name and its id (how it is stored: `inventory_record`).

The record is a conformant ApplySet parent (KEP-3659, with the keys of kubectl's code), so that kubectl recognises it
and refuses to touch it, and it also holds an explicit list with uids: controllers copy labels to their children, so a
label alone never proves that an object is ours.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from gitops_push.core.fieldpath import FieldPath
from gitops_push.core.objects import ObjectRef
from gitops_push.core.run_identity import NOBODY, RunIdentity

PART_OF_LABEL: Final = "applyset.kubernetes.io/part-of"
"""On every member; its value is the id of the set."""

MEMBERSHIP: Final[FieldPath] = ("metadata", "labels", PART_OF_LABEL)
"""The field that makes an object a member of our set."""

SET_ID_LABEL: Final = "applyset.kubernetes.io/id"
"""On the record itself."""

TOOL: Final = "gitops-push"
_NAME_LIMIT: Final = 63
_HASH_LENGTH: Final = 8
_NOT_DNS: Final = re.compile(r"[^a-z0-9]+")


class InventoryState(StrEnum):
    """How the last run ended; `APPLYING` is what a killed run leaves behind, `FAILED` one that met an error.

    `ADOPTED`: the record was made anew of what carries its label.
    """

    APPLYING = "applying"
    FAILED = "failed"
    DONE = "done"
    UNHEALTHY = "unhealthy"
    PRUNE_PENDING = "prune pending"
    ADOPTED = "adopted"


UNFINISHED: Final = frozenset({InventoryState.APPLYING, InventoryState.FAILED, InventoryState.ADOPTED})
"""After these nobody can tell which objects are as the recorded set says."""


@dataclass(frozen=True, slots=True, order=True)
class InventoryEntry:
    """An owned object. `uid` is "" while its creation is not confirmed; `api_version` is the one last applied.

    `hook` is the name of the hook that made it, "" for an object that is kept as it is written.
    """

    ref: ObjectRef
    api_version: str
    uid: str = ""
    hook: str = ""


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a list: the name of its ConfigMap, the SHA-256 of what that holds, and how many objects these are."""

    name: str
    digest: str
    objects: int


@dataclass(frozen=True, slots=True)
class RecordName:
    """Where a record is: the namespace and the name of its ConfigMap.

    `uid` and `version` are those of the record that was read there, "" for none: they do not make it another place.
    """

    namespace: str
    name: str
    uid: str = field(default="", compare=False)
    version: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        """Return its ApplySet id: the value of the label that its members carry."""
        return applyset_id(self.name, self.namespace)

    def __str__(self) -> str:
        """Return `namespace/name`."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Inventory:
    """The record in the cluster. `resource_version` "" means that it does not exist yet (then `entries` is empty).

    `key` is random, made at the first deployment and kept for ever: tags of secret values in plans, and the digest of
    the set here, are keyed with it. `shards` are those that the stored version names, () where the record has the list
    itself; `generation` counts the versions since the first that had some, 0 before. `former` is the record that this
    one takes over, until no object carries the label of that any more. `attempt` names the last deployment that ran
    hooks (`core.plan.Plan.attempt`). `ancestors` are the commits before `commit`, shortened, the latest first, as far
    as they are kept: by them a pipeline that was cloned before `commit` existed knows that it is late.
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
    shards: tuple[Shard, ...] = ()
    generation: int = 0
    former: RecordName | None = None
    attempt: str = ""
    ancestors: tuple[str, ...] = ()
    deployed_by: RunIdentity = NOBODY

    @property
    def ref(self) -> ObjectRef:
        """Return the ref of its ConfigMap."""
        return ObjectRef("", "ConfigMap", self.namespace, self.name)

    @property
    def ids(self) -> frozenset[str]:
        """Return the ids whose label makes an object ours: its own, and of what it was called before until it moved."""
        return frozenset({self.id, *([self.former.id] if self.former else [])})

    @property
    def id(self) -> str:
        """Return its ApplySet id: the value of the label that its members carry."""
        return self.place.id

    @property
    def place(self) -> RecordName:
        """Return where its record is."""
        return RecordName(self.namespace, self.name)

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
    plain = f"{TOOL}-{project}-{environment}"
    if plain == _dns_safe(plain) and len(plain) <= _NAME_LIMIT:
        return plain
    digest = hashlib.sha256(f"{project}\0{environment}".encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]
    readable = f"{TOOL}-{_dns_safe(_without_url_parts(project))}-{_dns_safe(environment)}"
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


def absorbing(inventory: Inventory, former: Inventory) -> Inventory:
    """Return an inventory that takes over another one, of an earlier name: it owns all that both own.

    Without a record of its own it goes on where that one was. Nothing is written, so nothing of that one changes.
    """
    entries = {entry.ref: entry for entry in former.entries} | {entry.ref: entry for entry in inventory.entries}
    place = replace(former.place, uid=former.uid, version=former.resource_version)
    told = inventory if inventory.resource_version else former
    return replace(
        inventory,
        entries=tuple(sorted(entries.values())),
        state=told.state,
        commit=told.commit,
        manifest_digest=told.manifest_digest,
        deployed_at=told.deployed_at,
        key=told.key,
        attempt=told.attempt,
        ancestors=told.ancestors,
        deployed_by=told.deployed_by,
        former=place,
    )


def exact(old: Inventory, entries: Iterable[InventoryEntry], state: InventoryState) -> Inventory:
    """Return the record that is written at the end: exactly what is there now."""
    return replace(old, entries=tuple(sorted(entries)), state=state)


def _dns_safe(text: str) -> str:
    return _NOT_DNS.sub("-", text.lower()).strip("-")


def _without_url_parts(project: str) -> str:
    return re.sub(r"^\w+://|\.git/?$", "", project)
