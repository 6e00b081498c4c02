"""The cluster changes right before any request of a diff and of the apply of its plan. What matters is always noticed:
the plan is stale, or what moved is not written and the outcome says so. What does not matter is never refused."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, cast

import pytest

from gitops_push.cluster.api import ApiWriter
from gitops_push.cluster.deployer import DeployOptions, DeployRequest, deploy
from gitops_push.cluster.http_api import HttpApi
from gitops_push.cluster.inventory_store import read_inventory
from gitops_push.cluster.planner import make_plan
from gitops_push.core.deployment import WELL, Deployment, Result
from gitops_push.core.environment import Environment, PruneRules
from gitops_push.core.errors import GitopsPushError
from gitops_push.core.plan import WRITING, Plan
from gitops_push.core.plan_approval import moves
from gitops_push.core.plan_digest import bound, plan_digest
from tests.cluster.connecting import connected
from tests.cluster.moving import FREE, GROUP, MATTERS, MovingApi, Mutation, Stage, definition, numbered
from tests.cluster.planning import until
from tests.controlplane.access import RequestError
from tests.controlplane.cluster import ControlPlane
from tests.unit.cluster.plans import environment, request

SEED = 20261124
OPTIONS = DeployOptions(concurrency=1, timeout_seconds=20)


@pytest.fixture
def served(control_plane: ControlPlane) -> Iterator[HttpApi]:
    """A connection made after the definition of Size is served."""
    root = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    control_plane.request("POST", root, definition())
    until(lambda: _is_served(control_plane))
    with connected(control_plane.kubeconfig) as connection:
        yield connection
    control_plane.request("DELETE", f"{root}/sizes.{GROUP}")
    until(lambda: not _is_served(control_plane))


def _is_served(plane: ControlPlane) -> bool:
    try:
        plane.request("GET", f"/apis/{GROUP}/v1/sizes")
    except RequestError:
        return False
    return True


@dataclass
class Run:
    """One diff and one apply of its plan, with one change of the cluster before request `at`."""

    stage: Stage
    home: Environment
    api: MovingApi
    reads: int = 0
    approved: Plan | None = None
    refused: str = ""
    deployment: Deployment | None = None
    was_seen: bool = False

    def plan(self, api: ApiWriter) -> tuple[Any, Plan]:
        inventory = read_inventory(api, self.home.project, self.home.name, self.home.namespace)
        wanted = replace(request(*self.stage.second(), environment=self.home), inventory=inventory, concurrency=1)
        return wanted, make_plan(wanted, api)

    def go(self) -> None:
        moving = cast("ApiWriter", self.api)
        try:
            _, self.approved = self.plan(moving)
        except GitopsPushError as error:
            self.refused = f"diff: {error}"
            return
        self.reads = self.api.count
        if self.api.fired:
            self.was_seen = self._shows_it()
        try:
            wanted, plan = self.plan(moving)
            if found := moves(bound(self.approved), bound(plan)):
                self.refused = f"stale: {found[0]}"
                return
            todo = DeployRequest(plan, wanted.manifests, self.home, wanted.inventory, wanted.redactor, OPTIONS)
            self.deployment = deploy(todo, moving)
        except GitopsPushError as error:
            self.refused = f"apply: {error}"

    def _shows_it(self) -> bool:
        """Return whether the approved plan is that of the cluster as it is after the change."""
        assert self.approved is not None
        try:
            return plan_digest(self.plan(self.api.api)[1]) == plan_digest(self.approved)
        except GitopsPushError:
            return False


@dataclass
class Theatre:
    """Sets up a stage for each run."""

    plane: ControlPlane
    api: HttpApi
    namespace: str
    names: Iterator[str] = field(default_factory=lambda: numbered("r"))

    def run(self, mutation: Mutation, at: int) -> Run:
        stage = Stage(self.plane, self.namespace, next(self.names))
        rules = PruneRules(max_count=50, max_percent=None)
        home = environment(namespace=self.namespace, prune=rules, name=stage.prefix)
        inventory = read_inventory(self.api, home.project, home.name, home.namespace)
        wanted = replace(request(*stage.first(), environment=home), inventory=inventory)
        plan = make_plan(wanted, self.api)
        todo = DeployRequest(plan, wanted.manifests, home, inventory, wanted.redactor, OPTIONS)
        assert deploy(todo, self.api).exit_code == 0
        name = inventory.name
        run = Run(stage, home, MovingApi(self.api, at, lambda: mutation(stage, name)))
        run.go()
        return run


def wrong(run: Run, about: str) -> str:
    """Return what is wrong with the end of a run in which something that matters has changed, or ""."""
    if not run.api.fired or run.was_seen:
        return ""
    name = f"{run.stage.prefix}-{about}"
    if run.refused:
        return "refused, and written" if run.api.written or run.api.written_before else ""
    assert run.deployment is not None
    outcome = next((o for o in run.deployment.outcomes if o.ref.name == name), None)
    if name in run.api.written:
        return f"it was written after the change: {outcome}"
    told_done = outcome is not None and outcome.action in WRITING and outcome.result is Result.DONE
    if told_done and name not in run.api.written_before:
        return f"it was not written, and the outcome says that it was: {outcome}"
    return ""


def failed(run: Run) -> str:
    """Return why a run was refused or did not end well, or ""."""
    if run.refused:
        return run.refused
    assert run.deployment is not None
    bad = [f"{o.ref}: {o.result} {o.message}" for o in run.deployment.outcomes if o.result not in WELL]
    return "; ".join(bad)


def campaign(theatre: Theatre, cases: list[tuple[str, int]]) -> tuple[Counter[str], list[str]]:
    """Play the cases, (name of the mutation, request before which it happens); return the tally and what is wrong."""
    tally: Counter[str] = Counter()
    mistakes: list[str] = []
    for name, at in cases:
        about, mutation = MATTERS.get(name, ("", FREE.get(name)))
        assert mutation is not None
        run = theatre.run(mutation, at)
        found = wrong(run, about) if name in MATTERS else failed(run)
        tally[_end(run)] += 1
        mistakes += [f"{name}, before request {at}: {found}"] if found else []
        if name.startswith("the definition"):
            run.stage.narrow_definition(9)
    return tally, mistakes


def _end(run: Run) -> str:
    if not run.api.fired:
        return "never happened"
    if run.refused:
        return run.refused.partition(":")[0]
    assert run.deployment is not None
    return "applied" if run.deployment.exit_code == 0 else "not written, and told"


@pytest.fixture
def theatre(control_plane: ControlPlane, served: HttpApi, namespace: str) -> Theatre:
    return Theatre(control_plane, served, namespace)


def requests_of(theatre: Theatre) -> int:
    """Return how many requests a diff and the apply of its plan make."""
    run = theatre.run(lambda *_: None, -1)
    assert run.deployment is not None
    assert run.deployment.exit_code == 0
    return run.api.count


def test_a_sample_of_changes_before_any_request_is_noticed_or_passed_over_rightly(theatre: Theatre) -> None:
    random, total = Random(SEED), requests_of(theatre)
    cases = [(name, random.randint(1, total)) for name in (*MATTERS, *FREE)]
    _, mistakes = campaign(theatre, cases)
    assert mistakes == []


@pytest.mark.prove
@pytest.mark.timeout(7200)
def test_changes_before_every_request_are_noticed_or_passed_over_rightly(theatre: Theatre) -> None:
    total, started = requests_of(theatre), time.monotonic()
    for what, names in (("matters", list(MATTERS)), ("does not", list(FREE))):
        every = [(name, at) for name in names for at in range(1, total + 1)]
        cases = [(name, at) for name, at in every if not name.startswith("the definition") or at % 5 == 0]
        tally, mistakes = campaign(theatre, cases)
        ends = ", ".join(f"{number} {end}" for end, number in sorted(tally.items()))
        print(f"\nbinding, a change that {what} before each of {total} requests: {len(cases)} runs: {ends}; ", end="")
        print(f"{len(mistakes)} wrong; {time.monotonic() - started:.0f} s")
        assert mistakes == []
