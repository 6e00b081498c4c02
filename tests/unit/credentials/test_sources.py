from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gitops_push.core.codes import Code
from gitops_push.core.credential import Credential
from gitops_push.core.environment import Cluster, CredentialSource
from gitops_push.core.errors import CredentialError, RefusedError
from gitops_push.core.redaction import Redactor
from gitops_push.credentials.sources import CredentialOptions, credential_variables, find_credential
from tests.unit.certificates import issue
from tests.unit.credentials.kubeconfigs import AUTHORITY, SERVER, TOKEN, as_text, base64_of, kubeconfig

OPTIONS = CredentialOptions(now=lambda: datetime.now(UTC))
IN_CI = replace(OPTIONS, in_ci=True)
PROD = Cluster("prod")
PROD_BY_ENV = Cluster("prod", credentials=CredentialSource(env="KUBECONFIG_PROD"))


def with_token(name: str) -> str:
    return as_text(kubeconfig({"token": f"token-of-{name}"}))


def write(path: Path, name: str = "", text: str = "") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text or with_token(name or path.name))
    return str(path)


def token_of(credential: Credential) -> str:
    assert credential.token is not None
    return credential.token(False).reveal()


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    write(tmp_path / "home" / ".kube" / "config", "home")
    return {"HOME": str(tmp_path / "home")}


def test_places_are_asked_in_the_order_of_the_documentation(tmp_path: Path, home: dict[str, str]) -> None:
    flag = write(tmp_path / "flag")
    environ = {**home, "KUBECONFIG": with_token("KUBECONFIG"), "KUBECONFIG_PROD": base64_of(with_token("config"))}
    options = replace(OPTIONS, kubeconfig=flag)
    assert token_of(find_credential(PROD_BY_ENV, options, environ)) == "token-of-flag"
    assert token_of(find_credential(PROD_BY_ENV, OPTIONS, environ)) == "token-of-config"
    assert token_of(find_credential(PROD, OPTIONS, environ)) == "token-of-KUBECONFIG"
    assert token_of(find_credential(PROD, OPTIONS, home)) == "token-of-home"
    del environ["KUBECONFIG_PROD"]
    assert token_of(find_credential(PROD_BY_ENV, OPTIONS, environ)) == "token-of-KUBECONFIG"


def test_a_kubeconfig_that_takes_the_place_of_the_configured_one_is_a_warning(home: dict[str, str]) -> None:
    environ = {"KUBECONFIG": with_token("KUBECONFIG")}
    (warning,) = find_credential(PROD_BY_ENV, OPTIONS, environ).warnings
    assert "cluster 'prod'" in warning
    assert "the variable KUBECONFIG is used (variable KUBECONFIG_PROD: not set)" in warning
    (warning,) = find_credential(PROD_BY_ENV, OPTIONS, {**home, "KUBECONFIG_PROD": "!"}).warnings
    assert ".kube/config is used (variable KUBECONFIG_PROD: neither" in warning
    assert find_credential(PROD, OPTIONS, environ).warnings == ()
    assert find_credential(PROD_BY_ENV, OPTIONS, {**environ, "KUBECONFIG_PROD": with_token("x")}).warnings == ()


def test_in_ci_nothing_takes_the_place_of_what_the_config_names(home: dict[str, str]) -> None:
    with pytest.raises(CredentialError) as caught:
        find_credential(PROD_BY_ENV, IN_CI, {**home, "KUBECONFIG": with_token("other")})
    assert caught.value.problems[0].code is Code.CREDENTIAL_MISSING
    assert str(caught.value) == "no kubeconfig for cluster 'prod'; looked at variable KUBECONFIG_PROD: not set"


def test_in_ci_the_home_directory_is_not_used(home: dict[str, str]) -> None:
    with pytest.raises(CredentialError, match=r"KUBECONFIG: not set; ~/.kube/config: not used in CI"):
        find_credential(PROD, IN_CI, home)


def test_without_any_kubeconfig_all_places_are_listed_and_no_value(tmp_path: Path) -> None:
    cluster = Cluster("prod", credentials=CredentialSource(file="kube/prod.yaml"))
    options = replace(OPTIONS, checkout_root=tmp_path)
    environ = {"HOME": str(tmp_path), "KUBECONFIG": "canary-that-is-no-path"}
    with pytest.raises(CredentialError) as caught:
        find_credential(cluster, options, environ)
    message = str(caught.value)
    assert f"{tmp_path}/kube/prod.yaml: no such file" in message
    assert "variable KUBECONFIG: neither a kubeconfig, nor base64 of one, nor the path of a file" in message
    assert f"{tmp_path}/.kube/config: no such file" in message
    assert "canary" not in message
    assert caught.value.exit_code == 11


def test_an_empty_variable_does_not_fall_back_to_another_place(home: dict[str, str]) -> None:
    with pytest.raises(CredentialError, match="KUBECONFIG_PROD is set but empty"):
        find_credential(PROD_BY_ENV, OPTIONS, {**home, "KUBECONFIG_PROD": ""})


def test_a_variable_may_name_a_file(tmp_path: Path) -> None:
    environ = {"KUBECONFIG_PROD": write(tmp_path / "secret-file")}
    found = find_credential(PROD_BY_ENV, IN_CI, environ)
    assert token_of(found) == "token-of-secret-file"
    assert found.found_in == str(tmp_path / "secret-file")


def test_a_list_in_kubeconfig_is_merged_and_missing_files_are_skipped(tmp_path: Path) -> None:
    first = write(
        tmp_path / "first", text=as_text({"users": [{"name": "deployer", "user": {"token": "token-of-first"}}]})
    )
    second = write(tmp_path / "second")
    environ = {"KUBECONFIG": os.pathsep.join([first, str(tmp_path / "missing"), "", second])}
    assert token_of(find_credential(PROD, OPTIONS, environ)) == "token-of-first"


def test_a_file_of_the_config_is_relative_to_the_repo_or_in_the_home_directory(
    tmp_path: Path, home: dict[str, str]
) -> None:
    write(tmp_path / "repo" / "kube" / "prod")
    options = replace(OPTIONS, checkout_root=tmp_path / "repo")
    for file, token in (("kube/prod", "prod"), ("~/.kube/config", "home"), (f"{tmp_path}/repo/kube/prod", "prod")):
        cluster = Cluster("prod", credentials=CredentialSource(file=file))
        assert token_of(find_credential(cluster, options, home)) == f"token-of-{token}"


def test_the_context_of_the_command_line_goes_before_that_of_the_config() -> None:
    contexts = [
        {"name": name, "context": {"cluster": "prod", "user": "deployer", "namespace": name}}
        for name in ("main", "a", "b")
    ]
    environ = {"KUBECONFIG": as_text(kubeconfig(contexts=contexts))}
    cluster = replace(PROD, context="a")
    assert find_credential(PROD, OPTIONS, environ).context == "main"
    assert find_credential(cluster, OPTIONS, environ).context == "a"
    assert find_credential(cluster, replace(OPTIONS, context="b"), environ).context == "b"


@pytest.mark.parametrize("pin", [SERVER, f"{SERVER}/", "HTTPS://10.0.0.1:6443"])
def test_a_server_that_is_pinned_is_accepted_in_any_spelling(pin: str) -> None:
    assert find_credential(replace(PROD, server=pin), OPTIONS, {"KUBECONFIG": as_text(kubeconfig())}).server == SERVER


@pytest.mark.parametrize(
    "pin", ["https://10.0.0.2:6443", "https://10.0.0.1", "https://10.0.0.1:6443/other", "nonsense"]
)
def test_a_kubeconfig_for_another_server_is_refused_and_both_are_named(pin: str) -> None:
    with pytest.raises(RefusedError) as caught:
        find_credential(replace(PROD, server=pin), OPTIONS, {"KUBECONFIG": as_text(kubeconfig())})
    assert caught.value.problems[0].code is Code.WRONG_CLUSTER
    assert pin in str(caught.value)
    assert SERVER in str(caught.value)


def test_a_tracked_kubeconfig_is_refused_and_an_untracked_one_is_a_warning(tmp_path: Path) -> None:
    environ = {"KUBECONFIG": write(tmp_path / "repo" / "kubeconfig")}
    options = replace(OPTIONS, checkout_root=tmp_path / "repo")
    found = find_credential(PROD, options, environ)
    assert "lies in the config repo" in found.warnings[0]
    with pytest.raises(CredentialError, match="committed to the config repo"):
        find_credential(PROD, replace(options, is_tracked=lambda path: path.name == "kubeconfig"), environ)
    assert find_credential(PROD, replace(OPTIONS, checkout_root=tmp_path / "other"), environ).warnings == ()


def test_a_link_into_the_repo_counts_as_a_file_of_the_repo(tmp_path: Path) -> None:
    write(tmp_path / "repo" / "kubeconfig")
    (tmp_path / "link").symlink_to("repo/kubeconfig")
    options = replace(OPTIONS, checkout_root=tmp_path / "repo", is_tracked=lambda _: True)
    with pytest.raises(CredentialError, match="committed"):
        find_credential(PROD, options, {"KUBECONFIG": str(tmp_path / "link")})


def certificate_file(path: Path) -> dict[str, Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(AUTHORITY.certificate_pem)
    return {"certificate-authority-data": None, "certificate-authority": str(path)}


def test_certificate_files_anywhere_are_for_a_developer_s_own_kubeconfig_off_ci(tmp_path: Path) -> None:
    text = as_text(kubeconfig(cluster=certificate_file(tmp_path / "minikube" / "ca.crt")))
    own = write(tmp_path / ".kube" / "config", text=text)
    other = write(tmp_path / "other" / "config", text=text)
    home = {"HOME": str(tmp_path)}
    for options in (OPTIONS, replace(OPTIONS, kubeconfig=own)):
        assert find_credential(PROD, options, home).ca_pem == AUTHORITY.certificate_pem
    for options in (replace(OPTIONS, kubeconfig=other), replace(IN_CI, kubeconfig=own)):
        with pytest.raises(CredentialError, match="outside of the kubeconfig's folder"):
            find_credential(PROD, options, home)


@pytest.mark.parametrize(
    ("path", "reason"),
    [("nope", "no such file"), (".", "is a directory"), ("a\0b", "it is no path"), ("/dev/zero", "larger than 4 MiB")],
)
def test_a_named_kubeconfig_that_cannot_be_read_is_told(tmp_path: Path, path: str, reason: str) -> None:
    with pytest.raises(CredentialError, match=reason) as caught:
        find_credential(PROD, replace(OPTIONS, kubeconfig=str(tmp_path / path)), {})
    assert "--kubeconfig" in str(caught.value)


@pytest.mark.parametrize("encode", [str, base64_of], ids=["plain", "base64"])
def test_a_kubeconfig_in_place_of_its_path_is_refused_and_not_quoted(encode: Callable[[str], str]) -> None:
    given = encode(as_text(kubeconfig()))
    with pytest.raises(CredentialError, match="given a kubeconfig itself") as caught:
        find_credential(PROD, replace(OPTIONS, kubeconfig=given), {})
    assert given[:20] not in str(caught.value)


@pytest.mark.timeout(20)
def test_a_kubeconfig_may_come_through_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=(with_token("pipe"),))
    writer.start()
    found = find_credential(PROD, replace(OPTIONS, kubeconfig=str(tmp_path / "pipe")), {})
    writer.join()
    assert token_of(found) == "token-of-pipe"


def test_everything_secret_of_a_variable_is_masked_in_every_encoding() -> None:
    client = issue(AUTHORITY, "deployer")
    user = {"client-certificate-data": base64_of(client.certificate_pem), "client-key-data": base64_of(client.key_pem)}
    text = as_text(kubeconfig({**user, "token": TOKEN}))
    found = find_credential(PROD, OPTIONS, {"KUBECONFIG": base64_of(text)})
    redactor = Redactor(b"key", [secret.reveal() for secret in found.secrets])
    shown = f"Bearer {TOKEN}; {base64_of(text)}; {text}; {base64_of(client.key_pem)}; {client.key_pem}"
    masked = redactor.mask_text(shown)
    assert TOKEN not in masked
    assert base64_of(client.key_pem) not in masked
    assert base64_of(text) not in masked
    assert not [line for line in client.key_pem.splitlines() if line in masked and not line.startswith("-----")]


def test_the_variables_to_forget_are_those_that_may_hold_the_credential() -> None:
    assert credential_variables(PROD) == ("KUBECONFIG",)
    assert credential_variables(PROD_BY_ENV) == ("KUBECONFIG_PROD", "KUBECONFIG")
    assert credential_variables(Cluster("x", credentials=CredentialSource(file="f"))) == ("KUBECONFIG",)
