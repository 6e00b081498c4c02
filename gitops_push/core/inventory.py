"""What an environment owns in the cluster, and which of it may be pruned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gitops_push.core.objects import ObjectRef


class InventoryState(StrEnum):
    """How the last run ended; `APPLYING` is what a killed run leaves behind."""

    APPLYING = "applying"
    DONE = "done"
    UNHEALTHY = "unhealthy"
    PRUNE_PENDING = "prune pending"


@dataclass(frozen=True, slots=True, order=True)
class InventoryEntry:
    """An owned object. `uid` is "" while its creation is not confirmed; `api_version` is the one last applied."""

    ref: ObjectRef
    api_version: str
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """The record in the cluster. `resource_version` "" means that it does not exist yet (then `entries` is empty)."""

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
