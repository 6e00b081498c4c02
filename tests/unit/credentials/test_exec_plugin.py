"""Credential plugins: real programs in a folder on the PATH."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gitops_push.core.codes import Code
from gitops_push.core.credential import Credential
from gitops_push.core.errors import CredentialError
from gitops_push.credentials.exec_plugin import PluginRules
from gitops_push.credentials.kubeconfig import credential_of, read_kubeconfig
from gitops_push.credentials.kubeconfig_entry import KubeconfigText
from tests.unit.credentials.kubeconfigs import CLIENT, as_text, kubeconfig

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
V1 = "client.authentication.k8s.io/v1"
EXEC = {"apiVersion": V1, "command": "issue-token", "interactiveMode": "IfAvailable"}


def answer(**status: Any) -> dict[str, Any]:
    return {"apiVersion": V1, "kind": "ExecCredential", "status": status}


class Machine:
    """A machine with a folder of programs, and with variables of its own."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "bin"
        self.programs.mkdir()
        self.checkout = folder / "repo"
        self.checkout.mkdir()
        self.runs = folder / "runs"
        self.environ = {"PATH": f"{self.programs}:{os.environ['PATH']}", "HOME": str(folder)}
        self.now = NOW

    def install(self, script: str, name: str = "issue-token", folder: Path | None = None) -> Path:
        program = (folder or self.programs) / name
        program.write_text(f"#!/bin/sh\necho run >> {self.runs}\n{script}\n")
        program.chmod(0o755)
        return program

    def install_answer(self, data: object, **more: Any) -> Path:
        return self.install(f"cat <<'END'\n{json.dumps(data)}\nEND", **more)

    def credential(self, spec: Mapping[str, Any] = EXEC, *allowed: str) -> Credential:
        rules = PluginRules(frozenset(allowed or ("issue-token",)), self.environ, self.checkout, lambda: self.now)
        text = KubeconfigText(as_text(kubeconfig({"exec": dict(spec)})).encode(), "the variable KC")
        return credential_of(read_kubeconfig(text), "", rules)

    def refused(self, spec: Mapping[str, Any] = EXEC, *allowed: str) -> tuple[Code, str, str]:
        with pytest.raises(CredentialError) as caught:
            self.credential(spec, *allowed)
        (problem,) = caught.value.problems
        assert "canary" not in problem.message
        return problem.code, problem.message, problem.hint or ""

    @property
    def run_count(self) -> int:
        return len(self.runs.read_text().splitlines()) if self.runs.exists() else 0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def token(credential: Credential, *, refresh: bool = False) -> str:
    assert credential.token is not None
    return credential.token(refresh).reveal()


def test_a_plugin_that_is_allowed_gives_the_token(machine: Machine) -> None:
    machine.install_answer(answer(token="canary-issued"))
    found = machine.credential()
    assert token(found) == "canary-issued"
    assert [secret.reveal() for secret in found.secrets] == ["canary-issued"]
    assert machine.run_count == 1


def test_a_plugin_that_nobody_allowed_is_not_run(machine: Machine) -> None:
    machine.install_answer(answer(token="canary-issued"))
    code, message, hint = machine.refused(EXEC, "aws")
    assert code is Code.CREDENTIAL_FEATURE_REFUSED
    assert "would run the program 'issue-token'" in message
    assert "--allow-exec issue-token" in hint
    assert machine.run_count == 0


def test_a_plugin_gives_a_client_certificate(machine: Machine) -> None:
    machine.install_answer(answer(clientCertificateData=CLIENT.certificate_pem, clientKeyData=CLIENT.key_pem))
    found = machine.credential()
    assert found.client_certificate is not None
    assert found.client_certificate.certificate_pem.reveal() == CLIENT.certificate_pem
    assert found.token is None


def test_a_plugin_runs_again_when_its_token_ends_or_is_rejected_and_only_then(machine: Machine) -> None:
    ends = (NOW + timedelta(minutes=10)).isoformat().replace("+00:00", "Z")
    machine.install_answer(answer(token="canary-issued", expirationTimestamp=ends))
    found = machine.credential()
    token(found)
    assert machine.run_count == 1
    token(found, refresh=True)
    assert machine.run_count == 2
    machine.now = NOW + timedelta(minutes=9, seconds=29)
    token(found)
    assert machine.run_count == 2
    machine.now = NOW + timedelta(minutes=9, seconds=31)
    token(found)
    assert machine.run_count == 3


def test_a_plugin_gets_what_clouds_need_and_nothing_else(machine: Machine) -> None:
    machine.environ |= {
        "AWS_PROFILE": "prod",
        "GOOGLE_APPLICATION_CREDENTIALS": "/key.json",
        "HTTPS_PROXY": "http://proxy",
        "KUBECONFIG_PROD": "canary-kubeconfig",
        "GITHUB_TOKEN": "canary-github",
        "LD_PRELOAD": "/tmp/evil.so",
    }
    seen = machine.runs.parent / "environment"
    machine.install(f"env > {seen}; cat <<'END'\n{json.dumps(answer(token='t'))}\nEND")
    machine.credential({**EXEC, "env": [{"name": "CLUSTER", "value": "shop"}]})
    variables = dict(line.split("=", 1) for line in seen.read_text().splitlines() if "=" in line)
    assert not [line for line in variables.values() if "canary" in line]
    assert set(variables) - {"PWD", "SHLVL", "_", "OLDPWD"} == {
        *("AWS_PROFILE", "GOOGLE_APPLICATION_CREDENTIALS", "HTTPS_PROXY", "HOME", "PATH"),
        *("CLUSTER", "KUBERNETES_EXEC_INFO"),
    }
    info = json.loads(variables["KUBERNETES_EXEC_INFO"])
    assert (info["kind"], info["apiVersion"], info["spec"]["interactive"]) == ("ExecCredential", V1, False)


def test_a_plugin_has_no_standard_input_and_does_not_run_in_the_checkout(machine: Machine) -> None:
    machine.install(f"test \"$(pwd)\" = / && ! read line && cat <<'END'\n{json.dumps(answer(token='t'))}\nEND")
    assert token(machine.credential()) == "t"


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PATH", "PYTHONPATH", "BASH_ENV", "NODE_OPTIONS", "A=B", "GIT_SSH"])
def test_a_kubeconfig_cannot_make_the_plugin_run_something_else(machine: Machine, name: str) -> None:
    machine.install_answer(answer(token="t"))
    code, message, _ = machine.refused({**EXEC, "env": [{"name": name, "value": "canary"}]})
    assert code is Code.CREDENTIAL_INVALID
    assert "exec.env" in message
    assert machine.run_count == 0


def test_a_program_in_the_checkout_is_never_run(machine: Machine) -> None:
    inside = machine.install_answer(answer(token="t"), folder=machine.checkout)
    machine.environ["PATH"] = f"{machine.checkout}:{os.environ['PATH']}"
    assert machine.refused()[0] is Code.CREDENTIAL_PROGRAM_FAILED
    _, message, _ = machine.refused({**EXEC, "command": str(inside)}, str(inside))
    assert "lies in the config repo" in message
    assert machine.run_count == 0


def test_a_link_into_the_checkout_is_never_run(machine: Machine) -> None:
    inside = machine.install_answer(answer(token="t"), folder=machine.checkout)
    (machine.programs / "issue-token").symlink_to(inside)
    assert "lies in the config repo" in machine.refused()[1]
    assert machine.run_count == 0


def test_a_path_is_allowed_by_its_name_only_if_it_is_that_very_program(machine: Machine, tmp_path: Path) -> None:
    program = machine.install_answer(answer(token="t"))
    assert token(machine.credential({**EXEC, "command": str(program)})) == "t"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = machine.install_answer(answer(token="canary"), folder=elsewhere)
    assert "another program than the allowed issue-token" in machine.refused({**EXEC, "command": str(other)})[1]
    assert token(machine.credential({**EXEC, "command": str(other)}, str(other))) == "canary"
    assert "relative path" in machine.refused({**EXEC, "command": "./issue-token"})[1]


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("exit 3", "failed with exit code 3"),
        ("echo 'no login: run aws sso login' >&2; exit 255", "exit code 255: no login: run aws sso login"),
        ('echo "$AWS_SECRET_ACCESS_KEY is wrong" >&2; exit 1', "exit code 1: *** is wrong"),
        ("echo not json {", "printed no ExecCredential"),
        ("echo '{}'", "printed no ExecCredential"),
        ("echo '[]'", "printed no ExecCredential"),
        (f"echo '{json.dumps({**answer(token='t'), 'apiVersion': 'v2'})}'", "another apiVersion"),
        (f"echo '{json.dumps(answer())}'", "neither a token nor a certificate"),
        (f"echo '{json.dumps(answer(token=5))}'", "status is not text"),
        (f"echo '{json.dumps(answer(token='t', expirationTimestamp='soon'))}'", "expirationTimestamp that is no time"),
        ("yes", "wrote too much"),
    ],
)
def test_a_plugin_that_fails_is_told_with_what_it_said(machine: Machine, script: str, what: str) -> None:
    machine.environ["AWS_SECRET_ACCESS_KEY"] = "canary-aws-secret"
    machine.install(script)
    code, message, hint = machine.refused({**EXEC, "installHint": "get it from\nthe shop"})
    assert code is Code.CREDENTIAL_PROGRAM_FAILED
    assert what in message
    assert hint == "get it from the shop"


@pytest.mark.parametrize("arguments", [["login", "--oidc-client-secret=c4nary-value"], ["--password", "c4nary-value"]])
def test_what_a_plugin_repeats_of_a_secret_argument_is_masked(machine: Machine, arguments: list[str]) -> None:
    machine.install('echo "no: $*" >&2; exit 1')
    _, message, _ = machine.refused({**EXEC, "args": arguments})
    assert "***" in message
    assert "c4nary" not in message


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"apiVersion": "client.authentication.k8s.io/v1alpha1"}, "apiVersion must be"),
        ({"interactiveMode": "Always"}, "interactiveMode is Always"),
        ({"args": "one"}, "args must be a list"),
        ({"args": [1]}, "args must be a list"),
        ({"env": {"A": "B"}}, "env must be a list"),
        ({"env": [{"name": "A", "value": 1}]}, "env must be a list of names and values"),
        ({"shell": True}, "unknown fields: shell"),
        ({"command": ""}, "exec has no command"),
        ({"command": ["a"]}, "exec has no command"),
    ],
)
def test_a_spec_that_cannot_be_right_is_refused_before_anything_runs(
    machine: Machine, change: dict[str, Any], what: str
) -> None:
    machine.install_answer(answer(token="t"))
    assert what in machine.refused({**EXEC, **change})[1]
    assert machine.run_count == 0


def test_a_plugin_that_is_not_installed_says_how_to_get_it(machine: Machine) -> None:
    code, message, hint = machine.refused({**EXEC, "installHint": "pip install issue-token"})
    assert code is Code.CREDENTIAL_PROGRAM_FAILED
    assert "no such program on the PATH" in message
    assert hint == "pip install issue-token"
