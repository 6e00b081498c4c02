"""The list of an inventory as text, and as shards: further ConfigMaps, where it is too large for one.

A shard never changes. Its name says which version of the record it was written for and what it holds, so that versions
share what they have in common, and nobody takes away what another run is about to name:

* a shard that no version names yet was written for a later version than any that is stored;
* what was written for the stored version or an earlier one, and is not named by it, is named by none, and never will.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gitops_push.core.inventory import InventoryEntry, Shard
from gitops_push.core.kinds import split_api_version
from gitops_push.core.objects import ObjectRef

LARGEST_TEXT_BYTES: Final = 524_288
"""A longer list is sharded."""

LARGEST_SHARD_BYTES: Final = 393_216
"""Compressed; 512 KiB in the base64 of a ConfigMap's `binaryData`."""

_LARGEST_UNPACKED_BYTES: Final = 64 << 20
_DIGITS_IN_NAME: Final = 16


@dataclass(frozen=True, slots=True)
class Packed:
    """The content of a shard."""

    content: bytes
    objects: int

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the content."""
        return hashlib.sha256(self.content).hexdigest()


def objects_text(entries: Iterable[InventoryEntry]) -> str:
    """Return the list, one object a line, so that `kubectl get -o yaml` shows something that people can read."""
    lines = (json.dumps(_fields(entry), separators=(",", ":")) for entry in sorted(entries))
    return "[\n" + ",\n".join(lines) + "\n]\n"


def entries_of(text: str | bytes) -> tuple[InventoryEntry, ...]:
    """Return the entries of a list, sorted. Raises `ValueError`, `KeyError`, `TypeError` or `RecursionError`."""
    return tuple(sorted(_entry(item) for item in json.loads(text)))


def is_too_large(text: str) -> bool:
    """Return whether a list is stored in shards."""
    return len(text.encode()) > LARGEST_TEXT_BYTES


def pack(entries: tuple[InventoryEntry, ...]) -> tuple[Packed, ...]:
    """Return the entries (sorted) as contents of shards: halved until each is small enough."""
    content = gzip.compress(objects_text(entries).encode(), mtime=0)
    if len(content) <= LARGEST_SHARD_BYTES or len(entries) == 1:
        return (Packed(content, len(entries)),)
    half = len(entries) // 2
    return (*pack(entries[:half]), *pack(entries[half:]))


def unpack(content: bytes, shard: Shard) -> tuple[InventoryEntry, ...]:
    """Return the entries in a shard's content. Raises like `entries_of`, `ValueError` for anything but this shard."""
    if hashlib.sha256(content).hexdigest() != shard.digest:
        raise ValueError("another digest")
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        text = unpacking.decompress(content, _LARGEST_UNPACKED_BYTES)
    except zlib.error as error:
        raise ValueError("no gzip") from error
    entries = entries_of(text)
    if len(entries) != shard.objects:
        raise ValueError("another number of objects")
    return entries


def shard_name(record: str, generation: int, digest: str) -> str:
    """Return the name of a shard that is first written for this version of a record."""
    return f"{record}.{generation}.{digest[:_DIGITS_IN_NAME]}"


def is_left_over(name: str, record: str, generation: int, named: Iterable[Shard]) -> bool:
    """Return whether a ConfigMap is a shard of the record that no version names, now or later.

    `generation` and `named` are those of a version that was stored.
    """
    found = re.fullmatch(rf"{re.escape(record)}\.([0-9]{{1,18}})\.[0-9a-f]{{{_DIGITS_IN_NAME}}}", name)
    return found is not None and int(found[1]) <= generation and name not in {shard.name for shard in named}


def shard_fields(shard: Shard) -> dict[str, Any]:
    """Return how the record names a shard."""
    return {"name": shard.name, "sha256": shard.digest, "objects": shard.objects}


def shard_of(fields: Mapping[str, Any]) -> Shard:
    """Return the shard that a record names. Raises `KeyError` or `TypeError`."""
    objects = fields["objects"]
    if not isinstance(objects, int):
        raise TypeError("not a number")
    return Shard(text_of(fields["name"]), text_of(fields["sha256"]), objects)


def text_of(value: object) -> str:
    """Return a text. Raises `TypeError` for anything else."""
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def _fields(entry: InventoryEntry) -> dict[str, str]:
    fields = {
        "apiVersion": entry.api_version,
        "kind": entry.ref.kind,
        "namespace": entry.ref.namespace,
        "name": entry.ref.name,
        "uid": entry.uid,
        "hook": entry.hook,
    }
    return {name: value for name, value in fields.items() if value}


def _entry(fields: Mapping[str, Any]) -> InventoryEntry:
    api_version = text_of(fields["apiVersion"])
    group, _ = split_api_version(api_version)
    ref = ObjectRef(group, text_of(fields["kind"]), text_of(fields.get("namespace", "")), text_of(fields["name"]))
    return InventoryEntry(ref, api_version, text_of(fields.get("uid", "")), text_of(fields.get("hook", "")))
