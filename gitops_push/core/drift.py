"""The one-shot drift report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gitops_push.core.fielddiff import FieldChange
from gitops_push.core.objects import ObjectRef
from gitops_push.core.origin import Origin


class DriftKind(StrEnum):
    """How an object differs; `CHANGED` will be split by its cause."""

    CHANGED = "changed"
    MISSING = "missing"
    EXTRA = "extra"
    UNVERIFIABLE = "unverifiable"


@dataclass(frozen=True, slots=True)
class ObjectDrift:
    """One object that is not as the config repo says; `fields` (before = live, after = wanted) for `CHANGED`."""

    ref: ObjectRef
    kind: DriftKind
    fields: tuple[FieldChange, ...] = ()
    reason: str = ""
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class DriftReport:
    """All drift of one environment at one moment.

    `in_sync` counts the objects that are as they should be; `notes` say for people where less could be checked.
    """

    environment: str
    project: str
    commit: str
    deployed_commit: str
    cluster_id: str
    checked_at: datetime
    drifted: tuple[ObjectDrift, ...]
    in_sync: int
    notes: tuple[str, ...] = ()
