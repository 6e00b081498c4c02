"""The rounds of a deployment: what is sent together in stages, and is healthy before the next round begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from gitops_push.core.ordering import Stage, stage_of
from gitops_push.core.plan import APPLIED, IN_SET, Change, HookRun, Plan
from gitops_push.core.waves import MAIN, Step, order_key


@dataclass(frozen=True, slots=True)
class Round:
    """The objects of a step, unchanged ones too, and the hooks that run in it or are awaited.

    `deferred` are the changes, of later rounds too, whose dry run is made up for when the foundations of this round are
    there.
    """

    step: Step
    changes: tuple[Change, ...] = ()
    hooks: tuple[HookRun, ...] = ()
    deferred: tuple[Change, ...] = ()

    @property
    def acts(self) -> bool:
        """Return whether anything is sent, or a hook awaited."""
        return bool(self.hooks) or any(change.action in APPLIED for change in self.changes)


def rounds_of(plan: Plan) -> tuple[Round, ...]:
    """Return the rounds of a plan, at least one.

    What comes after the last one that acts is waited for together with it: nothing depends on its order any more.
    """
    every = tuple(_by_step(plan))
    acting = [number for number, found in enumerate(every) if found.acts]
    last = acting[-1] if acting else 0
    return _with_deferred((*every[:last], _joined(every[last:])))


def deletion_rounds(changes: Iterable[Change]) -> tuple[tuple[Change, ...], ...]:
    """Return what is deleted at the same time, in order: the last wave first, and in it the last stage."""
    ordered = sorted(changes, key=lambda change: order_key(change.step, change.ref), reverse=True)
    return tuple(tuple(group) for _, group in groupby(ordered, lambda change: (change.step, stage_of(change.ref))))


def _by_step(plan: Plan) -> Iterator[Round]:
    changes = (change for change in plan.changes if change.action in IN_SET)
    members: list[Change | HookRun] = [*changes, *plan.due_hooks()]
    members.sort(key=lambda member: member.step)
    for step, group in groupby(members, lambda member: member.step):
        found = tuple(group)
        yield Round(
            step,
            tuple(member for member in found if isinstance(member, Change)),
            tuple(member for member in found if isinstance(member, HookRun)),
        )


def _joined(rounds: Sequence[Round]) -> Round:
    step = rounds[0].step if rounds else MAIN
    changes = tuple(change for found in rounds for change in found.changes)
    return Round(step, changes, tuple(hook for found in rounds for hook in found.hooks))


def _with_deferred(rounds: Sequence[Round]) -> tuple[Round, ...]:
    """All that is left is checked at once, as soon as the last foundations are there."""
    founding = [number for number, found in enumerate(rounds) if any(_founds(change) for change in found.changes)]
    last = founding[-1] if founding else 0
    return tuple(
        Round(found.step, found.changes, found.hooks, tuple(_applied(_due(rounds, number, last))))
        for number, found in enumerate(rounds)
    )


def _due(rounds: Sequence[Round], number: int, last: int) -> Sequence[Round]:
    if number == last:
        return rounds[number:]
    return rounds[number : number + 1] if number < last else ()


def _founds(change: Change) -> bool:
    return change.action in APPLIED and stage_of(change.ref) is Stage.FOUNDATIONS


def _applied(rounds: Iterable[Round]) -> Iterator[Change]:
    for found in rounds:
        yield from (c for c in found.changes if c.action in APPLIED and stage_of(c.ref) is not Stage.FOUNDATIONS)
