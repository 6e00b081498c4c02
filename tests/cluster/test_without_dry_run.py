"""Plans and drift reports that only read, with a role that may get and list and nothing else."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from gitops_push.cluster.client import HttpApi
from gitops_push.cluster.drift import report_drift
from gitops_push.cluster.planner import PlanRequest, make_plan
from gitops_push.core.drift import Cause, Deployed
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.plan import Action, Fidelity, Plan
from tests.cluster.connecting import connected
from tests.cluster.many_kinds import many_kinds
from tests.cluster.planning import apply_all, request_for
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.unit.cluster.plans import actions, config_map, deployment

Body = dict[str, Any]


def only_read(wanted: PlanRequest) -> PlanRequest:
    return replace(wanted, dry_run=False)


def as_deployed(wanted: PlanRequest) -> PlanRequest:
    """Return the request with an inventory that says that just this set was deployed."""
    return replace(wanted, inventory=replace(wanted.inventory, manifest_digest=wanted.manifests.digest))


def placed(namespace: str, *bodies: Body) -> list[Body]:
    return [{**body, "metadata": {**body["metadata"], "namespace": namespace}} for body in bodies]


def fields(plan: Plan) -> dict[str, tuple[object, object]]:
    return {format_field_path(f.path): (f.before, f.after) for change in plan.changes for f in change.fields}


def test_a_reader_plans_creations_updates_and_deletions(
    api: HttpApi, viewer: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    first = placed(namespace, deployment(), config_map("same", a="1"), config_map("gone", a="1"))
    owned = apply_all(request_for(namespace, *first), api)
    kubectl("scale", "deployment", "web", "-n", namespace, "--replicas=5")
    wanted = placed(namespace, deployment(image="web:2"), config_map("same", a="1"), config_map("new", a="1"))
    plan = make_plan(only_read(request_for(namespace, *wanted, owned=owned)), viewer)
    assert actions(plan) == {
        "gone": Action.PRUNE,
        "new": Action.CREATE,
        "same": Action.UNCHANGED,
        "web": Action.UPDATE,
    }
    changed = {"spec.replicas": (5, 2), "spec.template.spec.containers[name=web].image": ("web:1", "web:2")}
    assert {path: values for path, values in fields(plan).items() if path.startswith("spec")} == changed
    by_name = {change.ref.name: change.fidelity for change in plan.changes}
    assert {by_name[name] for name in ("new", "same", "web")} == {Fidelity.CLIENT}
    assert plan.dry_run is False


def test_the_rights_of_a_reader_do_not_suffice_with_a_dry_run(api: HttpApi, viewer: HttpApi, namespace: str) -> None:
    wanted = request_for(namespace, *placed(namespace, config_map(a="1")))
    apply_all(wanted, api)
    with pytest.raises(Exception, match="patch"):
        make_plan(wanted, viewer)


def test_after_a_deploy_nothing_differs_in_any_kind_however_the_server_spells_it(
    api: HttpApi, viewer: HttpApi, namespace: str
) -> None:
    bodies = [body for body in many_kinds(namespace) if "namespace" in body["metadata"]]
    wanted = as_deployed(request_for(namespace, *bodies))
    apply_all(wanted, api)
    plan = make_plan(only_read(wanted), viewer)
    assert set(actions(plan).values()) == {Action.UNCHANGED}
    report = report_drift(only_read(wanted), viewer, Deployed(wanted.manifests))
    assert report.drifted == ()
    assert report.notes == ("compared field by field, without the server's dry run, as --no-dry-run asks",)


SPELLINGS = {
    "quantities of a container": {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "spelled"},
        "spec": {
            "selector": {"matchLabels": {"app": "x"}},
            "template": {
                "metadata": {"labels": {"app": "x"}},
                "spec": {
                    "containers": [
                        {
                            "name": "web",
                            "image": "web:1",
                            "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}, "requests": {"cpu": 0.5}},
                        }
                    ]
                },
            },
        },
    },
    "a quantity of a kind of its own": {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "spelled"},
        "spec": {"hard": {"cpu": "2000m", "memory": "2048Mi"}},
    },
    "an empty list": {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "spelled"},
        "spec": {"podSelector": {}, "ingress": [], "policyTypes": ["Ingress"]},
    },
    "defaults in a Service": {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "spelled"},
        "spec": {"selector": {"app": "x"}, "ports": [{"port": 80}]},
    },
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_quantities_and_defaults_are_no_difference_even_where_nobody_knows_what_was_deployed(
    name: str, api: HttpApi, viewer: HttpApi, namespace: str
) -> None:
    wanted = request_for(namespace, *placed(namespace, SPELLINGS[name]))
    apply_all(wanted, api)
    assert fields(make_plan(only_read(wanted), viewer)) == {}


def test_a_report_that_only_reads_asks_for_no_dry_run_and_no_review(
    own_control_plane: ControlPlane, api: HttpApi, namespace: str
) -> None:
    wanted = request_for(namespace, *placed(namespace, deployment(), config_map(a="1")))
    apply_all(wanted, api)
    user = f"counted-{uuid.uuid4().hex[:6]}"
    mark = own_control_plane.audit_mark()
    with connected(own_control_plane.new_user(user, ("system:masters",))) as connection:
        report_drift(only_read(wanted), connection)
        make_plan(only_read(wanted), connection)
    verbs = sorted(event.verb for event in own_control_plane.audit_events(mark) if event.user == user)
    assert verbs == ["get"] * 2 + ["list"] * 4


def test_edits_have_the_same_causes_as_with_a_dry_run(
    api: HttpApi, reader: HttpApi, viewer: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    first = request_for(namespace, *placed(namespace, deployment(), config_map(a="1", b="1")))
    owned = apply_all(first, api)
    deployed = Deployed(replace(first.manifests, digest="deployed"), first.environment)
    kubectl("scale", "deployment", "web", "-n", namespace, "--replicas=5")
    kubectl("label", "deployment", "web", "-n", namespace, "by-hand=yes")
    kubectl("patch", "configmap", "env", "-n", namespace, "--type=merge", "-p", '{"data":{"a":null}}')
    moved = placed(namespace, deployment(image="web:2"), config_map(a="1", b="2"))
    wanted = request_for(namespace, *moved, owned=owned)
    reports = [report_drift(wanted, reader, deployed), report_drift(only_read(wanted), viewer, deployed)]
    with_dry_run, without = (
        {format_field_path(f.change.path): f.cause for drift in report.drifted for f in drift.fields}
        for report in reports
    )
    assert with_dry_run == without
    assert without == {
        "data.a": Cause.EDITED,
        "data.b": Cause.GIT_AHEAD,
        "metadata.labels.by-hand": Cause.EDITED,
        "spec.replicas": Cause.EDITED,
        "spec.template.spec.containers[name=web].image": Cause.GIT_AHEAD,
    }
