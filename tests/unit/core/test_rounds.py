from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.hooks import Phase
from gitops_push.core.objects import ObjectRef
from gitops_push.core.plan import APPLIED, IN_SET, Action, Change, HookRun, HookState, Plan
from gitops_push.core.rounds import Round, rounds_of
from gitops_push.core.waves import MAIN, Step

PLAN = Plan("prod", "shop", "c0ffee", "cluster", "digest", datetime(2026, 1, 2, tzinfo=UTC), ())


def change(name: str, wave: int, action: Action = Action.UPDATE, kind: str = "ConfigMap") -> Change:
    return Change(ObjectRef("", kind, "shop", name), "v1", action, step=Step(Phase.SYNC, wave))


def hook(name: str, phase: Phase, state: HookState = HookState.RUNS) -> HookRun:
    return HookRun(ObjectRef("batch", "Job", "shop", name), name, "batch/v1", Step(phase, 0), state)


def names(rounds: tuple[Round, ...]) -> list[list[str]]:
    return [[*(c.ref.name for c in found.changes), *(h.ref.name for h in found.hooks)] for found in rounds]


def plan(*members: Change | HookRun) -> Plan:
    changes = tuple(member for member in members if isinstance(member, Change))
    return replace(PLAN, changes=changes, hooks=tuple(member for member in members if isinstance(member, HookRun)))


def test_without_waves_there_is_one_round() -> None:
    (found,) = rounds_of(plan(change("a", 0), change("b", 0, Action.UNCHANGED), change("c", 0, Action.PRUNE)))
    assert [each.ref.name for each in found.changes] == ["a", "b"]


def test_a_plan_of_nothing_has_a_round_in_which_nothing_is_done() -> None:
    assert rounds_of(PLAN) == (Round(MAIN),)


def test_each_wave_is_a_round_and_hooks_are_in_theirs() -> None:
    members = (
        change("late", 2),
        change("early", -1),
        hook("before", Phase.PRE_SYNC),
        hook("after", Phase.POST_SYNC),
        hook("failed", Phase.SYNC_FAIL),
        change("main", 0),
        hook("beside", Phase.SYNC),
    )
    assert names(rounds_of(plan(*members))) == [["before"], ["early"], ["main", "beside"], ["late"], ["after"]]


def test_unchanged_members_before_a_change_are_waited_for_and_those_after_it_not_one_by_one() -> None:
    quiet = Action.UNCHANGED
    members = (change("a", 0, quiet), change("b", 1), change("c", 2, quiet), change("d", 3, quiet))
    assert names(rounds_of(plan(*members))) == [["a"], ["b", "c", "d"]]


def test_a_hook_that_an_earlier_run_has_run_is_in_no_round() -> None:
    done, awaited = hook("done", Phase.PRE_SYNC, HookState.DONE), hook("awaited", Phase.POST_SYNC, HookState.AWAITED)
    assert names(rounds_of(plan(change("a", 0), done, awaited))) == [["a"], ["awaited"]]


def test_deferred_changes_are_checked_when_the_last_foundations_are_there() -> None:
    members = (change("a", 0), change("home", 1, kind="Namespace"), change("b", 1), change("c", 2), change("d", 3))
    found = rounds_of(plan(*members))
    assert [[each.ref.name for each in one.deferred] for one in found] == [["a"], ["b", "c", "d"], [], []]


CHANGES = st.builds(
    change,
    st.text("abcdefgh", min_size=1, max_size=3),
    st.integers(-2, 2),
    st.sampled_from([Action.CREATE, Action.UPDATE, Action.UNCHANGED, Action.PRUNE]),
    st.sampled_from(["ConfigMap", "Namespace"]),
)


@given(st.lists(CHANGES, unique_by=lambda one: one.ref, max_size=12))
def test_every_object_of_the_set_is_in_one_round_and_every_change_is_checked_once(changes: list[Change]) -> None:
    rounds = rounds_of(plan(*changes))
    members = [each for found in rounds for each in found.changes]
    assert sorted(each.ref for each in members) == sorted(each.ref for each in changes if each.action in IN_SET)
    checked = [each.ref for found in rounds for each in found.deferred]
    expected = [each.ref for each in members if each.action in APPLIED and each.ref.kind != "Namespace"]
    assert sorted(checked) == sorted(expected)
    steps = [found.step for found in rounds]
    assert steps == sorted(set(steps))
    place = {each.ref: number for number, found in enumerate(rounds) for each in found.changes}
    for a in members:
        for b in members:
            assert a.step >= b.step or a.action not in APPLIED or place[a.ref] <= place[b.ref]
            assert a.step >= b.step or b.action not in APPLIED or place[a.ref] < place[b.ref]
