"""What the label of a set proves, on an object that no list names: little, for controllers copy labels to children.

Only what our own apply wrote is surely ours: the server itself keeps that entry of managedFields.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem, RefusedError
from gitops_push.core.inventory import PART_OF_LABEL, Inventory
from gitops_push.core.managed_fields import our_entry
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.owners import controller_of

_NAMED: Final = 5


class Sign(StrEnum):
    """What speaks for an object with the label of our set being ours."""

    APPLIED = "applied by gitops-push"
    COPIED = "carries the label only"
    CONTROLLED = "made by a controller"


def is_member(live: Body, ids: Collection[str]) -> bool:
    """Return whether an object carries the label of one of these sets."""
    return (live["metadata"].get("labels") or {}).get(PART_OF_LABEL) in ids


def sign_of(live: Body) -> Sign:
    """Return what speaks for a labelled object being ours."""
    if controller_of(live):
        return Sign.CONTROLLED
    return Sign.APPLIED if our_entry(live) is not None else Sign.COPIED


def check_not_lost(inventory: Inventory, live: Mapping[ObjectRef, Body]) -> None:
    """Raise `RefusedError` where there is no record, but objects that only a deployment with one can have made.

    The namespace of the record is none of them: it is created before.
    """
    if inventory.resource_version:
        return
    home = ObjectRef("", "Namespace", "", inventory.namespace)
    ours = sorted(
        ref
        for ref, body in live.items()
        if ref != home and is_member(body, {inventory.id}) and sign_of(body) is Sign.APPLIED
    )
    if ours:
        raise RefusedError(_lost(inventory, ours))


def unknown_members(labelled: Mapping[ObjectRef, Body]) -> Iterator[str]:
    """Yield the line about objects with our label that no list names; children of controllers are none of them."""
    unknown = sorted(ref for ref, body in labelled.items() if sign_of(body) is not Sign.CONTROLLED)
    if unknown:
        yield f"{_listed(unknown)}: carries the label of this environment, but is in no list; it is not touched"


def _listed(refs: Collection[ObjectRef]) -> str:
    more = f" and {len(refs) - _NAMED} more" if len(refs) > _NAMED else ""
    return ", ".join(str(ref) for ref in list(refs)[:_NAMED]) + more


def _lost(inventory: Inventory, ours: Collection[ObjectRef]) -> Problem:
    message = (
        f"the inventory {inventory.ref} is gone: {len(ours)} objects carry its label and were applied by gitops-push: "
        f"{_listed(ours)}"
    )
    hint = (
        "without it nobody would ever delete what has left the config: restore it from a backup, or run "
        f"gitops-push inventory adopt {inventory.environment}"
    )
    return Problem(Code.INVENTORY_LOST, message, ref=inventory.ref, hint=hint)
