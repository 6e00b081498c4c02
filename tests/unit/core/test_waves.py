from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.hooks import Phase, Role, role_in
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.waves import MAIN, Step, deletion_steps, order_key, steps_of
from tests.unit.core.test_growth import LARGE, LINEAR, SMALL, calls

CRD = ("apiextensions.k8s.io", "CustomResourceDefinition")
GROUPS = ("a.example.com", "b.example.com")
PHASES = ("PreSync", "Sync", "PostSync", "SyncFail", "PreDelete")
Placed = tuple[ObjectRef, Body, Role]


def placed(group: str, kind: str, namespace: str, name: str, **annotations: str) -> Placed:
    spelled = {f"argocd.argoproj.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
    body: dict[str, Any] = {"kind": kind, "metadata": {"name": name, "annotations": spelled}}
    if kind == CRD[1]:
        body["spec"] = {"group": name.partition(".")[2], "names": {"kind": "Widget"}}
    return ObjectRef(group, kind, namespace, name), body, role_in(body, (group, kind))


def namespace(name: str, **annotations: str) -> Placed:
    return placed("", "Namespace", "", name, **annotations)


def config(where: str, name: str, **annotations: str) -> Placed:
    return placed("", "ConfigMap", where, name, **annotations)


def definition(group: str, **annotations: str) -> Placed:
    return placed(*CRD, "", f"widgets.{group}", **annotations)


def test_objects_are_in_the_step_of_their_wave() -> None:
    every = [config("shop", "a", sync_wave="-1"), config("shop", "b"), config("shop", "c", sync_wave="2")]
    assert list(steps_of(every).values()) == [Step(Phase.SYNC, -1), MAIN, Step(Phase.SYNC, 2)]
    assert [str(step) for step in steps_of(every).values()] == ["wave -1", "", "wave 2"]


def test_a_namespace_in_a_late_wave_comes_before_the_hook_in_it() -> None:
    hook = placed("batch", "Job", "shop", "migrate", hook="PostSync,PreSync", sync_wave="-3")
    steps = steps_of([namespace("shop", sync_wave="5"), namespace("other", sync_wave="5"), hook])
    assert [(ref.name, str(step)) for ref, step in steps.items()] == [("shop", "PreSync wave -3"), ("other", "wave 5")]


def test_a_definition_in_a_late_wave_comes_before_its_resources_and_no_other_does() -> None:
    widget = placed("a.example.com", "Widget", "shop", "w", sync_wave="1")
    steps = steps_of([definition("a.example.com", sync_wave="9"), definition("b.example.com", sync_wave="9"), widget])
    assert [step.wave for step in steps.values()] == [1, 9, 1]


def test_what_comes_early_enough_is_not_moved() -> None:
    steps = steps_of([namespace("shop", sync_wave="-9"), config("shop", "a")])
    assert [step.wave for step in steps.values()] == [-9, 0]


def test_objects_of_a_deletion_and_those_left_out_move_nothing() -> None:
    late = namespace("shop", sync_wave="5")
    gone = placed("batch", "Job", "shop", "a", hook="PreDelete", sync_wave="-1")
    skipped = placed("batch", "Job", "shop", "b", hook="Skip", sync_wave="-1")
    assert steps_of([late, gone, skipped]) == {late[0]: Step(Phase.SYNC, 5)}


def test_what_is_deleted_last_goes_after_everything_and_a_namespace_after_its_members() -> None:
    last = config("shop", "last", sync_options="PruneLast=true")
    every = [namespace("shop", sync_wave="9"), config("shop", "a", sync_wave="1"), config("shop", "b"), last]
    steps = deletion_steps((ref, body) for ref, body, _ in every)
    first_to_go = sorted(steps, key=lambda ref: order_key(steps[ref], ref), reverse=True)
    assert [ref.name for ref in first_to_go] == ["a", "b", "last", "shop"]


WAVE = st.integers(-3, 3).map(str)
NAMESPACES = st.builds(lambda name, wave: namespace(name, sync_wave=wave), st.sampled_from("abc"), WAVE)
DEFINITIONS = st.builds(lambda group, wave: definition(group, sync_wave=wave), st.sampled_from(GROUPS), WAVE)
MEMBERS = st.builds(
    lambda group, where, name, wave: placed(group, "Widget" if group else "ConfigMap", where, name, sync_wave=wave),
    st.sampled_from(("", *GROUPS)),
    st.sampled_from("abc"),
    st.sampled_from("xyz"),
    WAVE,
)
HOOKS = st.builds(
    lambda where, name, phases, wave: placed("batch", "Job", where, name, hook=",".join(phases), sync_wave=wave),
    st.sampled_from("abc"),
    st.sampled_from("xyz"),
    st.lists(st.sampled_from(PHASES), min_size=1, max_size=3),
    WAVE,
)
SETS = st.lists(st.one_of(NAMESPACES, DEFINITIONS, MEMBERS, HOOKS), unique_by=lambda one: one[0], max_size=14)


def tasks_of(every: list[Placed]) -> list[tuple[Step, ObjectRef]]:
    """Everything that a deployment does, hooks once for each phase."""
    applied = [(step, ref) for ref, step in steps_of(every).items()]
    hooks = [
        (Step(phase, role.wave), ref) for ref, _, role in every for phase in role.hooked if phase < Phase.PRE_DELETE
    ]
    return [*applied, *hooks]


@given(SETS)
def test_foundations_come_before_what_needs_them_in_a_total_order(every: list[Placed]) -> None:
    tasks = sorted(tasks_of(every), key=lambda task: order_key(*task))
    assert all(order_key(*a) < order_key(*b) for a, b in pairwise(tasks))
    defined = {ref: ref.name.partition(".")[2] for _, ref in tasks if ref.kind == CRD[1]}
    for place, (_, ref) in enumerate(tasks):
        before = {other for _, other in tasks[:place]}
        home = ObjectRef("", "Namespace", "", ref.namespace)
        assert home in before or home not in {other for _, other in tasks}
        needed = {found for found, group in defined.items() if ref.kind == "Widget" and group == ref.group}
        assert needed <= before


@given(SETS)
def test_waves_are_kept_by_all_but_foundations_and_these_move_no_further_than_they_must(every: list[Placed]) -> None:
    steps = steps_of(every)
    needs = [(ref, step) for step, ref in tasks_of(every) if ref.kind not in {"Namespace", CRD[1]}]
    for ref, _, role in every:
        if not role.is_applied:
            assert ref not in steps
            continue
        own = Step(role.phase, role.wave)
        dependants = [
            step
            for other, step in needs
            if (ref.kind == "Namespace" and other.namespace == ref.name)
            or (ref.kind == CRD[1] and other.group == ref.name.partition(".")[2])
        ]
        assert steps[ref] == min([own, *dependants])


def many(size: int) -> list[Placed]:
    homes = [namespace(f"n{i}", sync_wave=str(i % 7)) for i in range(size)]
    return [*homes, *(config(f"n{i}", "a", sync_wave=str(-i % 5)) for i in range(size))]


@pytest.mark.parametrize("work", [steps_of, lambda every: deletion_steps((ref, body) for ref, body, _ in every)])
def test_the_order_of_a_large_set_is_linear_work(work: Any) -> None:
    small, large = (calls(work, (many(size),)) for size in (SMALL, LARGE))
    assert large < small * (LARGE / SMALL) ** LINEAR, (small, large)
