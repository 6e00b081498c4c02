from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from gitops_push.cluster.api import ApiFailure, Precondition
from gitops_push.cluster.drift import report_drift
from gitops_push.cluster.planner import PlanRequest
from gitops_push.cluster.targets import find_targets
from gitops_push.core.drift import Cause, Deployed, DriftReport
from gitops_push.core.environment import FieldRule
from gitops_push.core.errors import PlanError
from gitops_push.core.fielddiff import ABSENT
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.inventory import PART_OF_LABEL, InventoryEntry
from gitops_push.core.objects import ObjectRef
from tests.fakes import FakeApiServer
from tests.unit.cluster.plans import config_map, deployment, environment, namespace, request


@pytest.fixture
def server() -> FakeApiServer:
    fake = FakeApiServer()
    fake.put(namespace())
    return fake


def deploy(wanted: PlanRequest, server: FakeApiServer) -> tuple[InventoryEntry, ...]:
    targets = find_targets(wanted.manifests, server.served_kinds(), wanted.environment, wanted.inventory.id).applied
    entries = []
    for target in targets:
        assert target.kind is not None
        answer = server.apply(target.kind, *target.place, target.body, Precondition())
        entries.append(InventoryEntry(target.ref, target.manifest.api_version, answer.body["metadata"]["uid"]))
    server.requests.clear()
    return tuple(entries)


def causes(report: DriftReport) -> dict[str, Cause]:
    return {drift.ref.name: drift.cause for drift in report.drifted}


def fields(report: DriftReport, name: str) -> dict[str, tuple[Any, Any]]:
    (drift,) = (drift for drift in report.drifted if drift.ref.name == name)
    return {format_field_path(field.change.path): (field.change.before, field.change.after) for field in drift.fields}


def scale(server: FakeApiServer, replicas: int = 5, manager: str = "kubectl-edit") -> None:
    server.edit("Deployment", "shop", "web", lambda body: body["spec"].update(replicas=replicas), manager)


def test_a_report_costs_one_access_review_for_each_place_and_dry_runs_for_what_exists(server: FakeApiServer) -> None:
    bodies = (config_map("a"), config_map("missing"), deployment())
    owned = deploy(request(*bodies), server)
    server.remove("ConfigMap", "shop", "missing")
    report = report_drift(request(*bodies, owned=owned), server)
    assert causes(report) == {"missing": Cause.MISSING}
    assert server.count() == Counter(served_kinds=1, list=2, may_i=2, dry_run_apply=2)
    assert server.writes == ()


def test_an_edit_by_any_manager_is_drift_and_never_a_refusal(server: FakeApiServer) -> None:
    wanted = request(deployment(), environment=environment(protected=True))
    deploy(wanted, server)
    scale(server, manager="some-controller")
    report = report_drift(wanted, server)
    assert fields(report, "web") == {"spec.replicas": (5, 2)}
    owner = report.drifted[0].fields[0].change.owner
    assert owner is not None
    assert owner.manager == "some-controller"


def test_a_change_of_ownership_alone_is_no_drift(server: FakeApiServer) -> None:
    deploy(request(config_map(a="1")), server)
    server.edit("ConfigMap", "shop", "env", lambda body: body["data"].update(b="2"), "controller")
    assert report_drift(request(config_map(a="1", b="2")), server).drifted == ()


def test_without_the_right_to_dry_run_no_dry_run_is_tried(server: FakeApiServer) -> None:
    wanted = request(deployment(), config_map(a="1"))
    deploy(wanted, server)
    scale(server)
    server.may = lambda question: question.resource != "deployments"
    report = report_drift(wanted, server)
    assert fields(report, "web") == {"spec.replicas": (5, 2)}
    assert server.count()["dry_run_apply"] == 1
    (note,) = report.notes
    assert note.startswith("compared field by field, without the server's dry run: 1 of ")
    assert note.endswith("may not patch deployments.apps")


def test_an_access_review_that_fails_leaves_it_to_the_dry_run(server: FakeApiServer) -> None:
    wanted = request(config_map(a="1"))
    deploy(wanted, server)
    server.fail("may_i", "", ApiFailure(403, "Forbidden", "no reviews"))
    server.fail("dry_run_apply", "env", ApiFailure(403, "Forbidden", 'User "x" cannot patch resource "configmaps"'))
    assert report_drift(wanted, server).in_sync == 1


def test_a_rejected_dry_run_is_told_with_what_could_still_be_seen(server: FakeApiServer) -> None:
    wanted = request(deployment(), config_map(a="1"))
    deploy(wanted, server)
    scale(server)
    server.fail("dry_run_apply", "", ApiFailure(422, "Invalid", "denied by a policy"), times=2)
    report = report_drift(wanted, server)
    assert causes(report) == {"web": Cause.EDITED, "env": Cause.UNVERIFIABLE}
    assert all("denied by a policy" in drift.reason for drift in report.drifted)


def test_what_people_added_is_drift_and_ignore_rules_cover_it(server: FakeApiServer) -> None:
    deploy(request(config_map(a="1")), server)
    server.edit("ConfigMap", "shop", "env", lambda body: body["data"].update(extra="x"))
    assert fields(report_drift(request(config_map(a="1")), server), "env") == {"data.extra": ("x", ABSENT)}
    home = environment(ignore=(FieldRule(kind="ConfigMap", field="data.extra"),))
    assert report_drift(request(config_map(a="1"), environment=home), server).drifted == ()


def test_extra_objects_are_those_of_the_inventory_that_are_ours_and_do_not_ask_to_stay(server: FakeApiServer) -> None:
    keep = config_map("asks")
    keep["metadata"]["annotations"] = {"helm.sh/resource-policy": "keep"}
    owned = deploy(request(config_map("stays"), config_map("extra"), config_map("foreign"), keep), server)
    server.edit("ConfigMap", "shop", "foreign", lambda body: body["metadata"].pop("labels"))
    report = report_drift(request(config_map("stays"), owned=owned), server)
    assert causes(report) == {"extra": Cause.EXTRA}
    assert report.in_sync == 1


def test_kinds_that_are_not_served_are_unverifiable_and_missing_externals_missing(server: FakeApiServer) -> None:
    external = ObjectRef("", "Secret", "shop", "login")
    home = environment(external=(external,))
    gone = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "shop"}}
    report = report_drift(request(gone, environment=home), server)
    assert causes(report) == {"w": Cause.UNVERIFIABLE, "login": Cause.MISSING}


def test_an_object_in_deletion_is_unverifiable(server: FakeApiServer) -> None:
    wanted = request(config_map(a="1"))
    deploy(wanted, server)
    server.edit("ConfigMap", "shop", "env", lambda body: body["metadata"].update(finalizers=["a/b"]))
    (target,) = find_targets(wanted.manifests, server.served_kinds(), wanted.environment, wanted.inventory.id).applied
    assert target.kind is not None
    server.delete(target.kind, *target.place, Precondition())
    report = report_drift(wanted, server)
    assert causes(report) == {"env": Cause.UNVERIFIABLE}
    assert "being deleted" in report.drifted[0].reason


def test_a_set_that_is_wrong_in_itself_is_an_error(server: FakeApiServer) -> None:
    with pytest.raises(PlanError, match="twice"):
        report_drift(request(config_map(a="1"), config_map(a="2")), server)


def test_the_report_says_what_it_compared(server: FakeApiServer) -> None:
    wanted = request(config_map(a="1"))
    deployed = replace(wanted, inventory=replace(wanted.inventory, commit="abc"))
    report = report_drift(deployed, server)
    assert (report.environment, report.project, report.commit, report.deployed_commit, report.cluster_id) == (
        "prod",
        "shop",
        "c0ffee",
        "abc",
        "cluster-1",
    )


def test_what_could_not_be_looked_for_is_unverifiable(server: FakeApiServer) -> None:
    owned = deploy(request(config_map("gone"), deployment()), server)
    server.fail("list", "", ApiFailure(403, "Forbidden", "no list"))
    server.fail("get", "gone", ApiFailure(403, "Forbidden", "no get"))
    report = report_drift(request(deployment(), owned=owned), server)
    assert causes(report)["gone"] is Cause.UNVERIFIABLE


def test_unmanaged_objects_have_our_label_no_controller_and_no_entry(server: FakeApiServer) -> None:
    wanted = request(config_map("ours"))
    owned = deploy(request(config_map("ours"), config_map("extra")), server)
    for name, more in (("stray", {}), ("child", {"ownerReferences": [{"kind": "X", "name": "x", "controller": True}]})):
        body = config_map(name)
        body["metadata"] |= {"labels": {PART_OF_LABEL: wanted.inventory.id}, **more}
        server.put(body)
    server.put(config_map("unlabelled"))
    asked = replace(wanted, inventory=replace(wanted.inventory, entries=owned))
    assert report_drift(asked, server).unmanaged == ()
    server.requests.clear()
    report = report_drift(asked, server, unmanaged=True)
    assert [ref.name for ref in report.unmanaged] == ["stray"]
    assert server.count()["list"] == 2
    assert causes(report) == {"extra": Cause.EXTRA}


def test_kinds_that_cannot_be_listed_by_label_are_noted(server: FakeApiServer) -> None:
    wanted = request(config_map("ours"))
    deploy(wanted, server)
    server.fail("list", "", ApiFailure(403, "Forbidden", "no list"), times=2)
    report = report_drift(wanted, server, unmanaged=True)
    assert report.unmanaged == ()
    assert report.notes == ("unmanaged configmaps could not be listed: no list",)


@pytest.mark.parametrize("edited", [False, True])
def test_ignore_rules_hold_for_every_cause(edited: bool, server: FakeApiServer) -> None:
    first = request(config_map(a="1", b="1"))
    deploy(first, server)
    deployed = Deployed(replace(first.manifests, digest="deployed"))
    if edited:
        server.edit("ConfigMap", "shop", "env", lambda body: body["data"].update(a="9"))
    home = environment(ignore=(FieldRule(kind="ConfigMap", field="data.a"),))
    moved = request(config_map(a="2", b="2"), environment=home)
    assert fields(report_drift(moved, server, deployed), "env") == {"data.b": ("1", "2")}
    only_ignored = request(config_map(a="2", b="1"), environment=home)
    assert report_drift(only_ignored, server, deployed).drifted == ()
    assert report_drift(replace(only_ignored, dry_run=False), server, deployed).drifted == ()
