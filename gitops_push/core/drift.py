"""The one-shot drift report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gitops_push.core.environment import Environment
from gitops_push.core.fielddiff import FieldChange
from gitops_push.core.objects import ManifestSet, ObjectRef
from gitops_push.core.origin import Origin


class Cause(StrEnum):
    """Why the cluster is not as the config says (docs/reference/drift.md).

    The first four are of a field too. `MISSING`: deployed, and gone. `EXTRA`: owned, and not in the config.
    """

    GIT_AHEAD = "git ahead"
    EDITED = "edited"
    BOTH = "both"
    UNKNOWN = "unknown"
    MISSING = "missing"
    EXTRA = "extra"
    UNVERIFIABLE = "unverifiable"


@dataclass(frozen=True, slots=True)
class Deployed:
    """The set of the last deploy, built again in its environment as it was; without a set `unknown` says why."""

    manifests: ManifestSet | None = None
    environment: Environment | None = None
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class FieldDrift:
    """One field that drifted: `change.before` is live, `change.after` is wanted."""

    change: FieldChange
    cause: Cause


@dataclass(frozen=True, slots=True)
class ObjectDrift:
    """One object that is not as the config repo says; `fields` are its fields where both sides have the object.

    `removed_from_git` tells of an extra object that the last deploy still had: the config is ahead, nobody edited.
    """

    ref: ObjectRef
    cause: Cause
    fields: tuple[FieldDrift, ...] = ()
    reason: str = ""
    origin: Origin | None = None
    removed_from_git: bool = False

    @property
    def counts_as(self) -> Cause:
        """Return the cause that `--fail-on` goes by."""
        return Cause.GIT_AHEAD if self.removed_from_git else self.cause


@dataclass(frozen=True, slots=True)
class DriftReport:
    """All drift of one environment at one moment.

    `in_sync` counts the objects that are as they should be; `notes` say for people where less could be checked.
    `unmanaged` are objects with the set's label that neither the inventory nor the config names, where asked for.
    `proven` counts the objects that were proven unchanged without a dry run.
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
    unmanaged: tuple[ObjectRef, ...] = ()
    proven: int = 0
