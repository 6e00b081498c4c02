"""The audit log says who wrote what, and users have the rights they were given and no others."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from tests.controlplane.access import RequestError, open_access
from tests.controlplane.audit import writes
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl, make_kubectl

CONFIG_MAP = {"metadata": {"name": "settings"}, "data": {"key": "value"}}


def test_the_audit_log_says_who_wrote_with_what(
    own_control_plane: ControlPlane, namespace: str, kubectl: Kubectl
) -> None:
    mark = own_control_plane.audit_mark()
    kubectl("create", "configmap", "settings", "-n", namespace)
    (event,) = writes(own_control_plane.audit_events(mark), user_agent="kubectl/")
    assert (event.verb, event.resource, event.namespace, event.name) == ("create", "configmaps", namespace, "settings")
    assert (event.user, event.code) == ("test-admin", 201)


def test_a_dry_run_a_read_and_a_review_are_not_writes(
    own_control_plane: ControlPlane, namespace: str, kubectl: Kubectl
) -> None:
    mark = own_control_plane.audit_mark()
    kubectl("create", "configmap", "settings", "-n", namespace, "--dry-run=server")
    kubectl("get", "configmap", "-n", namespace)
    kubectl("auth", "can-i", "create", "pods", "-n", namespace)
    events = own_control_plane.audit_events(mark)
    assert writes(events, user_agent="kubectl/") == ()
    mine = [event for event in events if event.namespace == namespace and event.user_agent.startswith("kubectl/")]
    assert [event.is_dry_run for event in mine if event.verb == "create" and event.resource == "configmaps"] == [True]


def test_writes_are_told_apart_by_user(own_control_plane: ControlPlane, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    deployer = open_access(own_control_plane.new_user("deployer", ("system:masters",)))
    mark = own_control_plane.audit_mark()
    deployer.request("POST", path, CONFIG_MAP)
    own_control_plane.request("DELETE", f"{path}/settings")
    deployer.close()
    events = own_control_plane.audit_events(mark)
    assert [event.verb for event in writes(events, user="deployer")] == ["create"]
    assert [event.verb for event in writes(events, user="test-admin")] == ["delete"]


def test_a_new_user_has_no_rights(own_control_plane: ControlPlane, tmp_path: Path) -> None:
    stranger = make_kubectl(tmp_path, own_control_plane.new_user("stranger"))
    answer = stranger.run("get", "pods", "-n", "default")
    assert answer.returncode == 1
    assert 'User "stranger" cannot list resource "pods"' in answer.stderr


def test_a_service_account_has_the_rights_of_its_role(
    own_control_plane: ControlPlane, namespace: str, kubectl: Kubectl, tmp_path: Path
) -> None:
    kubeconfig = own_control_plane.service_account_kubeconfig(namespace, "reader")
    account = f"--serviceaccount={namespace}:reader"
    kubectl("create", "rolebinding", "reader", "-n", namespace, "--clusterrole=view", account)
    reader = make_kubectl(tmp_path, kubeconfig)
    assert json.loads(reader("get", "configmaps", "-n", namespace, "-o", "json"))["kind"] == "List"
    assert "cannot create resource" in reader.run("create", "configmap", "x", "-n", namespace).stderr


@pytest.mark.parametrize("credential", ["expired certificate", "expired token", "made-up token"])
def test_a_credential_that_is_not_valid_is_refused(own_control_plane: ControlPlane, credential: str) -> None:
    kubeconfigs = {
        "expired certificate": own_control_plane.new_user("late", valid_for=-dt.timedelta(hours=1)),
        "expired token": own_control_plane.expired_token_kubeconfig(),
        "made-up token": own_control_plane.token_kubeconfig("made-up"),
    }
    access = open_access(kubeconfigs[credential])
    with pytest.raises(RequestError) as refusal:
        access.request("GET", "/api/v1/namespaces")
    access.close()
    assert refusal.value.status == 401
