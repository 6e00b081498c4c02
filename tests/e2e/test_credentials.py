"""Every way to log in, on the real API server."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
import yaml

from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.program import VARIABLE, Program, config


@pytest.fixture
def account(kubectl: Kubectl, namespace: str) -> str:
    """A service account that may do everything in its namespace, and read the id of the cluster."""
    kubectl("create", "serviceaccount", "deployer", "-n", namespace)
    kubectl(
        "create",
        "rolebinding",
        "deployer",
        "-n",
        namespace,
        "--clusterrole=cluster-admin",
        f"--serviceaccount={namespace}:deployer",
    )
    return str(kubectl("create", "token", "deployer", "-n", namespace)).strip()


@pytest.fixture
def server(control_plane: ControlPlane) -> tuple[str, str]:
    """The URL, and the CA as PEM."""
    cluster = yaml.safe_load(control_plane.kubeconfig)["clusters"][0]["cluster"]
    return cluster["server"], base64.b64decode(cluster["certificate-authority-data"]).decode()


def with_credentials(program: Program, namespace: str, server: str, credentials: str) -> None:
    text = config(namespace).replace(
        f"plane: {{credentials: {{env: {VARIABLE}}}}}", f"plane: {{server: '{server}', credentials: {credentials}}}"
    )
    program.write("gitops-push.yaml", text)
    program.commit()


def test_a_token_and_a_ca_deploy(program: Program, namespace: str, account: str, server: tuple[str, str]) -> None:
    url, ca = server
    with_credentials(program, namespace, url, "{serviceAccountToken: {tokenEnv: TOKEN, caEnv: CA}}")
    alone = Program(program.folder, {"TOKEN": account, "CA": ca, "CI": "true"})
    done = alone("apply", "test", "--yes")
    assert done.code == 0, done
    assert account not in done.out + done.err
    wrong = Program(program.folder, {"TOKEN": "wrong-token", "CA": ca, "CI": "true"})("diff", "test")
    assert wrong.code == 11
    assert "rejects the token of the variables TOKEN and CA" in wrong.err


def plugin_kubeconfig(control_plane: ControlPlane, command: str) -> str:
    found = yaml.safe_load(control_plane.kubeconfig)
    found["users"][0]["user"] = {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": command, "interactiveMode": "Never"}
    }
    return json.dumps(found)


def install(folder: Path, script: str) -> str:
    folder.mkdir(exist_ok=True)
    program = folder / "issue-token"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(folder)


def printed(token: str) -> str:
    status = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token}}
    return f"cat <<'END'\n{json.dumps(status)}\nEND"


def test_a_plugin_that_is_allowed_deploys_and_one_that_is_not_does_not_run(
    program: Program, control_plane: ControlPlane, account: str, tmp_path: Path
) -> None:
    folder = install(tmp_path / "bin", printed(account))
    path = f"{folder}:{program.full_environ['PATH']}"
    plugged = program.having(**{VARIABLE: plugin_kubeconfig(control_plane, "issue-token"), "PATH": path})
    refused = plugged("apply", "test", "--yes")
    assert refused.code == 11
    assert "--allow-exec issue-token" in refused.err
    done = plugged("apply", "test", "--yes", "--allow-exec", "issue-token")
    assert done.code == 0, done
    assert account not in done.out + done.err


def test_a_rejected_token_is_issued_anew_once(
    program: Program, control_plane: ControlPlane, account: str, tmp_path: Path
) -> None:
    """The first token is no good, as one that was revoked; the second one is."""
    again = tmp_path / "again"
    script = f"if test -e {again}; then {printed(account)}\nelse touch {again}; {printed('stale-token')}\nfi"
    folder = install(tmp_path / "bin", script)
    path = f"{folder}:{program.full_environ['PATH']}"
    plugged = program.having(**{VARIABLE: plugin_kubeconfig(control_plane, "issue-token"), "PATH": path})
    done = plugged("diff", "test", "--allow-exec", "issue-token")
    assert done.code == 0, done
    assert again.exists()


def test_a_keyring_is_not_looked_at_in_ci(program: Program, namespace: str, server: tuple[str, str]) -> None:
    with_credentials(program, namespace, server[0], "{keyring: prod}")
    done = program.having(CI="true")("diff", "test")
    assert done.code == 11
    assert "keyring prod: not used in CI" in done.err
    stored = program.having(CI="true")("credentials", "list")
    assert stored.code == 11
    assert "never used in CI" in stored.err


def test_an_event_from_outside_gets_no_credential(program: Program, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"head": {"repo": {"full_name": "mallory/config"}}}}))
    outside = program.having(
        CI="true",
        GITHUB_ACTIONS="true",
        GITHUB_EVENT_NAME="pull_request_target",
        GITHUB_EVENT_PATH=str(event),
        GITHUB_REPOSITORY="shop/config",
        GITHUB_SHA="0" * 40,
    )
    refused = outside("apply", "test", "--yes")
    assert refused.code == 15, refused
    assert "mallory/config" in refused.err
    assert outside("diff", "test", "--trust-checkout").code == 0
