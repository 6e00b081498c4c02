"""What an environment's inventory says and how healthy its objects are, at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gitops_push.core.diagnosis import Cause
from gitops_push.core.history import HistoryEntry, Hold
from gitops_push.core.inventory import Inventory
from gitops_push.core.objects import ObjectRef


class Health(StrEnum):
    """How an object is. `UNKNOWN`: it says nothing about itself, or may not be read; never taken for ready."""

    READY = "ready"
    PROGRESSING = "progressing"
    FAILED = "failed"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ObjectStatus:
    """The health of one object of the inventory; `reason` says why it is not ready, `cause` what proves it."""

    ref: ObjectRef
    health: Health
    reason: str = ""
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The inventory as it was read, and the health of its objects in the order of apply.

    `last_run` is the last deployment that wrote, as far as it is recorded; `hold` says that nothing is deployed now.
    """

    inventory: Inventory
    cluster_id: str
    checked_at: datetime
    objects: tuple[ObjectStatus, ...]
    last_run: HistoryEntry | None = None
    hold: Hold | None = None

    @property
    def deployed(self) -> bool:
        """Return whether the environment was ever deployed."""
        return bool(self.inventory.resource_version)

    def count(self, health: Health) -> int:
        """Return how many objects have this health."""
        return sum(found.health is health for found in self.objects)
