"""Differences between two states of one object, field by field, list items paired by their merge keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TypeAlias

from gitops_push.core.fieldpath import FieldPath
from gitops_push.core.origin import Origin
from gitops_push.core.redaction import Masked


class Absent(Enum):
    """The one value that says a field is not there (None is a value of its own)."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT

Plain: TypeAlias = "str | int | float | bool | None | list[object] | dict[str, object]"
Shown: TypeAlias = "Plain | Masked | Absent"


@dataclass(frozen=True, slots=True)
class FieldOwner:
    """Who set a live value, by managedFields: manager, operation ("Apply" or "Update"), time or None."""

    manager: str
    operation: str
    at: datetime | None
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs. `before` is live, `after` what it becomes; secret values are `Masked`.

    `owner` is who set the live value where that is known; `origin` is the line of the config repo that wants `after`.
    """

    path: FieldPath
    before: Shown
    after: Shown
    owner: FieldOwner | None = None
    origin: Origin | None = None
