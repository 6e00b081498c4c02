"""Random objects that git shares with another manager, on the real server: what is left stays, all else is git's."""

from __future__ import annotations

import pytest

from gitops_push.cluster.client import HttpApi
from gitops_push.cluster.deployer import DeployOptions
from gitops_push.cluster.drift import report_drift
from gitops_push.core.deployment import Result
from gitops_push.core.fieldpath import FieldPath
from gitops_push.core.managed_fields import manager_entries
from gitops_push.core.objects import Body
from gitops_push.core.plan import Action
from tests.cluster.deploying import deployed, prepare
from tests.cluster.planning import request_for
from tests.cluster.shared_objects import OTHER, SharedObject, differing, shared_object
from tests.controlplane.cluster import ControlPlane

APPLY_PATCH = "application/apply-patch+yaml"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
A_SET = 40
QUICK = DeployOptions(wait=False)


def url(thing: SharedObject) -> str:
    group = "apis/apps/v1" if thing.kind == "Deployment" else "api/v1"
    return f"/{group}/namespaces/{thing.base['metadata']['namespace']}/{thing.kind.lower()}s/{thing.name}"


def act_as_other(control_plane: ControlPlane, thing: SharedObject) -> None:
    force, kind = ("&force=true", APPLY_PATCH) if thing.by_apply else ("", STRATEGIC_PATCH)
    control_plane.request("PATCH", f"{url(thing)}?fieldManager={OTHER}{force}", thing.of_other(), kind)


def fields_of_other(live: Body) -> frozenset[FieldPath]:
    entries = (entry for entry in manager_entries(live) if entry.owner.manager == OTHER)
    return frozenset(path for entry in entries for path in entry.paths())


def play(seeds: range, api: HttpApi, control_plane: ControlPlane, namespace: str) -> int:
    """Share the objects of these seeds as one set, and judge all of them. Returns how many fields were left."""
    things = {(thing.kind, thing.name): thing for thing in (shared_object(seed, namespace) for seed in seeds)}
    first = deployed(api, namespace, *(t.in_git(t.first) for t in things.values()), options=QUICK)
    assert {outcome.result for outcome in first.outcomes} == {Result.DONE}
    for thing in things.values():
        act_as_other(control_plane, thing)
    before = {name: control_plane.request("GET", url(thing)) for name, thing in things.items()}
    later = [thing.in_git(thing.later) for thing in things.values()]
    rules = tuple(rule for thing in things.values() for rule in thing.rules)
    done = deployed(api, namespace, *later, options=QUICK, conflicts=rules)
    assert {outcome.result for outcome in done.outcomes} == {Result.DONE}
    left = 0
    for change in done.plan.changes:
        thing = things[change.ref.kind, change.ref.name]
        live = control_plane.request("GET", url(thing))
        yielded = frozenset(field.field.path for field in change.yielded)
        left += len(yielded)
        assert differing(live, thing.expected()) == {}, (thing, change)
        assert thing.must_be_yielded() <= yielded <= thing.may_be_yielded(), (thing, change)
        held = fields_of_other(before[change.ref.kind, change.ref.name])
        assert yielded <= held & fields_of_other(live), (thing, change)
    again = prepare(api, namespace, *later, conflicts=rules)
    assert {
        change.ref.name: change.fields for change in again.plan.changes if change.action is not Action.UNCHANGED
    } == {}
    assert report_drift(request_for(namespace, *later, environment=again.environment), api).drifted == ()
    return left


def test_what_is_left_to_another_manager_stays_and_all_else_is_as_in_git(
    api: HttpApi, control_plane: ControlPlane, namespace: str
) -> None:
    assert play(range(A_SET), api, control_plane, namespace) > A_SET / 2


@pytest.mark.prove
@pytest.mark.parametrize("start", range(1000, 2000, 100))
def test_a_thousand_shared_objects(
    start: int, api: HttpApi, control_plane: ControlPlane, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    left = play(range(start, start + 100), api, control_plane, namespace)
    with capsys.disabled():
        print(f"\nshared objects {start} to {start + 99}: {left} fields left to another manager, all as they were")
