"""What all kinds have in common: generation, deletion, conditions (the generic part of kstatus)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gitops_push.core.causes import CauseCode
from gitops_push.core.objects import Body
from gitops_push.core.readiness.values import Failed, Progressing, Readiness, Ready, Unknown


@dataclass(frozen=True, slots=True)
class Condition:
    """One entry of `status.conditions`; `status` is "True", "False" or "Unknown"."""

    status: str
    reason: str
    message: str

    @property
    def is_true(self) -> bool:
        """Return whether the condition holds."""
        return self.status == "True"

    @property
    def is_false(self) -> bool:
        """Return whether the condition does not hold (unknown is neither)."""
        return self.status == "False"

    def describe(self, otherwise: str) -> str:
        """Return the message, or the reason, or `otherwise`."""
        return self.message or self.reason or otherwise


def section(body: Body, *path: str) -> Mapping[str, Any]:
    """Return the mapping at a path, or an empty one: status is written by others, and any part may be missing."""
    found: Any = body
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def number(fields: Mapping[str, Any], key: str, default: int = 0) -> int:
    """Return an integer field; the server leaves out zeros, and what is no integer counts as left out."""
    value = fields.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def items(fields: Mapping[str, Any], key: str) -> tuple[Mapping[str, Any], ...]:
    """Return the mappings of a list field."""
    found = fields.get(key)
    return tuple(item for item in found if isinstance(item, Mapping)) if isinstance(found, list) else ()


def conditions(body: Body) -> Mapping[str, Condition]:
    """Return the conditions by their type."""
    return {
        str(item.get("type", "")): Condition(
            str(item.get("status", "")), str(item.get("reason", "")), str(item.get("message", ""))
        )
        for item in items(section(body, "status"), "conditions")
    }


def deletion(body: Body) -> Progressing | None:
    """Return that the object is being deleted, naming the finalizers that it waits for, or None."""
    metadata = section(body, "metadata")
    if not metadata.get("deletionTimestamp"):
        return None
    finalizers = ", ".join(str(name) for name in metadata.get("finalizers") or ())
    held = f", waits for the finalizers {finalizers}" if finalizers else ""
    return Progressing(f"is being deleted{held}", CauseCode.BEING_DELETED)


def unobserved(body: Body, *, required: bool = False) -> Progressing | None:
    """Return that the controller has not seen the newest spec, or None.

    `required` is for kinds whose controller always writes observedGeneration, so that a missing one says that it has
    not come by yet. Argo Rollouts writes it as a string, which counts as the number.
    """
    generation = section(body, "metadata").get("generation")
    observed = section(body, "status").get("observedGeneration")
    if isinstance(observed, str) and observed.isdecimal():
        observed = int(observed)
    if observed is None and not required:
        return None
    if not isinstance(generation, int) or observed == generation:
        return None
    return Progressing("its controller has not seen the change yet", CauseCode.NOT_OBSERVED)


def generic(body: Body) -> Readiness:
    """Return the readiness of a kind that is not known, by the conditions that kstatus reads."""
    waiting = deletion(body) or unobserved(body)
    if waiting:
        return waiting
    found = conditions(body)
    if (stalled := found.get("Stalled")) and stalled.is_true:
        return Failed(stalled.describe("Stalled"), code=CauseCode.SAYS_FAILED)
    if (reconciling := found.get("Reconciling")) and reconciling.is_true:
        return Progressing(reconciling.describe("Reconciling"))
    ready = found.get("Ready") or found.get("Available")
    if ready is None:
        return Unknown("has no condition that says whether it is ready")
    return Ready() if ready.is_true else Progressing(ready.describe("not Ready"))
