"""What other managers of a live object would lose to us, and which of that forbids the change."""

from __future__ import annotations

import json
from collections.abc import Iterable

from gitops_push.cluster.rejections import origin_of
from gitops_push.cluster.survey import PlanRequest, Survey
from gitops_push.cluster.targets import Target
from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem
from gitops_push.core.fielddiff import ABSENT, Difference, FieldOwner, Shown
from gitops_push.core.fieldpath import format_field_path, value_at
from gitops_push.core.managed_fields import FIELD_MANAGER, Loss, holders, owner_of
from gitops_push.core.objects import Body
from gitops_push.core.ownership import may_take
from gitops_push.core.plan import FieldLoss
from gitops_push.core.redaction import Masked


def expected_losses(differences: Iterable[Difference], live: Body) -> Iterable[Loss]:
    """Yield what other managers would lose by these differences, where no dry run tells."""
    among = tuple((owner, paths) for owner, paths in holders(live) if owner.manager != FIELD_MANAGER)
    for difference in differences:
        owner = None if difference.before is ABSENT else owner_of(difference.path, among)
        if owner is not None:
            yield Loss(difference.path, owner)


def field_loss(target: Target, loss: Loss) -> FieldLoss:
    """Return a loss as a plan shows it, with the line that wants the field."""
    owner = loss.owner
    origin = origin_of(target.manifest, loss.path)
    return FieldLoss(format_field_path(loss.path), owner.manager, owner.operation, owner.at, origin)


def conflicts_of(
    request: PlanRequest, found: Survey, target: Target, live: Body, lost: Iterable[Loss]
) -> Iterable[Problem]:
    """Yield a problem for each loss that no rule allows."""
    protected = request.environment.protected
    for loss in lost:
        if may_take(loss.owner.manager, target.ref, request.forced, protected=protected):
            continue
        shown = found.disclosure(request, target.ref).shown_value(loss.path, value_at(loss.path, live, ABSENT))
        yield found.masked(_conflict(target, loss, shown))


def _conflict(target: Target, loss: Loss, live: Shown) -> Problem:
    field = format_field_path(loss.path)
    also = f"also set to {_text(live)} by" if live is not ABSENT else "also set by"
    return Problem(
        Code.FIELD_CONFLICT,
        f"field conflict on {target.ref}: {field} is {also} {_describe(loss.owner)}",
        origin_of(target.manifest, loss.path),
        target.ref,
        f"take the field over (--force-conflict {target.ref.kind}/{target.ref.name}), "
        f'or remove it from the manifest and let "{loss.owner.manager}" own it,\n'
        "or stop that manager from setting it",
    )


def _describe(owner: FieldOwner) -> str:
    how = f"{owner.operation} of {owner.subresource}" if owner.subresource else owner.operation
    return f'"{owner.manager}" ({how}{f", {owner.at:%Y-%m-%d %H:%M}" if owner.at else ""})'


def _text(value: Shown) -> str:
    text = str(value) if isinstance(value, Masked) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 100 else f"{text[:99]}…"
