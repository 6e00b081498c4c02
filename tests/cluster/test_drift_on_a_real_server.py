from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gitops_push.cluster.client import HttpApi
from gitops_push.cluster.drift import report_drift
from gitops_push.core.drift import Cause, DriftReport, ObjectDrift
from gitops_push.core.environment import FieldRule
from gitops_push.core.fielddiff import ABSENT, FieldChange
from gitops_push.core.fieldpath import format_field_path
from tests.cluster.connecting import connected
from tests.cluster.many_kinds import many_kinds
from tests.cluster.planning import apply_all, request_for
from tests.controlplane.audit import writes
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.unit.cluster.plans import config_map, deployment, environment

Body = dict[str, Any]


def in_namespace(body: Body, namespace: str) -> Body:
    return {**body, "metadata": {**body["metadata"], "namespace": namespace}}


def only(report: DriftReport) -> ObjectDrift:
    (drift,) = report.drifted
    return drift


def changes_of(drift: ObjectDrift) -> tuple[FieldChange, ...]:
    return tuple(field.change for field in drift.fields)


def fields_of(drift: ObjectDrift) -> dict[str, tuple[object, object, str]]:
    return {
        format_field_path(field.path): (field.before, field.after, field.owner.manager if field.owner else "")
        for field in changes_of(drift)
    }


def test_right_after_an_apply_nothing_has_drifted(api: HttpApi, reader: HttpApi, namespace: str) -> None:
    wanted = request_for(namespace, *many_kinds(namespace))
    apply_all(wanted, api)
    report = report_drift(wanted, reader)
    assert report.drifted == ()
    assert report.in_sync == len(wanted.manifests.manifests)


def test_right_after_an_apply_nothing_has_drifted_for_a_credential_that_may_only_read(
    api: HttpApi, viewer: HttpApi, namespace: str
) -> None:
    wanted = request_for(namespace, *(body for body in many_kinds(namespace) if "namespace" in body["metadata"]))
    apply_all(wanted, api)
    report = report_drift(wanted, viewer)
    assert {drift.ref.kind: fields_of(drift) for drift in report.drifted} == {}
    assert report.in_sync == len(wanted.manifests.manifests)
    assert f"dry run: {report.in_sync} of {report.in_sync} objects" in report.notes[0]


@pytest.mark.parametrize("who", ["reader", "viewer"])
def test_an_edit_is_reported_with_value_manager_and_time(
    who: str, api: HttpApi, namespace: str, kubectl: Kubectl, request: pytest.FixtureRequest
) -> None:
    wanted = request_for(namespace, in_namespace(deployment(), namespace))
    apply_all(wanted, api)
    kubectl("scale", "deployment", "web", "-n", namespace, "--replicas=5")
    kubectl("set", "image", "deployment/web", "web=web:9", "-n", namespace)
    drift = only(report_drift(wanted, request.getfixturevalue(who)))
    assert drift.cause is Cause.EDITED
    assert fields_of(drift) == {
        "spec.replicas": (5, 2, "kubectl"),
        "spec.template.spec.containers[name=web].image": ("web:9", "web:1", "kubectl-set"),
    }
    for field in changes_of(drift):
        assert field.owner is not None
        assert field.owner.operation == "Update"
        # The API server keeps no time for writes to the scale subresource.
        at = field.owner.at or (datetime.now(UTC) if field.owner.subresource == "scale" else None)
        assert at is not None
        assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)
        assert str(field.origin) == "web.yaml:1:1"


@pytest.mark.parametrize("who", ["reader", "viewer"])
def test_what_people_added_and_removed_counts_as_drift(
    who: str, api: HttpApi, namespace: str, kubectl: Kubectl, request: pytest.FixtureRequest
) -> None:
    wanted = request_for(namespace, in_namespace(deployment(), namespace), in_namespace(config_map(a="1"), namespace))
    apply_all(wanted, api)
    sidecar = '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"side:1"}]}}}}'
    kubectl("patch", "deployment", "web", "-n", namespace, "-p", sidecar)
    kubectl("label", "deployment", "web", "-n", namespace, "by-hand=yes")
    kubectl("patch", "configmap", "env", "-n", namespace, "--type=json", "-p", '[{"op":"remove","path":"/data"}]')
    report = report_drift(wanted, request.getfixturevalue(who))
    by_name = {drift.ref.name: fields_of(drift) for drift in report.drifted}
    side = by_name["web"].pop("spec.template.spec.containers[name=side]")
    assert by_name == {
        "web": {"metadata.labels.by-hand": ("yes", ABSENT, "kubectl-label")},
        "env": {"data.a": (ABSENT, "1", "")},
    }
    assert isinstance(side[0], dict)
    assert (side[0]["image"], side[1], side[2]) == ("side:1", ABSENT, "kubectl-patch")


def test_a_rollout_restart_is_no_drift(api: HttpApi, reader: HttpApi, namespace: str, kubectl: Kubectl) -> None:
    wanted = request_for(namespace, in_namespace(deployment(), namespace))
    apply_all(wanted, api)
    kubectl("rollout", "restart", "deployment/web", "-n", namespace)
    assert report_drift(wanted, reader).drifted == ()


def test_missing_and_extra_objects_are_told_apart(
    api: HttpApi, reader: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    bodies = [in_namespace(config_map(name, a="1"), namespace) for name in ("stays", "gone", "extra")]
    owned = apply_all(request_for(namespace, *bodies), api)
    kubectl("delete", "configmap", "gone", "-n", namespace)
    report = report_drift(request_for(namespace, *bodies[:2], owned=owned), reader)
    assert {drift.ref.name: drift.cause for drift in report.drifted} == {
        "gone": Cause.MISSING,
        "extra": Cause.EXTRA,
    }
    assert report.in_sync == 1


def test_ignored_fields_are_no_drift(api: HttpApi, reader: HttpApi, namespace: str, kubectl: Kubectl) -> None:
    home = environment(namespace=namespace, ignore=(FieldRule(kind="Deployment", field="spec.replicas"),))
    wanted = request_for(namespace, in_namespace(deployment(), namespace), environment=home)
    apply_all(wanted, api)
    kubectl("scale", "deployment", "web", "-n", namespace, "--replicas=5")
    assert report_drift(wanted, reader).drifted == ()


def test_a_changed_secret_is_drift_without_its_values(
    api: HttpApi, reader: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    secret = next(body for body in many_kinds(namespace) if body["kind"] == "Secret")
    wanted = request_for(namespace, secret)
    apply_all(wanted, api)
    patch = '{"stringData":{"password":"changed-by-hand"}}'
    kubectl("patch", "secret", "login", "-n", namespace, "--type=merge", "-p", patch)
    report = report_drift(wanted, reader)
    (field,) = changes_of(only(report))
    assert format_field_path(field.path) == "data.password"
    assert field.owner is not None
    assert field.owner.manager == "kubectl-patch"
    for value in ("changed-by-hand", "correct-horse-battery", "Y2hhbmdlZC1ieS1oYW5k"):
        assert value not in repr(report)


def test_a_drift_report_writes_nothing(
    own_control_plane: ControlPlane, api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    wanted = request_for(namespace, in_namespace(deployment(), namespace), in_namespace(config_map(a="1"), namespace))
    apply_all(wanted, api)
    kubectl("scale", "deployment", "web", "-n", namespace, "--replicas=5")
    user = f"auditor-{uuid.uuid4().hex[:6]}"
    mark = own_control_plane.audit_mark()
    with connected(own_control_plane.new_user(user, ("system:masters",))) as connection:
        report_drift(wanted, connection)
    events = own_control_plane.audit_events(mark)
    assert any(event.user == user for event in events)
    assert writes(events, user=user) == ()
