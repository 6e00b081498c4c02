"""What of the inventory is not in the set any more, and what of that a run would delete."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gitops_push.cluster.hook_plan import hook_entries
from gitops_push.cluster.survey import PlanRequest, Survey
from gitops_push.core.impact import impact_of_deletion
from gitops_push.core.inventory import InventoryEntry
from gitops_push.core.live_state import own_state
from gitops_push.core.objects import ObjectRef
from gitops_push.core.plan import Action, Change
from gitops_push.core.prune import (
    PruneQuestion,
    PruneVerdict,
    check_prune_limit,
    hash_predecessors,
    judge,
    spare_homes,
)
from gitops_push.core.waves import deletion_steps


def prune_verdicts(request: PlanRequest, found: Survey) -> tuple[PruneVerdict, ...]:
    """Return the verdict on each live object of the inventory that is not in the set; nothing is deleted on a doubt."""
    hooks = (*(target.ref for target in found.hooks), *(entry.ref for entry in hook_entries(request, found)))
    wanted = {*(target.ref for target in found.targets), *hooks}
    question = PruneQuestion(
        rules=request.environment.prune,
        set_ids=request.inventory.ids,
        uids=frozenset(str(body["metadata"].get("uid")) for ref, body in found.live.objects.items() if ref in wanted),
        external=frozenset(request.environment.external),
    )
    judged = (
        judge(entry, found.live.objects[entry.ref], question)
        for entry in request.inventory.entries
        if entry.ref not in wanted and entry.ref in found.live.objects
    )
    verdicts = spare_homes(tuple(judged), (request.inventory.ref, *wanted))
    if not found.live.unreadable:
        return verdicts
    (first, why), *more = found.live.unreadable.items()  # each has a row of its own that says why
    doubt = f"nothing is deleted while {first} cannot be read ({why})" + (f", and {len(more)} more" if more else "")
    return tuple(replace(verdict, kept=verdict.kept or doubt) for verdict in verdicts)


def plan_deletions(request: PlanRequest, found: Survey) -> tuple[Change, ...]:
    """Return a change for each live object that is owned and not in the set: deleted, or kept and why.

    Raises `RefusedError` for more deletions than one run may make.
    """
    verdicts = prune_verdicts(request, found)
    replaced = dict(_replaced(request, found))
    deleted = [v.entry.ref for v in verdicts if v.deletes and v.entry.ref not in replaced]
    check_prune_limit(deleted, request.environment.prune, len(request.inventory.entries))
    steps = deletion_steps((v.entry.ref, v.live) for v in verdicts)
    changes = (_prune_change(found, v, replaced.get(v.entry.ref, "")) for v in verdicts)
    return (*(replace(change, step=steps[change.ref]) for change in changes), *_unseen(request, found))


def _unseen(request: PlanRequest, found: Survey) -> Iterator[Change]:
    """Yield what is owned and could not be looked for: it stays in the inventory, or it would be nobody's."""
    for entry in request.inventory.entries:
        why = found.live.unreadable.get(entry.ref)
        if why:
            reason = found.redactor.mask_text(f"it cannot be looked for: {why}")
            yield Change(entry.ref, entry.api_version, Action.KEPT, reason=reason)


def _replaced(request: PlanRequest, found: Survey) -> Iterator[tuple[ObjectRef, str]]:
    for target in found.targets:
        for entry in hash_predecessors(request.inventory.entries, target.manifest):
            yield entry.ref, target.ref.name


def _prune_change(found: Survey, verdict: PruneVerdict, replaced_by: str) -> Change:
    entry: InventoryEntry = verdict.entry
    metadata = verdict.live["metadata"]
    impact = impact_of_deletion(entry.ref, verdict.live) if verdict.deletes and not replaced_by else ()
    gone = f"replaced by {replaced_by}" if replaced_by else "no longer in the config"
    return Change(
        ref=entry.ref,
        api_version=entry.api_version,
        action=Action.PRUNE if verdict.deletes else Action.KEPT,
        reason=gone if verdict.deletes else found.redactor.mask_text(verdict.kept),
        live_uid=str(metadata.get("uid", "")),
        live_resource_version=str(metadata.get("resourceVersion", "")),
        impact=tuple(found.redactor.mask_text(note) for note in impact),
        replaced_by=replaced_by if verdict.deletes else "",
        live_state=own_state(verdict.live, found.redactor),
    )
