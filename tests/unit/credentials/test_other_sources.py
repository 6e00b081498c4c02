"""Credentials that are no kubeconfig: a token with a CA, and the service account of a pod; and tokens that end."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.codes import Code
from gitops_push.core.environment import Cluster, CredentialSource
from gitops_push.core.errors import CredentialError
from gitops_push.credentials.in_cluster import pod_account
from gitops_push.credentials.sources import CredentialOptions, credential_variables, find_credential
from gitops_push.credentials.token_dates import token_expires_at
from tests.unit.credentials.kubeconfigs import AUTHORITY, SERVER, TOKEN, as_text, base64_of, kubeconfig

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OPTIONS = CredentialOptions(now=lambda: NOW, in_ci=True)
CLUSTER = Cluster("prod", server=SERVER, credentials=CredentialSource(token_env="TOKEN", ca_env="CA"))


def jwt(**claims: Any) -> str:
    parts = ({"alg": "RS256"}, claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ".".join((*encoded, "c2lnbmF0dXJl"))


@pytest.mark.parametrize("ca", [AUTHORITY.certificate_pem, base64_of(AUTHORITY.certificate_pem)])
def test_a_token_and_a_ca_make_a_credential_for_the_pinned_server(ca: str) -> None:
    found = find_credential(CLUSTER, OPTIONS, {"TOKEN": f"{TOKEN}\n", "CA": ca})
    assert (found.server, found.ca_pem) == (SERVER, AUTHORITY.certificate_pem)
    assert found.token is not None
    assert found.token(False).reveal() == TOKEN
    assert found.found_in == "the variables TOKEN and CA"
    assert TOKEN in {secret.reveal() for secret in found.secrets}
    assert credential_variables(CLUSTER) == ("TOKEN", "CA", "KUBECONFIG")


@pytest.mark.parametrize(
    ("environ", "what"),
    [
        ({}, "the variable TOKEN and the variable CA of serviceAccountToken not set"),
        ({"TOKEN": TOKEN, "CA": " "}, "the variable CA of serviceAccountToken not set, or empty"),
        ({"TOKEN": TOKEN, "CA": "canary"}, "certificate-authority-data is not base64"),
        ({"TOKEN": "canary token", "CA": AUTHORITY.certificate_pem}, "token holds a space"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named_and_not_quoted(environ: dict[str, str], what: str) -> None:
    with pytest.raises(CredentialError, match=what) as caught:
        find_credential(CLUSTER, OPTIONS, environ)
    assert "canary" not in str(caught.value)


def test_a_token_needs_a_server() -> None:
    cluster = Cluster("prod", credentials=CLUSTER.credentials)
    with pytest.raises(CredentialError, match="has serviceAccountToken and no server"):
        find_credential(cluster, OPTIONS, {"TOKEN": TOKEN, "CA": AUTHORITY.certificate_pem})


@pytest.fixture
def pod(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "ca.crt").write_text(AUTHORITY.certificate_pem)
    (tmp_path / "namespace").write_text("shop")
    return tmp_path


@pytest.mark.parametrize(
    ("host", "server"), [("10.96.0.1", "https://10.96.0.1:443"), ("fd00::1", "https://[fd00::1]:443")]
)
def test_a_pod_has_an_account(pod: Path, host: str, server: str) -> None:
    account = pod_account({"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "443"}, pod)
    assert (account.server, account.namespace) == (server, "shop")
    assert account.ca_pem == AUTHORITY.certificate_pem
    assert account.token(False).reveal() == TOKEN


def test_the_token_of_a_pod_is_read_again_when_it_is_rejected(pod: Path) -> None:
    account = pod_account({"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}, pod)
    (pod / "token").write_text("another")
    assert account.token(False).reveal() == TOKEN
    assert account.token(True).reveal() == "another"


@pytest.mark.parametrize("left", ["token", "ca.crt", "variables"])
def test_where_there_is_no_pod_it_is_said(pod: Path, left: str) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    if left == "variables":
        environ = {}
    else:
        (pod / left).unlink()
    with pytest.raises(CredentialError, match="no service account of a pod") as caught:
        pod_account(environ, pod)
    assert caught.value.problems[0].code is Code.CREDENTIAL_MISSING


def test_a_token_that_has_expired_is_refused_before_anything_is_sent() -> None:
    token = jwt(exp=int((NOW - timedelta(hours=1)).timestamp()), sub="canary")
    with pytest.raises(CredentialError, match="the token expired on 2026-11-25 11:00 UTC") as caught:
        find_credential(Cluster("prod"), OPTIONS, {"KUBECONFIG": as_text(kubeconfig({"token": token}))})
    assert caught.value.problems[0].code is Code.CREDENTIAL_EXPIRED
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(("minutes", "warned"), [(16, False), (15, True), (3, True)])
def test_a_token_that_will_soon_expire_is_a_warning(minutes: int, warned: bool) -> None:
    token = jwt(exp=int((NOW + timedelta(minutes=minutes)).timestamp()))
    found = find_credential(Cluster("prod"), OPTIONS, {"KUBECONFIG": as_text(kubeconfig({"token": token}))})
    assert any(f"expires in {minutes} minutes" in warning for warning in found.warnings) is warned


@given(
    st.text()
    | st.builds(
        lambda a, b: f"{a}.{b}.c", st.text(), st.text() | st.binary().map(lambda data: base64.b64encode(data).decode())
    )
)
def test_whatever_a_token_is_its_date_is_a_time_or_nothing(token: str) -> None:
    assert token_expires_at(token) is None or isinstance(token_expires_at(token), datetime)
