"""On a real API server nothing is deleted but what the prune model allows; the audit log is the judge."""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from gitops_push.cluster.deployer import DeployOptions, deploy
from gitops_push.cluster.http_api import HttpApi
from gitops_push.cluster.inventory_store import write_inventory
from gitops_push.core.codes import Code
from gitops_push.core.errors import GitopsPushError, RefusedError
from gitops_push.core.inventory import InventoryState, exact, new_inventory
from gitops_push.core.objects import Manifest, ObjectRef
from gitops_push.core.validation import set_problems
from tests.cluster.deploying import prepare
from tests.cluster.prune_world import (
    DisturbedApi,
    Interference,
    People,
    bring,
    let_go,
    people_of,
    placed,
    sent_body,
    workload,
)
from tests.controlplane.access import RequestError
from tests.controlplane.audit import AuditEvent
from tests.controlplane.cluster import ControlPlane
from tests.e2e.program import USER_AGENT
from tests.unit.cluster.plans import manifest
from tests.unit.cluster.prune_model import KINDS, OTHER, Case, allowed, random_case, refused, spoken_for

RESOURCES = {f"{kind.lower()}s": ObjectRef(v.rpartition("/")[0], kind, "", "") for kind, (v, _) in KINDS.items()}


def built_of(case: Case, home: str) -> list[Manifest]:
    things = (thing for thing in case.things if thing.built)
    built = [replace(manifest(sent_body(thing)), unhashed_name=thing.unhashed) for thing in things]
    return built + ([manifest(workload(home, sick=case.sick))] if case.workload else [])


def carried_out(case: Case, home: str, late: bool, api: HttpApi, people: People) -> bool:
    """Plan, let others do what they do in between, and deploy; returns whether the run was refused before it wrote."""
    changed = {thing.ref: thing for thing in case.things if thing.since and thing.alive}
    meets = Interference(case, people, changed if late else {})
    disturbed = DisturbedApi(api, meets)
    external = tuple(thing.ref for thing in case.things if thing.external)
    options = DeployOptions(wait=case.wait, timeout_seconds=2.0 if case.sick else 30.0, should_stop=lambda: meets.stops)
    try:
        asked = prepare(disturbed, home, *built_of(case, home), options=options, prune=case.rules, external=external)
        found = set_problems(asked.manifests.manifests, asked.environment)
        if empty := [problem for problem in found if problem.code is Code.EMPTY_SET]:
            raise RefusedError(*empty)
        for thing in () if late else changed.values():
            people.disturb(thing)
        deploy(asked, disturbed)
    except GitopsPushError:
        return True
    return False


def deletions(events: tuple[AuditEvent, ...]) -> list[tuple[ObjectRef, str]]:
    """Return what gitops-push deleted, and the uid that it demanded each time."""
    ours = (event for event in events if event.user_agent.startswith(USER_AGENT) and not event.is_dry_run)
    return [
        (replace(RESOURCES[event.resource], namespace=event.namespace, name=event.name), event.demanded_uid)
        for event in ours
        if event.verb.startswith("delete") and event.code < 300
    ]


def placed_ref(event_ref: ObjectRef) -> ObjectRef:
    """Return a ref as the model has it: the server's log gives a Namespace itself as its namespace."""
    return replace(event_ref, namespace="") if event_ref.kind == "Namespace" else event_ref


def judged(seed: int, plane: ControlPlane, api: HttpApi) -> Counter[str]:
    """Make a case on the server, deploy, and compare what the audit log shows with what the model allows."""
    home, other = (f"prune-{uuid.uuid4().hex[:8]}{suffix}" for suffix in ("", f"-{OTHER}"))
    case = placed(random_case(seed), home, other)
    for name in (home, other):
        plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    people = people_of(plane, home)
    uids, entries = bring(api, people, case)
    write_inventory(api, exact(new_inventory("shop", "prod", home), entries, InventoryState.DONE))
    mark = plane.audit_mark()
    was_refused = carried_out(case, home, bool(seed % 2), api, people)
    gone = [(placed_ref(ref), uid) for ref, uid in deletions(plane.audit_events(mark))]
    may = allowed(case)
    wrong = {ref for ref, _ in gone} - (may - spoken_for(case))
    assert not wrong, f"case {seed}: deleted {sorted(map(str, wrong))} of {case}"
    assert all(uid == uids[ref] for ref, uid in gone), f"case {seed}: {gone} of {uids}"
    if not case.disturbed:
        assert was_refused == refused(case), f"case {seed}: refused {was_refused}: {case}"
        assert {ref for ref, _ in gone} == may, f"case {seed}: kept {sorted(map(str, may - {r for r, _ in gone}))}"
    let_go(people, case)
    for name in (home, other):
        with suppress(RequestError):  # the run may have deleted it
            plane.request("DELETE", f"/api/v1/namespaces/{name}")
    raced = sum(thing.since != "" and thing.ref in may for thing in case.things)
    return Counter(cases=1, deletions=len(gone), refused=was_refused, disturbed=case.disturbed, raced=raced)


def quick_cases() -> Iterator[int]:
    """Yield the seeds of cases in which no namespace is to go: that takes seconds each time."""
    return (seed for seed in range(1_000) if not any(ref.kind == "Namespace" for ref in allowed(random_case(seed))))


def test_in_a_sample_of_worlds_on_the_server_nothing_is_deleted_wrongly(
    own_control_plane: ControlPlane, api: HttpApi
) -> None:
    seeds = [seed for seed, _ in zip(quick_cases(), range(40), strict=False)]
    found = sum((judged(seed, own_control_plane, api) for seed in seeds), Counter[str]())
    assert found["deletions"] > 20
    assert found["refused"]


@pytest.mark.prove
@pytest.mark.timeout(7_200)
def test_in_many_worlds_on_the_server_nothing_is_deleted_wrongly(
    own_control_plane: ControlPlane, api: HttpApi, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = range(1_000, 1_000 + int(os.environ.get("PRUNE_SERVER_CASES", "400")))
    found = sum((judged(seed, own_control_plane, api) for seed in cases), Counter[str]())
    with capsys.disabled():
        print(
            f"\nprune on the server: {found['cases']:,} cases, {found['deletions']:,} deletions, 0 wrong; {dict(found)}"
        )
