"""From the server's answer about one object to its planned change. Every `Change` is made here, masked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gitops_push.cluster.conflicts import conflicts_of, field_losses, yielded_fields
from gitops_push.cluster.dry_run import Asked
from gitops_push.cluster.survey import PlanRequest, Survey, ignored_fields
from gitops_push.cluster.targets import Target
from gitops_push.core.allocation import mark_allocated
from gitops_push.core.comparison import Comparison, compare, compare_leaves
from gitops_push.core.drift_cause import Versions, causes_of
from gitops_push.core.errors import Problem
from gitops_push.core.fielddiff import ABSENT, Difference, FieldChange, diff_fields
from gitops_push.core.fieldpath import format_field_path, path_order
from gitops_push.core.impact import Transition, impact_of_write
from gitops_push.core.inventory import MEMBERSHIP, PART_OF_LABEL
from gitops_push.core.live_state import effect_of, live_state
from gitops_push.core.managed_fields import expected_losses, holders, merge_keys, our_entry, owner_of
from gitops_push.core.normalization import content_of, origin_of
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.owners import OtherOwner, deletion_reason, operator_of, other_owners
from gitops_push.core.plan import Action, Change, Fidelity
from gitops_push.core.rules import without_fields
from gitops_push.core.take_over import lost_by_people, taken_over
from gitops_push.core.takeovers import NO_TAKEOVERS, Takeovers
from gitops_push.core.yielding import left_out

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Planned:
    """The planned change of one object, and the conflicts that forbid it."""

    change: Change
    conflicts: tuple[Problem, ...] = ()


def plan_answered(request: PlanRequest, found: Survey, target: Target, asked: Asked, merged: Body) -> Planned:
    """Return what apply would do to an object about which the server answered."""
    warnings = tuple(found.redactor.mask_text(warning) for warning in asked.warnings)
    if asked.live is None:
        new = plan_new(request, found, target, None)
        added = server_changes(request, found, target, _added(target.body, merged), None)
        return Planned(replace(new, fidelity=Fidelity.SERVER, warnings=warnings, server_fields=added))
    preview = asked.preview
    before, after = (preview.live, preview.merged) if preview else (asked.live, merged)
    compared = compare(before, after, target.body, ignored_fields(request, target.ref, asked.live))
    change = _compared_change(request, found, target, asked.live, compared)
    change = replace(change, warnings=(*change.warnings, *warnings))
    if preview:
        change = taken_over(change, preview, target.body, request.forced)
    if change.action in {Action.BLOCKED, Action.UNCHANGED}:
        return Planned(change)
    change = replace(change, impact=_impact(found, Transition(target.ref, asked.live, after, compared.changed)))
    lost = (*compared.lost, *(lost_by_people(asked.live, merged, preview) if preview else ()))
    return Planned(change, tuple(conflicts_of(request, found, target, asked.live, lost)))


def plan_new(request: PlanRequest, found: Survey, target: Target, predecessor: Body | None) -> Change:
    """Return the creation of an object; with a predecessor (an earlier hashed name) as the difference to that."""
    before = _content(predecessor) if predecessor is not None else {}
    differences = diff_fields(before, _content(target.body))
    renamed_from = str(predecessor["metadata"]["name"]) if predecessor is not None else ""
    return replace(
        _unchanged(request, found, target, None),
        action=Action.CREATE,
        fidelity=Fidelity.CLIENT,
        reason=target.deferred,
        fields=field_changes(request, found, target, differences, None),
        renamed_from=renamed_from,
        impact=_impact(found, Transition(target.ref, None, target.body)),
    )


def plan_unverified(
    request: PlanRequest, found: Survey, target: Target, reason: str, fidelity: Fidelity = Fidelity.CLIENT
) -> Planned:
    """Return the change of an object that the server cannot be asked about: compared with what is there."""
    live = found.live_of(target)
    said = found.redactor.mask_text(reason)
    if live is None:
        change = plan_new(request, found, target, None)
        return Planned(replace(change, fidelity=fidelity, reason=said))
    blocked = blocked_reason(live, request)
    differences = _client_differences(request, found, target, live)
    action = Action.UPDATE if differences else Action.UNCHANGED if our_entry(live) else Action.OWNERSHIP
    lost = tuple(expected_losses(differences, live))
    paths = tuple(difference.path for difference in differences)
    change = replace(
        _unchanged(request, found, target, live),
        action=Action.BLOCKED if blocked else action,
        fidelity=fidelity,
        reason=found.redactor.mask_text(blocked) or said,
        fields=field_changes(request, found, target, differences, live),
        taken=field_losses(request, found, target, live, lost),
        impact=() if blocked else _impact(found, Transition(target.ref, live, target.body, paths)),
    )
    return Planned(change, () if blocked else tuple(conflicts_of(request, found, target, live, lost)))


def _client_differences(request: PlanRequest, found: Survey, target: Target, live: Body) -> tuple[Difference, ...]:
    """Return where a live object differs from its manifest, as far as this client can tell.

    Where the same set was deployed, what is still ours is as it was sent, however the server spells it.
    """
    passed_over = (*ignored_fields(request, target.ref, live), *found.yields.paths(target.ref))
    differences = compare_leaves(live, target.body, passed_over)
    if not request.inventory.is_of(request.manifests.digest):
        return differences
    causes = causes_of(Versions(live, target.body, target.body), differences)
    return tuple(difference for difference, cause in zip(differences, causes, strict=True) if cause is not None)


def field_changes(
    request: PlanRequest, found: Survey, target: Target, differences: Iterable[Difference], live: Body | None
) -> tuple[FieldChange, ...]:
    """Return differences as they may be shown, each with who set the live value and the line that wants the new one."""
    ordered = sorted(differences, key=lambda difference: path_order(difference.path))
    disclosure = found.disclosure(request, target.ref)
    among = holders(live) if live is not None and ordered else ()
    return tuple(
        FieldChange(
            disclosure.shown_path(d.path),
            *disclosure.shown(d),
            owner=None if d.before is ABSENT else owner_of(d.path, among),
            origin=None if d.path[-1] == PART_OF_LABEL else origin_of(target.manifest, d.path),
            tags=(disclosure.tag(d.path, d.before), disclosure.tag(d.path, d.after)),
        )
        for d in ordered
    )


def server_changes(
    request: PlanRequest, found: Survey, target: Target, differences: Iterable[Difference], live: Body | None
) -> tuple[FieldChange, ...]:
    """Return what the server itself changes, as it may be shown: no line of the config repo wants it."""
    return tuple(replace(change, origin=None) for change in field_changes(request, found, target, differences, live))


def blocked_reason(live: Body, request: PlanRequest, operators: Mapping[ObjectRef, str] | None = None) -> str:
    """Return why an object may not be touched, or "". Only with `operators` (see `Survey`) may it be taken over."""
    deletion = deletion_reason(live)
    return f"{deletion}; wait until it has gone" if deletion else foreign_reason(live, request, operators)


def foreign_reason(live: Body, request: PlanRequest, operators: Mapping[ObjectRef, str] | None = None) -> str:
    """Return whose an object is, where it is not ours to touch, and how that owner lets go; else ""."""
    named = request.takeovers if operators is not None else NO_TAKEOVERS
    holds = (_hold(owner, named, operators or {}) for owner in other_owners(live, request.inventory.ids))
    return "; ".join(hold for hold in holds if hold)


def _hold(owner: OtherOwner, takeovers: Takeovers, operators: Mapping[ObjectRef, str]) -> str:
    named = takeovers.named(owner.takeover)
    if not named:
        return owner.reason
    operator = operator_of(owner, named)
    why = operators.get(operator, "") if operator else ""
    return f"belongs to {owner.name}, and {why}" if why else ""


def _compared_change(request: PlanRequest, found: Survey, target: Target, live: Body, compared: Comparison) -> Change:
    blocked = blocked_reason(live, request, found.operators)
    if not compared.pending:
        return replace(
            _unchanged(request, found, target, live),
            action=Action.BLOCKED if blocked else Action.UNCHANGED,
            reason=found.redactor.mask_text(blocked),
        )
    disclosure = found.disclosure(request, target.ref)
    fields = field_changes(request, found, target, compared.ours, live)
    only_ownership = not compared.ours and not compared.server
    reason = _gained(compared) if only_ownership else "" if fields else "only the server changes fields of it"
    action = Action.OWNERSHIP if only_ownership else Action.UPDATE
    return replace(
        _unchanged(request, found, target, live),
        action=Action.BLOCKED if blocked else action,
        fields=fields,
        taken=field_losses(request, found, target, live, compared.lost),
        gained=tuple(map(disclosure.path_text, compared.gained)),
        effect=effect_of(compared, found.redactor),
        released=tuple(map(disclosure.path_text, compared.released)),
        reason=found.redactor.mask_text(blocked) or reason,
        server_fields=server_changes(request, found, target, compared.server, live),
    )


def _impact(found: Survey, transition: Transition) -> tuple[str, ...]:
    return tuple(found.redactor.mask_text(note) for note in impact_of_write(transition))


def _added(sent: Body, merged: Body) -> tuple[Difference, ...]:
    """Return how a new object differs from what was sent: defaults, and what webhooks set."""
    return diff_fields(_content(sent), _content(mark_allocated(merged, None, sent)), merge_keys(merged))


def _content(body: Body) -> dict[str, Any]:
    """Return what an object brings, without the label that makes it ours."""
    content: dict[str, Any] = without_fields(content_of(body), [MEMBERSHIP])
    metadata = {key: value for key, value in content.get("metadata", {}).items() if value}
    return {**content, "metadata": metadata} if metadata else {k: v for k, v in content.items() if k != "metadata"}


def _unchanged(request: PlanRequest, found: Survey, target: Target, live: Body | None) -> Change:
    """Return what every change of a target begins with."""
    metadata = live["metadata"] if live is not None else {}
    yields = found.yields.of(target.ref)
    return Change(
        ref=target.ref,
        api_version=target.manifest.api_version,
        action=Action.UNCHANGED,
        live_uid=str(metadata.get("uid", "")),
        live_resource_version=str(metadata.get("resourceVersion", "")),
        origin=target.manifest.origin,
        live_state="" if live is None else live_state(live, found.redactor, left_out(yields)),
        warnings=tuple(map(found.redactor.mask_text, found.yields.doubts_about(target.ref))),
        yielded=() if live is None else yielded_fields(request, found, target, live),
        step=target.step,
    )


def _gained(compared: Comparison) -> str:
    if not compared.gained:
        return "the values are there already; only the record of who owns them changes"
    names = ", ".join(format_field_path(path) for path in compared.gained[:_NAMED])
    more = len(compared.gained) - _NAMED
    return f"the values are there already and become ours: {names}" + (f" and {more} more" if more > 0 else "")
