"""Whether what would happen now is what was approved, and where not, what has moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from gitops_push.core.objects import ObjectRef
from gitops_push.core.plan import Action
from gitops_push.core.plan_digest import BoundField, BoundObject, BoundPlan, Handover, object_digest

Part: TypeAlias = "str | BoundField | Handover | None"

_UNCHANGED: Final = Action.UNCHANGED.value
_DONE_WHEN_AWAY: Final = frozenset({Action.PRUNE.value, Action.HOOK.value})
"""What an earlier run has done leaves nothing of these in the plan."""

_T = TypeVar("_T", BoundField, Handover)


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that is not as it was approved; a side is None where it is not there at all.

    `what` is "object" (it came or went; the sides are actions), "action", "proof", "version", "manifest", "field" or
    "handover".
    """

    ref: ObjectRef
    what: str
    then: Part
    now: Part


def moves(approved: BoundPlan, now: BoundPlan) -> tuple[Move, ...]:
    """Return what would happen now and was not approved; () if it is what was approved, or what is left of it.

    What an earlier run of the same plan has done already is no move: an object that is in the cluster as it was
    approved to be, or that was to be deleted and is gone.
    """
    then, today = ({found.ref: found for found in plan.objects} for plan in (approved, now))
    return tuple(move for ref in sorted({**then, **today}) for move in _moves_of(ref, then, today))


def done_already(approved: BoundPlan, now: BoundPlan) -> int:
    """Return how many of the approved changes are in effect already; to ask only when nothing has moved."""
    left = {found.ref: found.action for found in now.objects}
    return sum(a.action != _UNCHANGED and left.get(a.ref, _UNCHANGED) == _UNCHANGED for a in approved.objects)


def _moves_of(
    ref: ObjectRef, then: Mapping[ObjectRef, BoundObject], today: Mapping[ObjectRef, BoundObject]
) -> Iterator[Move]:
    approved, now = then.get(ref), today.get(ref)
    if approved is None or now is None:
        if now is not None or (approved is not None and approved.action not in _DONE_WHEN_AWAY):
            yield Move(ref, "object", _action(approved), _action(now))
    elif object_digest(approved) != object_digest(now) and not _is_done(approved, now):
        yield from _differences(approved, now)


def _action(found: BoundObject | None) -> str | None:
    return found.action if found is not None else None


def _is_done(approved: BoundObject, now: BoundObject) -> bool:
    return now.action == _UNCHANGED and now.content == approved.content and now.api_version == approved.api_version


def _differences(approved: BoundObject, now: BoundObject) -> Iterator[Move]:
    ref = approved.ref
    plain = (
        ("action", approved.action, now.action),
        ("proof", approved.fidelity, now.fidelity),
        ("version", approved.api_version, now.api_version),
    )
    yield from (Move(ref, what, old, new) for what, old, new in plain if old != new)
    yield from _pairs(ref, "field", approved.fields, now.fields, lambda field: field.path, lambda field: field.tags)
    yield from _pairs(ref, "handover", approved.handovers, now.handovers, lambda hand: hand, lambda hand: hand)
    if approved.content != now.content:
        yield Move(ref, "manifest", None, None)


def _pairs(
    ref: ObjectRef,
    what: str,
    old: tuple[_T, ...],
    new: tuple[_T, ...],
    key: Callable[[_T], object],
    value: Callable[[_T], object],
) -> Iterator[Move]:
    """Yield the members of one kind that differ, paired by their keys, in the order of the newer side."""
    then, now = ({key(each): each for each in side} for side in (old, new))
    for name in {**now, **then}:
        before, after = then.get(name), now.get(name)
        if before is None or after is None or value(before) != value(after):
            yield Move(ref, what, before, after)
