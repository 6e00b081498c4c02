"""The transport on a real API server: credentials, the audit log as judge of read-only, concurrency, big lists."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from gitops_push import __version__
from gitops_push.cluster.api import AccessQuestion, ApiFailure, Precondition, ServedKind
from gitops_push.cluster.client import ConnectionOptions, connect
from gitops_push.cluster.identity import cluster_identity
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, CredentialError
from tests.cluster.connecting import connected, credential_of
from tests.controlplane.audit import writes
from tests.controlplane.cluster import ControlPlane
from tests.unit.certificates import make_authority

CONFIG_MAP = ServedKind("", "v1", "ConfigMap", "configmaps", namespaced=True)
SECRET = ServedKind("", "v1", "Secret", "secrets", namespaced=True)
ENDPOINTS = ServedKind("", "v1", "Endpoints", "endpoints", namespaced=True)


def config_map(namespace: str, name: str, size: int = 3) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"x": "x" * size}}


def rejected(kubeconfig: str) -> CredentialError:
    with connected(kubeconfig) as api, pytest.raises(CredentialError) as caught:
        api.served_kinds()
    return caught.value


def test_an_expired_token_is_a_rejected_credential(own_control_plane: ControlPlane) -> None:
    error = rejected(own_control_plane.expired_token_kubeconfig())
    assert error.problems[0].code is Code.CREDENTIAL_REJECTED


def test_nonsense_for_a_token_is_a_rejected_credential_that_is_not_printed(own_control_plane: ControlPlane) -> None:
    error = rejected(own_control_plane.token_kubeconfig("not-a-token-at-all"))
    assert "not-a-token" not in str(error)


def test_an_expired_client_certificate_is_a_rejected_credential(own_control_plane: ControlPlane) -> None:
    kubeconfig = own_control_plane.new_user("late", ("system:masters",), dt.timedelta(hours=-1))
    assert rejected(kubeconfig).problems[0].code is Code.CREDENTIAL_REJECTED


def test_a_service_account_is_let_in_by_its_token(own_control_plane: ControlPlane, namespace: str) -> None:
    with connected(own_control_plane.service_account_kubeconfig(namespace, "robot")) as api:
        assert api.served_kinds().find("apps", "Deployment")


def test_missing_rights_are_a_failure_and_not_absence(own_control_plane: ControlPlane, namespace: str) -> None:
    with connected(own_control_plane.new_user("nobody")) as api:
        with pytest.raises(ApiFailure) as caught:
            api.get(SECRET, namespace, "a")
        assert (caught.value.status, caught.value.reason) == (403, "Forbidden")
        assert not api.may_i(AccessQuestion("get", "", "secrets", namespace))
        with pytest.raises(ClusterError) as unknown:
            cluster_identity(api, own_control_plane.server_url, namespace)
        assert unknown.value.problems[0].code is Code.SERVER_FORBIDS


def test_a_read_only_connection_reads_and_dry_runs_and_the_audit_log_shows_no_write(
    own_control_plane: ControlPlane, namespace: str
) -> None:
    kubeconfig = own_control_plane.new_user("reader", ("system:masters",))
    mark = own_control_plane.audit_mark()
    with connected(kubeconfig, read_only=True) as api:
        body = config_map(namespace, "a")
        api.served_kinds()
        api.list(CONFIG_MAP, namespace)
        api.dry_run_apply(CONFIG_MAP, namespace, "a", body)
        for write in (
            lambda: api.apply(CONFIG_MAP, namespace, "a", body, Precondition(absent=True)),
            lambda: api.create(CONFIG_MAP, namespace, body),
            lambda: api.delete(CONFIG_MAP, namespace, "kube-root-ca.crt", Precondition()),
        ):
            with pytest.raises(ClusterError):
                write()
    events = own_control_plane.audit_events(mark)
    assert writes(events, user="reader") == ()
    assert sum(event.user == "reader" for event in events) == 4
    assert {event.user_agent for event in events if event.user == "reader"} == {f"gitops-push/{__version__}"}


def test_the_server_ignores_the_dry_run_of_a_delete_that_has_a_body(
    control_plane: ControlPlane, namespace: str
) -> None:
    """The reason why the gate lets no DELETE with a body pass."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    control_plane.request("POST", path, config_map(namespace, "a"))
    control_plane.request("DELETE", f"{path}/a?dryRun=All", {"apiVersion": "v1", "kind": "DeleteOptions"})
    with connected(control_plane.kubeconfig) as api:
        assert api.get(CONFIG_MAP, namespace, "a") is None


def test_thirty_two_threads_share_a_connection_each(own_control_plane: ControlPlane, namespace: str) -> None:
    kubeconfig = own_control_plane.new_user("many", ("system:masters",))
    with connected(kubeconfig, read_only=True, concurrency=32) as api, ThreadPoolExecutor(32) as pool:

        def dry_run(number: int) -> int:
            body = config_map(namespace, f"m{number}")
            return api.dry_run_apply(CONFIG_MAP, namespace, f"m{number}", body).status

        assert set(pool.map(dry_run, range(300))) == {201}
        assert (api.retry_counts.requests, api.retry_counts.retries) == (300, 0)


def test_a_list_over_the_size_that_the_server_packs_comes_whole(control_plane: ControlPlane, namespace: str) -> None:
    with connected(control_plane.kubeconfig) as api:
        for number in range(4):
            body = config_map(namespace, f"big{number}", 200_000)
            api.apply(CONFIG_MAP, namespace, f"big{number}", body, Precondition(absent=True))
        sizes = [len(item["data"]["x"]) for item in api.list(CONFIG_MAP, namespace).items if "x" in item["data"]]
    assert sizes == [200_000] * 4


def test_a_warning_of_the_server_comes_with_the_dry_run(control_plane: ControlPlane, namespace: str) -> None:
    body = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "old", "namespace": namespace}}
    with connected(control_plane.kubeconfig, read_only=True) as api:
        warnings = api.dry_run_apply(ENDPOINTS, namespace, "old", body).warnings
    assert any("Endpoints is deprecated" in warning for warning in warnings)


def test_an_unknown_field_is_refused_at_once(control_plane: ControlPlane, namespace: str) -> None:
    body = {**config_map(namespace, "a"), "dota": {}}
    with connected(control_plane.kubeconfig, read_only=True) as api:
        with pytest.raises(ApiFailure, match="field not declared in schema"):
            api.dry_run_apply(CONFIG_MAP, namespace, "a", body)
        assert api.retry_counts.retries == 0


def test_a_server_under_another_authority_is_not_talked_to(own_control_plane: ControlPlane) -> None:
    other = replace(credential_of(own_control_plane.kubeconfig), ca_pem=make_authority("other").certificate_pem)
    with connect(other, ConnectionOptions()) as api, pytest.raises(ClusterError, match="not signed by the CA"):
        api.served_kinds()
