"""Nothing is ever deleted that the rules do not allow, in any random world; where nothing goes wrong, all of it is."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from gitops_push.cluster.api import ApiFailure
from gitops_push.cluster.deletions import plan_deletions
from gitops_push.cluster.deployer import DeployOptions, DeployRequest, deploy
from gitops_push.cluster.inventory_store import read_inventory, write_inventory
from gitops_push.cluster.live import LiveObjects
from gitops_push.cluster.planner import make_plan
from gitops_push.cluster.survey import PlanRequest, Survey
from gitops_push.cluster.targets import Target
from gitops_push.core.codes import Code
from gitops_push.core.errors import GitopsPushError, RefusedError
from gitops_push.core.inventory import InventoryState, exact, new_inventory
from gitops_push.core.objects import Manifest, ObjectRef
from gitops_push.core.plan import Action
from gitops_push.core.validation import set_problems
from tests.unit.cluster.plans import deployment, environment, manifest, request
from tests.unit.cluster.prune_model import (
    HOME,
    Case,
    World,
    allowed,
    body_of,
    disturb,
    listed,
    live_body,
    random_case,
    refused,
    spoken_for,
    world_of,
)

Judge = Callable[[int], "Counter[str]"]
FIRST = int(os.environ.get("PRUNE_FIRST_CASE", "0"))


def built_of(case: Case) -> list[Manifest]:
    workload = [manifest(deployment())] if case.workload else []
    built = (thing for thing in case.things if thing.built)
    return workload + [replace(manifest(body_of(thing)), unhashed_name=thing.unhashed) for thing in built]


def asked_about(case: Case, built: Iterable[Manifest]) -> PlanRequest:
    external = tuple(thing.ref for thing in case.things if thing.external)
    return request(*built, environment=environment(prune=case.rules, external=external))


def check_set(asked: PlanRequest) -> None:
    """Refuse an empty set as its build does."""
    found = set_problems(asked.manifests.manifests, asked.environment)
    if empty := [problem for problem in found if problem.code is Code.EMPTY_SET]:
        raise RefusedError(*empty)


def judged_plan(seed: int) -> Counter[str]:
    """Plan the deletions of a case from what the server would list; fails unless they are those of the rules."""
    case = random_case(seed)
    case.wait, case.sick, case.fails, case.stop_after = True, False, None, -1
    if any(thing.built and thing.kind == case.unreadable for thing in case.things):
        case.unreadable = ""  # then there is no plan at all
    bodies = {t.ref: live_body(t, f"uid-{number}") for number, t in enumerate(case.things) if t.alive}
    entries = listed(case, {ref: body["metadata"]["uid"] for ref, body in bodies.items()})
    hidden = {thing.ref for thing in case.things if thing.kind == case.unreadable and thing.recorded}
    seen = {ref: body for ref, body in bodies.items() if ref not in hidden}
    built = built_of(case)
    asked = asked_about(case, built)
    asked = replace(asked, inventory=replace(asked.inventory, entries=entries))
    targets = tuple(Target(one, None, dict(one.body)) for one in built)
    found = Survey(targets, LiveObjects(seen, dict.fromkeys(hidden, "no")), {}, asked.redactor, ())
    try:
        check_set(asked)
        planned = {change.ref for change in plan_deletions(asked, found) if change.action is Action.PRUNE}
    except RefusedError:
        assert refused(case), f"case {seed} was refused: {case}"
        return Counter(cases=1, refused=1)
    may = allowed(case)
    wrong = planned - may
    assert not wrong, f"case {seed}: would delete {sorted(map(str, wrong))} of {case}"
    assert planned == may or hidden, f"case {seed}: would keep {sorted(map(str, may - planned))} of {case}"
    return Counter(cases=1, deletions=len(planned), wrong=len(wrong))


def judged_run(seed: int) -> Counter[str]:
    """Deploy a case; fails on a deletion that is not allowed, and on one that is missed though all goes well."""
    case = random_case(seed)
    world, was_refused = carried_out(case)
    deleted, may = set(world.deleted), allowed(case)
    wrong = deleted - (may - spoken_for(case))
    assert not wrong, f"case {seed}: deleted {sorted(map(str, wrong))} of {case}"
    if not case.disturbed:
        assert was_refused == refused(case), f"case {seed}: refused {was_refused}: {case}"
        assert deleted == may, f"case {seed}: kept {sorted(map(str, may - deleted))} of {case}"
    return Counter(cases=1, deletions=len(deleted), refused=was_refused, disturbed=case.disturbed, wrong=len(wrong))


def carried_out(case: Case) -> tuple[World, bool]:
    """Plan and deploy; returns the server, and whether the run was refused before it wrote."""
    world, entries = world_of(case)
    write_inventory(world, exact(new_inventory("shop", "prod", HOME), entries, InventoryState.DONE))
    inventory = read_inventory(world, "shop", "prod", HOME)
    asked = replace(asked_about(case, built_of(case)), inventory=inventory, concurrency=2)
    world.unreadable = case.unreadable
    world.requests.clear()
    seconds = itertools.count(0.0, 0.01)
    options = DeployOptions(
        concurrency=2,
        wait=case.wait,
        timeout_seconds=2.0,
        should_stop=lambda: 0 <= case.stop_after < len(world.requests),
        clock=lambda: next(seconds),
        sleep=lambda _: None,
    )
    try:
        check_set(asked)
        plan = make_plan(asked, world)
        for thing in case.things:
            if thing.since and thing.alive:
                disturb(world, thing)
        if case.fails:
            verb, name, status = case.fails
            world.fail(verb, name, ApiFailure(status, "Refused", "no"), times=20)
        deploy(DeployRequest(plan, asked.manifests, asked.environment, inventory, asked.redactor, options), world)
    except GitopsPushError:
        return world, True
    return world, False


def figures(judge: Judge, count: int) -> Counter[str]:
    return sum((judge(seed) for seed in range(FIRST, FIRST + count)), Counter[str]())


@pytest.mark.parametrize(("judge", "count"), [(judged_plan, 4_000), (judged_run, 250)], ids=["planned", "run"])
def test_in_a_sample_of_random_worlds_nothing_is_deleted_wrongly_and_nothing_missed(judge: Judge, count: int) -> None:
    found = figures(judge, count)
    assert found["deletions"] > count / 2
    assert found["refused"] > count / 200


@pytest.mark.prove
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize(("judge", "count"), [(judged_plan, 200_000), (judged_run, 20_000)], ids=["planned", "run"])
def test_in_random_worlds_nothing_is_deleted_wrongly(judge: Judge, count: int) -> None:
    found = figures(judge, int(os.environ.get("PRUNE_CASES", str(count))))
    cases, deletions, wrong = (found[name] for name in ("cases", "deletions", "wrong"))
    print(f"\n{judge.__name__}: {cases:,} cases, {deletions:,} deletions, {wrong} wrong ({dict(found)})")


def test_the_model_itself_deletes_what_is_plainly_to_go_and_keeps_what_is_not() -> None:
    cases = [random_case(seed) for seed in range(400)]
    gone = {ref for case in cases for ref in allowed(case)}
    kinds = {"ConfigMap", "Secret", "Role", "PersistentVolumeClaim", "Namespace"}
    assert kinds <= {ref.kind for ref in gone}
    assert ObjectRef("", "Namespace", "", HOME) not in gone
    assert any(refused(case) for case in cases)
