"""Gives each planned change the tag of what would be written or deleted, for the digest of the plan."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

from gitops_push.cluster.survey import PlanRequest, Survey
from gitops_push.cluster.targets import Target
from gitops_push.core.disclosure import Disclosure
from gitops_push.core.fielddiff import ABSENT
from gitops_push.core.fieldpath import value_at
from gitops_push.core.managed_fields import our_leaves
from gitops_push.core.normalization import body_to_send
from gitops_push.core.objects import Body
from gitops_push.core.plan import Action, Change, FieldLoss


def sealed(request: PlanRequest, found: Survey, changes: Iterable[Change]) -> Iterator[Change]:
    """Yield the changes with their `content`: the tag of the whole request, or of what a deletion would take away."""
    sent = {target.ref: target for target in found.targets}
    for change in changes:
        disclosure = found.disclosure(request, change.ref)
        target, live = sent.get(change.ref), found.live.objects.get(change.ref)
        content = ""
        if target is not None:
            content = disclosure.tag((), _wanted(request, found, target))
        elif change.action is Action.PRUNE and live is not None:
            content = own_fields_tag(disclosure, live)
        yield replace(change, content=content, taken=tuple(_nameable(found, change)))


def own_fields_tag(disclosure: Disclosure, live: Body) -> str:
    """Return the tag of those fields of a live object that we set, "" where there are none.

    What an autoscaler or a person sets later is not part of it; a field that somebody takes from us is.
    """
    tags = sorted(disclosure.tag(path, value_at(path, live, ABSENT)) for path in our_leaves(live))
    return hashlib.sha256("\n".join(tags).encode()).hexdigest() if tags else ""


def _wanted(request: PlanRequest, found: Survey, target: Target) -> Body:
    """Return what the config wants to be sent: where an autoscaler's number is sent instead, that may move."""
    is_whole = not found.yields.of(target.ref)
    return target.body if is_whole else body_to_send(target.manifest, request.inventory.id)


def _nameable(found: Survey, change: Change) -> Iterator[FieldLoss]:
    """Yield the losses without secret values in their texts, the same in every run."""
    without = found.redactor.without_values
    for loss in change.taken:
        yield replace(loss, field=without(loss.field), manager=without(loss.manager))
