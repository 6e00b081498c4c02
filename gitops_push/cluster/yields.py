"""Finds the fields that are left to other managers, and asks the server about the requests without them.

Requests: a second dry run for each object with such a field, and those of `cluster.autoscalers`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from gitops_push.cluster.api import ApiReader, ServedKinds
from gitops_push.cluster.autoscalers import Autoscalers, find_autoscalers
from gitops_push.cluster.crew import in_parallel
from gitops_push.cluster.dry_run import READ_AGAIN, Asked, ask
from gitops_push.cluster.targets import Target
from gitops_push.core.autoscaling import AUTOSCALERS, REPLICAS, Autoscaler
from gitops_push.core.comparison import compare_leaves
from gitops_push.core.conflict_policy import ConflictPolicy
from gitops_push.core.fieldpath import FieldPath
from gitops_push.core.managed_fields import ManagerEntry, expected_losses, losses, manager_entries
from gitops_push.core.normalization import comparable
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.yielding import Yield, body_with_yields, scaled_replicas, shared, yields_of

_SOME_AUTOSCALER: Final = Autoscaler("HorizontalPodAutoscaler", "any", to_zero=True)


@dataclass(frozen=True, slots=True)
class Yields:
    """The fields that are left to others, by object; `doubts` says where an autoscaler may be that cannot be seen."""

    fields: Mapping[ObjectRef, tuple[Yield, ...]] = field(default_factory=dict)
    doubts: Mapping[ObjectRef, str] = field(default_factory=dict)

    def of(self, ref: ObjectRef) -> tuple[Yield, ...]:
        """Return what of an object is left to others."""
        return self.fields.get(ref, ())

    def paths(self, ref: ObjectRef) -> tuple[FieldPath, ...]:
        """Return the fields of an object that stay as they are."""
        return tuple(left.path for left in self.of(ref))

    def doubts_about(self, ref: ObjectRef) -> tuple[str, ...]:
        """Return what is not known about an object, for people."""
        return (self.doubts[ref],) if ref in self.doubts else ()


@dataclass(frozen=True, slots=True)
class Asking:
    """What the server said of the targets so far, and how to ask more."""

    targets: tuple[Target, ...]
    live: Mapping[ObjectRef, Body] = field(repr=False)
    asked: Mapping[ObjectRef, Asked] = field(repr=False)
    policy: ConflictPolicy
    served: ServedKinds
    reader: ApiReader
    concurrency: int

    def live_of(self, target: Target) -> Body | None:
        """Return the live object that the answer about it describes."""
        asked = self.asked.get(target.ref)
        return asked.live if asked else self.live.get(target.ref)


def leave_to_others(asking: Asking) -> tuple[tuple[Target, ...], dict[ObjectRef, Asked], Yields]:
    """Return the targets with bodies that leave out what is left to others, the answers about these, and what it is.

    An object that does not exist yet has nothing to leave: it is created as the config repo says.
    """
    autoscalers, doubts = _autoscalers(asking)
    decide = _decision(asking.policy, autoscalers)
    contested: list[tuple[Target, tuple[Yield, ...]]] = []
    for target in asking.targets:
        live = asking.live_of(target)
        if live is not None and (yields := decide(target, live, asking.asked.get(target.ref))):
            contested.append((target, yields))
    found = in_parallel(lambda one: _ask_again(asking, *one, decide), contested, asking.concurrency)
    answers = {target.ref: answer for (target, _), answer in found}
    fields = {ref: yields for ref, (_, yields) in answers.items() if yields}
    again = {ref: asked for ref, (asked, _) in answers.items() if asked is not None}
    targets = tuple(_yielding(target, fields.get(target.ref, ())) for target in asking.targets)
    return targets, {**asking.asked, **again}, Yields(fields, doubts)


Decide = Callable[[Target, Body, Asked | None], tuple[Yield, ...]]


def _decision(policy: ConflictPolicy, autoscalers: Autoscalers) -> Decide:
    def decide(target: Target, live: Body, asked: Asked | None) -> tuple[Yield, ...]:
        rules = policy.of(target.ref)
        autoscaler = autoscalers.scaled.get(target.ref)
        if asked is not None and asked.merged is not None:
            lost = (*losses(live, asked.merged), *shared(rules, live, asked.merged))
        elif rules.may_yield and not (asked is not None and asked.moved):
            lost = tuple(expected_losses(compare_leaves(live, target.body), live))
        else:
            lost = ()
        return yields_of(rules, live, target.body, lost, autoscaler)

    return decide


def _ask_again(
    asking: Asking, target: Target, yields: tuple[Yield, ...], decide: Decide
) -> tuple[Asked | None, tuple[Yield, ...]]:
    """Return the answer to the request without these fields, and what is left out of it in the end.

    Should the object change between the two dry runs, it is decided again.
    """
    asked = asking.asked.get(target.ref)
    if asked is None or asked.merged is None:
        return asked, yields
    for _ in range(READ_AGAIN):
        answer = ask(_yielding(target, yields), asked.live, asking.reader)
        if answer.moved or answer.live is None or _is_as_decided(asked.live, answer.live):
            return answer, yields
        asked = ask(target, answer.live, asking.reader)
        if asked.live is None or asked.merged is None:
            return asked, ()
        yields = decide(target, asked.live, asked)
        if not yields:
            return asked, ()
    return Asked(asked.live, moved=True), yields


def _autoscalers(asking: Asking) -> tuple[Autoscalers, dict[ObjectRef, str]]:
    open_for = [target.ref for target in asking.targets if _is_open(asking, target)]
    known = (
        *(target.body for target in asking.targets if (target.ref.group, target.ref.kind) in AUTOSCALERS),
        *(body for ref, body in asking.live.items() if (ref.group, ref.kind) in AUTOSCALERS),
    )
    found = find_autoscalers(known, open_for, asking.served, asking.reader)
    unseen = {ref: found.unread[ref.namespace] for ref in open_for if ref.namespace in found.unread}
    return found, {
        ref: f"its replicas are treated as if no autoscaler set them: it cannot be seen whether one does ({why})"
        for ref, why in unseen.items()
        if ref not in found.scaled
    }


def _is_open(asking: Asking, target: Target) -> bool:
    """Return whether it matters to an existing object if something scales it: only that in a namespace can be."""
    live = asking.live_of(target)
    if live is None or not target.ref.namespace:
        return False
    policy = asking.policy.of(target.ref)
    left = scaled_replicas(policy, live, target.body, _SOME_AUTOSCALER)
    return left is not None and policy.rule_for(left.owner.manager if left.owner else "", REPLICAS) is None


def _yielding(target: Target, yields: tuple[Yield, ...]) -> Target:
    return replace(target, body=body_with_yields(target.body, yields)) if yields else target


def _is_as_decided(before: Body | None, after: Body) -> bool:
    """Return whether nothing but the status has moved: then the same fields are left to the same managers."""
    return before is not None and comparable(before) == comparable(after) and _managed(before) == _managed(after)


def _managed(live: Body) -> list[ManagerEntry]:
    return [entry for entry in manager_entries(live) if entry.owner.subresource != "status"]
