"""What of a plan binds: two plans with the same digest do the same, whoever made them, when, and from which commit.

Part of it are the cluster, the inventory, and of each object that is in the set or would be deleted: the action, how
sure it is, the whole manifest as it is sent, the fields that change with both values, and whose fields change hands;
and of each hook that runs its manifest.
Left out is what does not change what happens: the commit, times, resourceVersions and uids (an object that somebody
deleted and created again just as it was is the same to us, and each write carries its own precondition), the places in
the config, warnings, notes, and objects that are kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from gitops_push.core.fielddiff import FieldChange, FieldOwner, Shown
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.objects import ObjectRef
from gitops_push.core.plan import Action, Change, HookRun, Plan, TakeOver

FORMAT: Final = 1
"""The version of the rule by which digests are made; part of each digest."""

PREFIX: Final = "sha256:"


@dataclass(frozen=True, slots=True)
class BoundField:
    """A field that changes: the tags of both values bind, the rest is for people."""

    tags: tuple[str, str]
    path: str
    before: Shown
    after: Shown
    owner: FieldOwner | None = None


@dataclass(frozen=True, slots=True, order=True)
class Handover:
    """What changes hands: `what` says how ("takes", "yields", "gains", …), `manager` who else is concerned.

    What of a yielded field is sent may move: that is the point of yielding it. What an autoscaler has is left out: it
    may scale an object for the first time between the plan and its apply. Should that change what is
    written, the fields tell.
    """

    what: str
    field: str
    manager: str = ""


@dataclass(frozen=True, slots=True)
class BoundObject:
    """What binds of one object."""

    ref: ObjectRef
    api_version: str
    action: str
    fidelity: str
    content: str
    handovers: tuple[Handover, ...] = ()
    fields: tuple[BoundField, ...] = ()


@dataclass(frozen=True, slots=True)
class BoundPlan:
    """What binds of a plan; `keyed` says whether secret values are part of it."""

    environment: str
    project: str
    namespace: str
    cluster_id: str
    keyed: bool
    objects: tuple[BoundObject, ...]


def plan_digest(plan: Plan) -> str:
    """Return the digest of a plan: `sha256:` and 64 hex digits."""
    return digest_of(bound(plan))


def bound(plan: Plan) -> BoundPlan:
    """Return what binds of a plan, sorted by object."""
    objects = (
        *(_bound_object(change) for change in plan.changes if change.action is not Action.KEPT),
        *_bound_hooks(plan.hooks),
    )
    return BoundPlan(
        environment=plan.environment,
        project=plan.project,
        namespace=plan.namespace,
        cluster_id=plan.cluster_id,
        keyed=plan.keyed,
        objects=tuple(sorted(objects, key=lambda found: found.ref)),
    )


def digest_of(plan: BoundPlan) -> str:
    """Return the digest of what binds; the order of the objects does not matter."""
    identity = [plan.environment, plan.project, plan.namespace, plan.cluster_id, plan.keyed]
    objects = sorted(object_digest(found) for found in plan.objects)
    return _sha256([FORMAT, identity, objects])


def object_digest(found: BoundObject) -> str:
    """Return the digest of one object."""
    ref = found.ref
    handovers = [[each.what, each.field, each.manager] for each in sorted(found.handovers)]
    said = [ref.group, ref.kind, ref.namespace, ref.name, found.api_version, found.action, found.fidelity]
    return _sha256([*said, found.content, handovers, sorted(field.tags for field in found.fields)])


def _bound_object(change: Change) -> BoundObject:
    return BoundObject(
        ref=change.ref,
        api_version=change.api_version,
        action=change.action.value,
        fidelity=change.fidelity.value,
        content=change.content,
        handovers=tuple(sorted(set(_handovers(change)))),
        fields=tuple(_bound_fields(change.fields)),
    )


def _bound_hooks(hooks: Iterable[HookRun]) -> Iterable[BoundObject]:
    """Return what binds of hooks: once for all runs of one, whether an earlier run has done some of them or not."""
    first = {hook.config_ref: hook for hook in reversed(tuple(hooks))}
    return (
        BoundObject(ref, hook.api_version, Action.HOOK.value, fidelity="", content=hook.content)
        for ref, hook in first.items()
    )


def _handovers(change: Change) -> Iterator[Handover]:
    for loss in change.taken:
        yield Handover("takes", loss.field, f"{loss.manager} ({loss.operation})")
    yield from _taken_over(change.take_over) if change.take_over else ()
    for left in change.yields:
        if left.autoscaler is None:
            yield Handover("yields", format_field_path(left.path), left.owner.manager if left.owner else "")
    yield from (Handover("gains", field) for field in change.gained)
    yield from (Handover("releases", field) for field in change.released)


def _taken_over(take_over: TakeOver) -> Iterator[Handover]:
    for entry in take_over.entries:
        yield Handover("takes over", f"{entry.fields} fields", f"{entry.manager} ({entry.operation})")
    yield from (Handover("takes over", "the object", owner) for owner in take_over.owners)
    yield from (Handover("loses", field) for field in take_over.gone)
    yield from (Handover("removes", field) for field in (*take_over.removed, *take_over.added))


def _bound_fields(fields: Iterable[FieldChange]) -> Iterator[BoundField]:
    for field in fields:
        yield BoundField(field.tags, format_field_path(field.path), field.before, field.after, field.owner)


def _sha256(value: object) -> str:
    text = json.dumps(value, separators=(",", ":"), sort_keys=True)
    return PREFIX + hashlib.sha256(text.encode()).hexdigest()
