"""Fields that a request leaves to other managers, and the body that leaves them.

A field that another manager has too is left out of the request: that manager keeps it, and applying the object again
and again never touches it. A field that only we have cannot be left out, or the server would remove it or fall back to
its default (tried on a real API server): then the live value is sent. That happens to replicas only, which belong to
an autoscaler from the moment on that there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitops_push.core.autoscaling import REPLICAS, Autoscaler, replicas_of
from gitops_push.core.conflict_policy import ObjectPolicy, strictest
from gitops_push.core.environment import ConflictAction
from gitops_push.core.fielddiff import ABSENT, FieldOwner
from gitops_push.core.fieldpath import FieldPath, ItemKey, resolve
from gitops_push.core.inventory import MEMBERSHIP
from gitops_push.core.managed_fields import Loss, manager_entries, our_entry
from gitops_push.core.objects import Body


@dataclass(frozen=True, slots=True)
class Yield:
    """One field that is left to another manager.

    `owner` is who has it in the live object, None where nobody else has. `autoscaler` names what scales the object, if
    that is why. `sent` is the live number of replicas that is sent instead of ours; None: the field is left out.
    """

    path: FieldPath
    owner: FieldOwner | None = None
    autoscaler: Autoscaler | None = None
    sent: int | None = None


def body_with_yields(body: Body, yields: Iterable[Yield]) -> dict[str, Any]:
    """Return the body to send: without the fields that are left to others, and with the live values that are kept.

    List items keep their merge keys; a map or list that is empty then is left out with its last field.
    """
    sent = dict(body)
    for left in yields:
        steps = resolve(left.path, sent)
        if len(steps) == len(left.path):
            sent = _with_value(sent, steps, ABSENT if left.sent is None else left.sent)
    return sent


def yields_of(
    policy: ObjectPolicy, live: Body, body: Body, contested: Iterable[Loss], autoscaler: Autoscaler | None = None
) -> tuple[Yield, ...]:
    """Return what the request for an object leaves to others.

    `contested` are the fields that others would lose, and the `shared` ones. `autoscaler` is what scales the object.
    """
    replicas = scaled_replicas(policy, live, body, autoscaler) if autoscaler else None
    owners: dict[FieldPath, list[FieldOwner]] = {}
    for loss in contested:
        if not (autoscaler and loss.path == REPLICAS) and _can_be_left(loss.path, body):
            owners.setdefault(loss.path, []).append(loss.owner)
    left = (
        Yield(path, max(who, key=_time))
        for path, who in owners.items()
        if strictest(policy.decide(owner.manager, path) for owner in who) is ConflictAction.YIELD
    )
    return (*((replicas,) if replicas else ()), *left)


def scaled_replicas(policy: ObjectPolicy, live: Body, body: Body, autoscaler: Autoscaler) -> Yield | None:
    """Return how the replicas of an object are left to its autoscaler; None where ours are sent.

    That is so where a person scaled the object, where a rule says so, and where it stands at 0 though its autoscaler
    never scales to 0: that one does nothing until somebody scales it up again.
    """
    ours, now = replicas_of(body), replicas_of(live)
    if ours is None or now is None:
        return None
    is_mine, others = _holders_of(REPLICAS, live)
    if ours == now and is_mine:
        return None
    # Scaled to 0 through the scale subresource, the number has no owner any more, and gets none when the object is
    # scaled up again (tried on a real API server).
    if not others and now == 0 and not autoscaler.to_zero:
        return None
    managers = [owner.manager for owner in others] or [""]
    action = strictest(policy.decide(manager, REPLICAS, autoscaled=True) for manager in managers)
    if action is not ConflictAction.YIELD:
        return None
    return Yield(REPLICAS, max(others, key=_time, default=None), autoscaler, now if is_mine and not others else None)


def shared(policy: ObjectPolicy, live: Body, merged: Body) -> Iterator[Loss]:
    """Yield the fields that would become ours beside a manager to which a rule leaves them: the value is the same.

    Left to that manager too, they never turn into a change when the two values happen to meet.
    """
    before, after = our_entry(live), our_entry(merged)
    if not policy.may_yield or after is None or (before is not None and before.fields == after.fields):
        return
    ours = after.paths()
    gained = ours - (before.paths() if before else frozenset())
    for entry in manager_entries(live):
        for path in () if entry.is_ours else gained & entry.paths():
            rule = policy.rule_for(entry.owner.manager, path)
            if rule and rule.action is ConflictAction.YIELD and not ours.has_below(path):
                yield Loss(path, entry.owner)


def left_out(yields: Iterable[Yield]) -> tuple[FieldPath, ...]:
    """Return the fields that are not in the request: their values may move without making a plan stale."""
    return tuple(left.path for left in yields if left.sent is None)


def unheld(yields: Iterable[Yield], live: Body) -> tuple[FieldPath, ...]:
    """Return the fields left out of a request that nobody but us has in the live object: it would lose them."""
    return tuple(path for path in left_out(yields) if _only_mine(path, live))


def _only_mine(path: FieldPath, live: Body) -> bool:
    is_mine, others = _holders_of(path, live)
    return is_mine and not others


def _holders_of(path: FieldPath, live: Body) -> tuple[bool, tuple[FieldOwner, ...]]:
    """Return whether we have the field, and who else has."""
    holding = [entry for entry in manager_entries(live) if entry.has(path)]
    return any(e.is_ours for e in holding), tuple(e.owner for e in holding if not e.is_ours)


def _can_be_left(path: FieldPath, body: Body) -> bool:
    """Return whether the body has the field, and is still the same object with the same list items without it."""
    if path == MEMBERSHIP or len(resolve(path, body)) < len(path):
        return False
    around = path[-2] if len(path) > 1 else None
    return not (isinstance(around, ItemKey) and path[-1] in dict(around.keys))


def _with_value(node: Any, steps: Sequence[str | int], value: Any) -> Any:
    """Return a copy with another value at `steps`, or without what is there and with no empty remains."""
    step, *rest = steps
    child = _with_value(node[step], rest, value) if rest else value
    gone = child is ABSENT or (value is ABSENT and rest and not child)
    if isinstance(node, Mapping):
        return {key: child if key == step else item for key, item in node.items() if not (gone and key == step)}
    return [child if i == step else item for i, item in enumerate(node) if not (gone and i == step)]


def _time(owner: FieldOwner) -> str:
    return owner.at.isoformat() if owner.at else ""
