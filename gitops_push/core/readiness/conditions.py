"""What all kinds have in common: generation, deletion, conditions (the generic part of kstatus)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gitops_push.core.causes import CauseCode
from gitops_push.core.objects import Body
from gitops_push.core.readiness.values import Failed, Progressing, Readiness, Ready, Unknown

NOT_SEEN: Final = Progressing("its controller has not seen the change yet", CauseCode.NOT_OBSERVED)
_OLD_STATUS_SECONDS: Final = 10.0
_GENERATION: Final = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Condition:
    """One entry of `status.conditions`; `status` is "True", "False" or "Unknown".

    `observed` is the generation that it is about, where it says so.
    """

    status: str
    reason: str
    message: str
    observed: int | None = None

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
            str(item.get("status", "")),
            str(item.get("reason", "")),
            str(item.get("message", "")),
            generation_of(item.get("observedGeneration")),
        )
        for item in items(section(body, "status"), "conditions")
    }


def deletion(body: Body) -> Progressing | None:
    """Return that the object is being deleted, naming the finalizers that it waits for, or None."""
    metadata = section(body, "metadata")
    if not metadata.get("deletionTimestamp"):
        return None
    found = metadata.get("finalizers")
    finalizers = ", ".join(map(str, found)) if isinstance(found, list) else ""
    held = f", waits for the finalizers {finalizers}" if finalizers else ""
    return Progressing(f"is being deleted{held}", CauseCode.BEING_DELETED)


def unobserved(body: Body, *, required: bool = False) -> Progressing | None:
    """Return that the controller has not seen the newest spec, or None.

    `required` is for kinds whose controller always writes observedGeneration, so that a missing one says that it has
    not come by yet.
    """
    generation = section(body, "metadata").get("generation")
    observed = generation_of(section(body, "status").get("observedGeneration"))
    if observed is None and not required:
        return None
    if not isinstance(generation, int) or observed == generation:
        return None
    return NOT_SEEN


def is_stale(body: Body, observed: int | None) -> bool:
    """Return whether a part of the status (a condition) is about an earlier generation than the newest."""
    generation = section(body, "metadata").get("generation")
    return observed is not None and isinstance(generation, int) and observed < generation


def proves_generation(body: Body) -> bool:
    """Return whether the status says which generation it is about, so that it cannot be one of an earlier spec."""
    status = section(body, "status")
    claims = (status, *items(status, "conditions"))
    return any(generation_of(claim.get("observedGeneration")) is not None for claim in claims)


def grace(body: Body) -> float:
    """Return how long a failure must last: a status that does not say which spec it is about may be an old one."""
    return 0.0 if proves_generation(body) else _OLD_STATUS_SECONDS


def generation_of(value: object) -> int | None:
    """Return a generation as a number, or None for what is none.

    Argo Rollouts writes it as text (early versions wrote a hash there, which says nothing).
    """
    if isinstance(value, str) and _GENERATION.fullmatch(value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def generic(body: Body) -> Readiness:
    """Return the readiness of a kind that is not known, by the conditions that kstatus reads."""
    waiting = deletion(body) or unobserved(body)
    if waiting:
        return waiting
    found = conditions(body)
    if (stalled := found.get("Stalled")) and stalled.is_true and not is_stale(body, stalled.observed):
        return Failed(stalled.describe("Stalled"), grace(body), CauseCode.SAYS_FAILED)
    if (reconciling := found.get("Reconciling")) and reconciling.is_true:
        return Progressing(reconciling.describe("Reconciling"))
    ready = found.get("Ready") or found.get("Available")
    if ready is None:
        return Unknown("has no condition that says whether it is ready")
    if is_stale(body, ready.observed):
        return NOT_SEEN
    return Ready() if ready.is_true else Progressing(ready.describe("not Ready"))
