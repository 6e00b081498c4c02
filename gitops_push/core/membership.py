"""What the label of a set proves, on an object that no list names: little, for controllers copy labels to children.

Only what our own apply wrote is surely ours: the server itself keeps that entry of managedFields.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem, RefusedError, UsageError
from gitops_push.core.inventory import PART_OF_LABEL, Inventory, InventoryEntry, InventoryState, exact
from gitops_push.core.managed_fields import our_entry
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.owners import controller_of

_NAMED: Final = 5


class Sign(StrEnum):
    """What speaks for an object with the label of our set being ours."""

    APPLIED = "applied by gitops-push"
    COPIED = "carries the label only"
    CONTROLLED = "made by a controller"


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """A live object with the label of a set, as an inventory would hold it."""

    entry: InventoryEntry
    sign: Sign


@dataclass(frozen=True, slots=True)
class ProposedRecord:
    """A record to be written, and what it gains; `left_out` are labelled objects that it does not take.

    `damage` says what is wrong with the record that it takes the place of, "" where there is none.
    """

    inventory: Inventory
    gained: tuple[Member, ...]
    left_out: tuple[Member, ...]
    damage: str = ""
    notes: tuple[str, ...] = ()

    @property
    def writes(self) -> bool:
        """Return whether there is anything to write: a record of nothing is better than a damaged one only."""
        return bool(self.gained or self.damage)


def propose_record(
    inventory: Inventory, members: Iterable[Member], named: Collection[str], damage: str = ""
) -> ProposedRecord:
    """Return what an inventory gains: what we applied, and what is labelled only and named (`KIND/NAME`).

    What a controller made is never gained: it goes when its owner goes. What the inventory has already stays as it is.
    Raises `UsageError` for a name that makes no difference.
    """
    known = {entry.ref for entry in inventory.entries}
    unknown = [member for member in members if member.entry.ref not in known]
    _check_names(named, {_name_of(member) for member in unknown if member.sign is Sign.COPIED})
    wanted = {name.lower() for name in named}
    gained = tuple(member for member in unknown if _is_gained(member, wanted))
    left_out = tuple(member for member in unknown if not _is_gained(member, wanted))
    entries = (*inventory.entries, *(member.entry for member in gained))
    return ProposedRecord(exact(inventory, entries, InventoryState.ADOPTED), gained, left_out, damage)


def _is_gained(member: Member, wanted: Collection[str]) -> bool:
    return member.sign is Sign.APPLIED or (member.sign is Sign.COPIED and _name_of(member) in wanted)


def _name_of(member: Member) -> str:
    return f"{member.entry.ref.kind}/{member.entry.ref.name}".lower()


def _check_names(named: Iterable[str], copied: Collection[str]) -> None:
    problems = [
        Problem(Code.USAGE, f"{name}: no object of this name carries the label without being applied by gitops-push")
        for name in named
        if name.lower() not in copied
    ]
    if problems:
        raise UsageError(problems)


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
