from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from gitops_push.cluster.api import ApiFailure, ObjectList, Precondition, ServedKind
from gitops_push.cluster.drift import report_drift
from gitops_push.cluster.planner import PlanRequest, make_plan
from gitops_push.cluster.targets import find_targets
from gitops_push.core.plan import Action, Fidelity
from gitops_push.core.proof import Verify
from tests.fakes import FakeApiServer
from tests.unit.cluster.plans import actions, change_of, config_map, namespace, request

Body = dict[str, Any]

MAPS = [config_map(name, a="1") for name in "abc"]
POLICY = ServedKind("admissionregistration.k8s.io", "v1", "MutatingAdmissionPolicy", "mutatingadmissionpolicies", False)
WEBHOOKS = ServedKind(POLICY.group, "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", False)
WIDGET = ServedKind("example.com", "v1", "Widget", "widgets", True)
PROOF_LISTS = 2
"""Those of webhook configurations and of policies."""


class Refusing:
    """A server that does not list policies; everything else goes through."""

    def __init__(self, server: FakeApiServer, refusal: ApiFailure) -> None:
        self._server = server
        self._refusal = refusal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)

    def list(self, kind: ServedKind, *selection: str) -> ObjectList:
        if kind == POLICY:
            raise self._refusal
        return self._server.list(kind, *selection)


@pytest.fixture
def server() -> FakeApiServer:
    fake = FakeApiServer()
    fake.serve(POLICY)
    fake.serve(WEBHOOKS)
    fake.serve(WIDGET)
    fake.put(namespace())
    return fake


def deployed(server: FakeApiServer, *bodies: Body) -> PlanRequest:
    """Apply everything, forget the requests, and return what asks about the same, proofs allowed."""
    wanted = request(*bodies, verify=Verify.CHANGED)
    targets = find_targets(wanted.manifests, server.served_kinds(), wanted.environment, wanted.inventory.id).applied
    for target in targets:
        assert target.kind is not None
        server.apply(target.kind, *target.place, target.body, Precondition())
    server.requests.clear()
    return wanted


def widgets(*names: str) -> list[Body]:
    spec = {"size": 1}
    place = {"namespace": "shop"}
    kind = {"apiVersion": "example.com/v1", "kind": "Widget"}
    return [{**kind, "metadata": {"name": name, **place}, "spec": spec} for name in names]


def define_widgets(server: FakeApiServer, at: str = "2025-12-31T00:00:00Z") -> None:
    """Put the definition of widgets as if it was written at this time."""
    names = {"plural": "widgets", "kind": "Widget"}
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"creationTimestamp": at, "name": "widgets.example.com"},
        "spec": {"group": "example.com", "names": names, "scope": "Namespaced", "versions": []},
    }
    server.put(body)
    for stored in server.objects.values():
        if stored["kind"] == "CustomResourceDefinition":
            stored["metadata"]["managedFields"][0]["time"] = at


def test_by_default_the_server_is_asked_about_all(server: FakeApiServer) -> None:
    wanted = replace(deployed(server, *MAPS), verify=Verify.ALL)
    assert make_plan(wanted, server).proven == 0
    assert server.count() == Counter(served_kinds=1, list=1, dry_run_apply=3)


def test_what_is_proven_is_unchanged_as_the_server_would_say_and_costs_nothing(server: FakeApiServer) -> None:
    wanted = deployed(server, *MAPS)
    plan = make_plan(wanted, server)
    assert set(actions(plan).values()) == {Action.UNCHANGED}
    assert {change.fidelity for change in plan.changes} == {Fidelity.SERVER}
    assert plan.proven == 3
    assert server.count() == Counter(served_kinds=1, list=1 + PROOF_LISTS)
    every = make_plan(replace(wanted, verify=Verify.ALL), server)
    assert replace(plan, proven=0) == every


def test_a_report_of_drift_asks_for_no_permission_to_dry_run_what_is_proven(server: FakeApiServer) -> None:
    report = report_drift(deployed(server, *MAPS), server)
    assert (report.drifted, report.in_sync, report.proven) == ((), 3, 3)
    assert server.count() == Counter(served_kinds=1, list=1 + PROOF_LISTS)


def test_what_changed_is_asked_about(server: FakeApiServer) -> None:
    wanted = deployed(server, *MAPS)
    server.edit("ConfigMap", "shop", "b", lambda body: body["data"].update(a="2"))
    plan = make_plan(wanted, server)
    assert actions(plan)["b"] is Action.UPDATE
    assert change_of(plan, "b").taken[0].manager == "kubectl-edit"
    assert (plan.proven, server.count()["dry_run_apply"]) == (2, 1)


def test_where_nothing_can_be_proven_nothing_more_is_asked(server: FakeApiServer) -> None:
    make_plan(request(*MAPS, verify=Verify.CHANGED), server)
    assert server.count() == Counter(served_kinds=1, list=1, dry_run_apply=3)


@pytest.mark.parametrize("resources", [["configmaps"], ["secrets"]])
def test_what_a_webhook_may_change_is_asked_about(server: FakeApiServer, resources: list[str]) -> None:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": resources}
    webhook = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "sidecars"},
        "webhooks": [{"name": "sidecars.example.com", "rules": [rule]}],
    }
    server.put(webhook)
    plan = make_plan(deployed(server, *MAPS), server)
    assert plan.proven == (0 if resources == ["configmaps"] else 3)


@pytest.mark.parametrize("status", [403, 500])
def test_where_admission_may_not_be_listed_everything_is_asked_about(server: FakeApiServer, status: int) -> None:
    wanted = deployed(server, *MAPS)
    refusal = ApiFailure(status, "No", "not for you")
    may_list = Refusing(server, refusal)
    plan = make_plan(wanted, may_list)
    assert (plan.proven, server.count()["dry_run_apply"]) == (0, 3)


def test_custom_objects_are_proven_by_a_definition_that_was_there_before(server: FakeApiServer) -> None:
    define_widgets(server)
    plan = make_plan(deployed(server, *widgets("v", "w")), server)
    assert plan.proven == 2
    assert server.count() == Counter(served_kinds=1, list=1 + PROOF_LISTS, get=1)


def test_for_one_custom_object_its_definition_is_not_read(server: FakeApiServer) -> None:
    define_widgets(server)
    plan = make_plan(deployed(server, *widgets("w")), server)
    assert (plan.proven, server.count()["get"], server.count()["dry_run_apply"]) == (0, 0, 1)


@pytest.mark.parametrize("written_at", [None, "2026-02-01T00:00:00Z"], ids=["none", "later"])
def test_custom_objects_without_a_settled_definition_are_asked_about(
    server: FakeApiServer, written_at: str | None
) -> None:
    if written_at:
        define_widgets(server, written_at)
    plan = make_plan(deployed(server, *widgets("v", "w")), server)
    assert (plan.proven, server.count()["dry_run_apply"]) == (0, 2)
