"""A take over as a plan shows it: who gives the object up, which fields go with them, and what needs consent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from gitops_push.core.added_fields import AddedField
from gitops_push.core.adoption import Preview
from gitops_push.core.autoscaling import REPLICAS
from gitops_push.core.fielddiff import ABSENT, FieldChange
from gitops_push.core.fieldpath import FieldPath, format_field_path, value_at
from gitops_push.core.inventory import PART_OF_LABEL
from gitops_push.core.managed_fields import Loss, ManagerEntry, losses, our_entry
from gitops_push.core.objects import Body
from gitops_push.core.ownership import ForcedConflicts, is_peoples_tool
from gitops_push.core.plan import Action, Change, TakenEntry, TakeOver


def taken_over(change: Change, preview: Preview, wanted: Body, forced: ForcedConflicts) -> Change:
    """Return the change of an object as a take over; blocked where it would lose what nobody may have meant to lose."""
    gone = tuple(field for field in change.fields if _is_gone(field.path, wanted))
    what = TakeOver(
        entries=(*(_entry(entry) for entry in preview.adoption.entries), *_adders(preview.adoption.added)),
        gone=tuple(format_field_path(field.path) for field in gone),
        removed=tuple(format_field_path(path) for path in preview.adoption.removed),
        added=tuple(format_field_path(added.path) for added in preview.adoption.added),
        owners=tuple(owner.takeover for owner in preview.adoption.owners),
        notes=tuple(owner.after for owner in preview.adoption.owners if owner.after),
    )
    if change.action is Action.BLOCKED:
        return replace(change, take_over=what)
    scaled = next((field for field in gone if field.path == REPLICAS), None)
    if scaled is not None and not forced.allow(change.ref):
        return replace(change, action=Action.BLOCKED, reason=_needs_consent(change, scaled), take_over=what)
    return replace(change, action=Action.TAKE_OVER, reason="", take_over=what)


def lost_by_people(live: Body, merged: Body, preview: Preview) -> tuple[Loss, ...]:
    """Return what an apply by hand loses that changed an object of ours: a conflict as any other edit by hand.

    Of an object that becomes ours for the first time nothing is: its take over is what the plan is about.
    """
    if our_entry(live) is None:
        return ()
    people = {entry.owner for entry in preview.adoption.entries if is_peoples_tool(entry.owner.manager)}
    return tuple(loss for loss in losses(live, merged) if loss.owner in people)


def _is_gone(path: FieldPath, wanted: Body) -> bool:
    return path[-1] != PART_OF_LABEL and value_at(path, wanted, ABSENT) is ABSENT


def _adders(added: Iterable[AddedField]) -> tuple[TakenEntry, ...]:
    """Return who added how many fields; an item of a list counts as one."""
    counts = Counter((field.owner.manager, field.owner.operation) for field in added)
    return tuple(TakenEntry(*who, fields) for who, fields in sorted(counts.items()))


def _entry(entry: ManagerEntry) -> TakenEntry:
    return TakenEntry(entry.owner.manager, entry.owner.operation, len(entry.paths()))


def _needs_consent(change: Change, scaled: FieldChange) -> str:
    then = "unset" if scaled.after is ABSENT else scaled.after
    return (
        f"taking it over would scale it from {scaled.before} to {then}: the manifest does not set spec.replicas; "
        f"add `replicas: {scaled.before}` to its spec, "
        f"or allow it with --force-conflict {change.ref.kind}/{change.ref.name}"
    )
