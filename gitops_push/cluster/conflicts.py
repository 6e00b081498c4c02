"""What other managers of a live object lose to us, what is left to them, and which of that forbids the change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from gitops_push.cluster.survey import PlanRequest, Survey
from gitops_push.cluster.targets import Target
from gitops_push.core.autoscaling import REPLICAS
from gitops_push.core.codes import Code
from gitops_push.core.environment import ConflictAction
from gitops_push.core.errors import Problem
from gitops_push.core.fielddiff import ABSENT, FieldOwner, Shown
from gitops_push.core.fieldpath import format_field_path, resolve, value_at
from gitops_push.core.managed_fields import Loss
from gitops_push.core.normalization import origin_of
from gitops_push.core.objects import Body
from gitops_push.core.ownership import is_peoples_tool
from gitops_push.core.plan import FieldLoss, YieldedField
from gitops_push.core.redaction import Masked


def field_losses(
    request: PlanRequest, found: Survey, target: Target, live: Body, lost: Iterable[Loss]
) -> tuple[FieldLoss, ...]:
    """Return losses as a plan shows them, with both values and the line that wants the field."""
    disclosure = found.disclosure(request, target.ref)
    return tuple(
        FieldLoss(
            format_field_path(loss.path),
            loss.owner.manager,
            loss.owner.operation,
            loss.owner.at,
            origin_of(target.manifest, loss.path),
            live=disclosure.shown_value(loss.path, value_at(loss.path, live, ABSENT)),
            ours=disclosure.shown_value(loss.path, value_at(loss.path, target.body, ABSENT)),
        )
        for loss in lost
    )


def yielded_fields(request: PlanRequest, found: Survey, target: Target, live: Body) -> tuple[YieldedField, ...]:
    """Return what is left to others as a plan shows it, with both values and the line that the value stands on."""
    disclosure = found.disclosure(request, target.ref)
    return tuple(
        YieldedField(
            left,
            live=disclosure.shown_value(left.path, value_at(left.path, live, ABSENT)),
            ours=disclosure.shown_value(left.path, value_at(left.path, target.manifest.body, ABSENT)),
            origin=origin_of(target.manifest, left.path),
        )
        for left in found.yields.of(target.ref)
    )


def conflicts_of(
    request: PlanRequest, found: Survey, target: Target, live: Body, lost: Iterable[Loss]
) -> Iterator[Problem]:
    """Yield a problem for each loss that no rule allows, also for one that a rule would avoid and nothing can."""
    policy = request.policy.of(target.ref)
    doubts = found.yields.doubts_about(target.ref)
    disclosure = found.disclosure(request, target.ref)
    for loss in lost:
        action = policy.decide(loss.owner.manager, loss.path)
        if action is ConflictAction.TAKE:
            continue
        shown = disclosure.shown_value(loss.path, value_at(loss.path, live, ABSENT))
        remedies = "\n".join((*_remedies(target, loss), *_about_autoscalers(loss, doubts)))
        yield found.redactor.mask_problem(_conflict(target, loss, shown, remedies))


def _conflict(target: Target, loss: Loss, live: Shown, remedies: str) -> Problem:
    field = format_field_path(loss.path)
    also = f"also set to {_text(live)} by" if live is not ABSENT else "also set by"
    return Problem(
        Code.FIELD_CONFLICT,
        f"field conflict on {target.ref}: {field} is {also} {_describe(loss.owner)}",
        origin_of(target.manifest, loss.path),
        target.ref,
        remedies,
    )


def _remedies(target: Target, loss: Loss) -> tuple[str, ...]:
    """Return the ways out, ready to be pasted: a flag, and a rule for `conflicts:` of the config."""
    ref, field = target.ref, format_field_path(loss.path)
    force = f"--force-conflict {ref.kind}/{ref.name}"
    found = len(resolve(loss.path, target.body))
    if found < len(loss.path):
        return (
            f"the manifest has no {format_field_path(loss.path[: found + 1])}, which would go with all that is in it:",
            f"put it into the manifest, or let it go: {force}, or a rule with action: take",
        )
    parts = {"manager": loss.owner.manager, "kind": ref.kind, "name": ref.name, "field": field}
    rule = ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in parts.items())
    return (
        "let that manager own the field, by a rule for this environment in gitops-push.yaml:",
        f"  conflicts: [{{{rule}, action: yield}}]",
        f"take the field over: {force}, or that rule with action: take;",
        "or remove the field from the manifest",
    )


def _about_autoscalers(loss: Loss, doubts: tuple[str, ...]) -> tuple[str, ...]:
    if loss.path != REPLICAS or loss.owner.subresource != "scale" or is_peoples_tool(loss.owner.manager):
        return ()
    return doubts or ("(no HorizontalPodAutoscaler and no ScaledObject scales it any more)",)


def _describe(owner: FieldOwner) -> str:
    how = f"{owner.operation} of {owner.subresource}" if owner.subresource else owner.operation
    return f'"{owner.manager}" ({how}{f", {owner.at:%Y-%m-%d %H:%M}" if owner.at else ""})'


def _text(value: Shown) -> str:
    text = str(value) if isinstance(value, Masked) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 100 else f"{text[:99]}…"
