from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.codes import Code
from gitops_push.core.credential import Credential
from gitops_push.core.errors import CredentialError
from gitops_push.credentials.certificate_dates import expires_at
from gitops_push.credentials.cluster_entry import normal_server
from gitops_push.credentials.exec_plugin import PluginRules
from gitops_push.credentials.kubeconfig import credential_of, merge_kubeconfigs, read_kubeconfig
from gitops_push.credentials.kubeconfig_entry import KubeconfigText
from gitops_push.system.tls import tls_context
from tests.unit.certificates import issue, make_authority
from tests.unit.credentials.kubeconfigs import AUTHORITY, CLIENT, SERVER, TOKEN, as_text, base64_of, kubeconfig

NOW = datetime.now(UTC)
RULES = PluginRules(now=lambda: NOW)
CERTIFICATE_USER = {
    "client-certificate-data": base64_of(CLIENT.certificate_pem),
    "client-key-data": base64_of(CLIENT.key_pem),
}


def read(config: object, context: str = "", **source: Any) -> Credential:
    text = config if isinstance(config, str) else as_text(config)
    return credential_of(read_kubeconfig(KubeconfigText(text.encode(), "the variable KC", **source)), context, RULES)


def problem_of(config: object, context: str = "", **source: Any) -> str:
    """Return the message of the one error, after a check that it names the place and holds no value."""
    with pytest.raises(CredentialError) as caught:
        read(config, context, **source)
    message = str(caught.value)
    assert "the variable KC" in message
    assert "canary" not in message
    assert not [line for line in CLIENT.key_pem.splitlines() if line in message]
    return message


def test_a_token_and_all_that_belongs_to_it_are_read() -> None:
    found = read(kubeconfig())
    assert (found.server, found.context, found.namespace) == (SERVER, "main", "shop")
    assert found.found_in == "the variable KC"
    assert found.ca_pem == AUTHORITY.certificate_pem
    assert found.token is not None
    assert found.token(False).reveal() == TOKEN
    assert [secret.reveal() for secret in found.secrets] == [TOKEN]
    assert found.client_certificate is None


def test_a_client_certificate_is_read_and_makes_a_tls_context() -> None:
    found = read(kubeconfig(CERTIFICATE_USER))
    assert found.client_certificate is not None
    assert found.client_certificate.certificate_pem.reveal() == CLIENT.certificate_pem
    assert [secret.reveal() for secret in found.secrets] == [CLIENT.key_pem]
    assert len(tls_context(found).get_ca_certs()) == 1


def test_no_repr_of_a_credential_or_a_kubeconfig_shows_a_secret() -> None:
    text = KubeconfigText(as_text(kubeconfig({**CERTIFICATE_USER, "token": TOKEN})).encode(), "here")
    config = read_kubeconfig(text)
    shown = repr((text, config, credential_of(config, "", RULES)))
    assert "canary" not in shown
    assert "PRIVATE" not in shown


def test_yaml_as_kubectl_writes_it_is_read() -> None:
    text = f"""\
apiVersion: v1
kind: Config
preferences: {{}}
current-context: main
clusters:
- name: prod
  cluster:
    server: {SERVER}/
    tls-server-name: api.example.com
    insecure-skip-tls-verify: false
    certificate-authority-data: |
      {base64_of(AUTHORITY.certificate_pem)[:64]}
      {base64_of(AUTHORITY.certificate_pem)[64:]}
users:
- name: me
  user:
    exec: null
    token: |
      {TOKEN}
contexts:
- context: {{cluster: prod, user: me}}
  name: main
""".replace("\n", "\r\n")
    found = read(text)
    assert (found.server, found.tls_server_name) == (SERVER, "api.example.com")
    assert found.token is not None
    assert found.token(True).reveal() == TOKEN


def test_impersonation_is_honoured() -> None:
    found = read(kubeconfig({"token": TOKEN, "as": "system:serviceaccount:shop:deployer", "as-groups": ["a", "b c"]}))
    assert found.impersonate_user == "system:serviceaccount:shop:deployer"
    assert found.impersonate_groups == ("a", "b c")


@pytest.mark.parametrize(
    ("user", "field"),
    [
        ({"auth-provider": {"name": "gcp", "config": {"cmd-path": "canary"}}}, "auth-provider"),
        ({"tokenFile": "/etc/canary"}, "tokenFile"),
        ({"username": "canary", "password": "canary"}, "username is not supported; .*password is not supported"),
        ({"token": TOKEN, "as-uid": "1"}, "as-uid"),
        ({"token": TOKEN, "as": "a", "as-user-extra": {"a": ["b"]}}, "as-user-extra"),
    ],
)
def test_a_way_to_log_in_that_is_not_supported_is_refused_by_name(user: dict[str, Any], field: str) -> None:
    with pytest.raises(CredentialError, match=f"user 'deployer': {field}") as caught:
        read(kubeconfig(user))
    assert {problem.code for problem in caught.value.problems} == {Code.CREDENTIAL_FEATURE_REFUSED}
    assert all(problem.hint for problem in caught.value.problems)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("cluster", "field"),
    [
        ({"insecure-skip-tls-verify": True}, "insecure-skip-tls-verify"),
        ({"proxy-url": "http://canary"}, "proxy-url"),
        ({"server": "http://10.0.0.1"}, "server: http://"),
        ({"server": "HTTP://127.0.0.1:8080"}, "server: http://"),
    ],
)
def test_a_weaker_connection_is_refused_by_name(cluster: dict[str, Any], field: str) -> None:
    with pytest.raises(CredentialError, match=f"cluster 'prod': {field} is not supported") as caught:
        read(kubeconfig(cluster=cluster))
    assert caught.value.problems[0].code is Code.CREDENTIAL_FEATURE_REFUSED


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ({}, "neither a token nor a client certificate"),
        ({"token": ""}, "neither a token nor a client certificate"),
        ({"token": 1234567890}, "token must be text"),
        ({"token": ["canary"]}, "token must be text"),
        ({"token": "canary canary"}, "token holds a space"),
        ({"token": "canary\r\nX-Evil: 1"}, "token holds a space, a line end"),
        ({"token": "canary\n\n"}, "token holds a space, a line end"),
        ({"token": "canaryü"}, "character beyond ASCII"),
        ({"tokn": "canary"}, "unknown field 'tokn' \\(did you mean 'token'\\?\\)"),
        ({"client-certificate-data": base64_of(CLIENT.certificate_pem)}, "client-key-data is missing"),
        ({"client-key-data": base64_of(CLIENT.key_pem)}, "client-certificate-data is missing"),
        ({**CERTIFICATE_USER, "client-key-data": CLIENT.key_pem}, "client-key-data holds PEM text"),
        ({**CERTIFICATE_USER, "client-key-data": "canary%%"}, "client-key-data is not base64"),
        ({**CERTIFICATE_USER, "client-key-data": base64_of("canary")}, "client-key holds no PEM private key"),
        ({**CERTIFICATE_USER, "client-key-data": base64_of("\0canary")}, "client-key-data is not PEM text"),
        (
            {**CERTIFICATE_USER, "client-key-data": base64_of(CLIENT.key_pem_encrypted(BestAvailableEncryption(b"x")))},
            "client-key is encrypted",
        ),
        (
            {
                **CERTIFICATE_USER,
                "client-key-data": base64_of(CLIENT.key_pem.replace("Y-----\n", "Y-----\nProc-Type: 4,ENCRYPTED\n", 1)),
            },
            "client-key is encrypted",
        ),
        ({**CERTIFICATE_USER, "client-certificate-data": base64_of("canary")}, "client-certificate holds no PEM cert"),
        ({"token": TOKEN, "as-groups": ["a"]}, "as-groups needs as"),
        ({"token": TOKEN, "as": "canary\nX-Evil: 1"}, "plain ASCII names"),
        ({"token": TOKEN, "as": "a", "as-groups": "canary"}, "as-groups must be a list"),
        ({"token": TOKEN, "as": "a", "as-groups": ["a", ""]}, "plain ASCII names"),
    ],
)
def test_a_user_that_cannot_be_right_is_one_clear_error(user: dict[str, Any], message: str) -> None:
    problem_of(kubeconfig(user))
    with pytest.raises(CredentialError, match=message):
        read(kubeconfig(user))


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ({"insecure-skip-tls-verify": "false"}, "must be true or false, without quotes"),
        ({"disable-compression": "no"}, "must be true or false, without quotes"),
        ({"server": ""}, "it has no server"),
        ({"server": 6443}, "server must be text"),
        ({"server": "10.0.0.1:6443"}, "server must be a URL"),
        ({"server": "https://canary:canary@10.0.0.1"}, "server must be a URL"),
        ({"server": "https://10.0.0.1/?canary"}, "server must be a URL"),
        ({"server": "https://10.0.0.1#canary"}, "server must be a URL"),
        ({"server": "https://10.0.0.1:port"}, "server must be a URL"),
        ({"server": "https://"}, "server must be a URL"),
        ({"server": "https://a b"}, "server must be a URL"),
        ({"server": "ftp://canary"}, "server must be a URL"),
        ({"server": "https://[::1"}, "server must be a URL"),
        ({"tls-server-name": "a\r\nb"}, "tls-server-name must be a host name"),
        ({"certificate-authority-data": None}, "no certificate-authority-data"),
        ({"certificate-authority-data": base64_of("canary")}, "certificate-authority holds no PEM certificate"),
        ({"certificate-authority-data": "canary!"}, "certificate-authority-data is not base64"),
        ({"insecure-skip-tls": True}, "unknown field 'insecure-skip-tls' \\(did you mean 'insecure-skip-tls-verify'"),
    ],
)
def test_a_cluster_that_cannot_be_right_is_one_clear_error(cluster: dict[str, Any], message: str) -> None:
    with pytest.raises(CredentialError, match=f"cluster 'prod': .*{message}"):
        read(kubeconfig(cluster=cluster))
    problem_of(kubeconfig(cluster=cluster))


def test_without_an_authority_the_system_s_are_used_only_when_asked_for() -> None:
    config = read_kubeconfig(
        KubeconfigText(as_text(kubeconfig(cluster={"certificate-authority-data": ""})).encode(), "here")
    )
    assert credential_of(config, "", RULES, system_ca=True).ca_pem == ""


@pytest.mark.parametrize(
    ("changes", "context", "message"),
    [
        ({"current-context": None}, "", "no current-context"),
        ({"current-context": "mian"}, "", "no context 'mian' \\(did you mean 'main'"),
        ({}, "prod", "no context 'prod'"),
        ({"contexts": []}, "", "no context 'main'"),
        ({"contexts": [{"name": "main", "context": {"user": "deployer"}}]}, "", "names no cluster"),
        ({"contexts": [{"name": "main", "context": {"cluster": "prod"}}]}, "", "names no user"),
        ({"contexts": [{"name": "main", "context": {"cluster": "x", "user": "deployer"}}]}, "", "no cluster 'x'"),
        ({"contexts": [{"name": "main", "context": {"cluster": "prod", "user": "x"}}]}, "", "no user 'x'"),
        ({"contexts": [{"name": "main", "context": {"usr": "x"}}]}, "", "unknown field 'usr'"),
        ({"users": [{"name": "a"}, {"name": "a"}]}, "", "user 'a' is there twice"),
        ({"users": [{"user": {"token": "canary"}}]}, "", "users\\[0\\] must have a name"),
        ({"users": [{"name": "a", "user": "canary"}]}, "", "users\\[0\\] must have a name and a user"),
        ({"users": ["canary"]}, "", "users\\[0\\]"),
        ({"users": "canary"}, "", "users must be a list"),
        ({"clusters": {"canary": 1}}, "", "clusters must be a list"),
        ({"current-context": 1}, "", "current-context must be text"),
        ({"kind": "Secret"}, "", "kind must be Config"),
        ({"apiVersion": "v2"}, "", "its apiVersion v1"),
    ],
)
def test_a_kubeconfig_that_does_not_fit_together_is_one_clear_error(
    changes: dict[str, Any], context: str, message: str
) -> None:
    problem_of(kubeconfig(**changes), context)
    with pytest.raises(CredentialError, match=message):
        read(kubeconfig(**changes), context)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "canary",
        "- canary",
        "a: b",
        "token: canary\ntoken: canary\n",
        "users: [canary",
        "users: !!python/object/apply:os.system [canary]",
        "users: &canary *canary",
        "a: canary\n---\nb: canary\n",
        "users: \t- canary",
        "\0canary",
        "[" * 50_000,
        "a: &a [x,x]\nb: &b [*a,*a]\n" + "".join(f"c{i}: &c{i} [*b,*b]\n" for i in range(100)),
    ],
    ids=lambda text: repr(text[:30]),
)
def test_a_text_that_is_no_kubeconfig_is_told_without_being_quoted(text: str) -> None:
    assert "no kubeconfig" in problem_of(text)


def test_the_place_of_a_yaml_error_is_told() -> None:
    assert "(line 3, column 1)" in problem_of("kind: Config\nusers: [canary\n")


def test_an_expired_client_certificate_is_told_with_its_date() -> None:
    expired = issue(AUTHORITY, "old", expires=datetime(2024, 2, 29, 12, 30, tzinfo=UTC))
    user = {
        "client-certificate-data": base64_of(expired.certificate_pem),
        "client-key-data": base64_of(expired.key_pem),
    }
    assert "expired on 2024-02-29 12:30 UTC" in problem_of(kubeconfig(user))


@pytest.mark.parametrize("year", [1999, 2030, 2049, 2050, 2199])
def test_the_date_of_a_certificate_is_read_in_both_notations(year: int) -> None:
    when = datetime(year, 12, 31, 23, 59, 58, tzinfo=UTC)
    assert expires_at(issue(AUTHORITY, "x", expires=when).certificate_pem) == when


def as_pem(data: bytes) -> str:
    body = base64_of(data.decode("latin-1"))
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"


@given(st.text(max_size=200) | st.binary(max_size=100).map(as_pem))
def test_the_date_of_something_else_is_not_known(text: str) -> None:
    found = expires_at(text)
    assert found is None or found.tzinfo is UTC


def write_certificates(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ca.crt").write_text("a comment\n" + AUTHORITY.certificate_pem)
    (folder / "client.crt").write_text(CLIENT.certificate_pem)
    (folder / "client.key").write_text(CLIENT.key_pem)


def naming(folder: str) -> dict[str, Any]:
    user = {"client-certificate": f"{folder}client.crt", "client-key": f"{folder}client.key"}
    return kubeconfig(user, {"certificate-authority-data": None, "certificate-authority": f"{folder}ca.crt"})


@pytest.mark.parametrize("folder", ["", "certs/", "./certs/../", "{absolute}/"])
def test_certificate_files_in_the_folder_of_the_kubeconfig_are_read(tmp_path: Path, folder: str) -> None:
    write_certificates(tmp_path)
    write_certificates(tmp_path / "certs")
    config = naming(folder.format(absolute=tmp_path))
    found = read(config, file=tmp_path / "config")
    assert found.ca_pem == AUTHORITY.certificate_pem
    assert found.client_certificate is not None
    assert found.client_certificate.key_pem.reveal() == CLIENT.key_pem


def test_certificate_files_elsewhere_are_read_for_a_developer_s_own_kubeconfig_only(tmp_path: Path) -> None:
    write_certificates(tmp_path / "minikube")
    own = tmp_path / "home" / "config"
    assert read(naming(f"{tmp_path}/minikube/"), file=own, any_file=True).ca_pem == AUTHORITY.certificate_pem
    assert read(naming("../minikube/"), file=own, any_file=True).ca_pem == AUTHORITY.certificate_pem
    assert "outside of the kubeconfig's folder" in problem_of(naming(f"{tmp_path}/minikube/"), file=own)
    assert "outside of the kubeconfig's folder" in problem_of(naming("../minikube/"), file=own)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    write_certificates(tmp_path / "elsewhere")
    (tmp_path / "kube").mkdir()
    (tmp_path / "kube" / "certs").symlink_to("../elsewhere")
    assert "cannot be read" in problem_of(naming("certs/"), file=tmp_path / "kube" / "config")


def test_a_kubeconfig_in_a_variable_may_name_no_file() -> None:
    assert "certificate-authority names a file" in problem_of(naming("/etc/"))


@pytest.mark.parametrize("name", ["nope", ".", "/dev/zero", "/proc/self/environ"])
def test_a_certificate_file_that_is_none_is_told(tmp_path: Path, name: str) -> None:
    config = kubeconfig(cluster={"certificate-authority-data": None, "certificate-authority": name})
    assert "certificate-authority" in problem_of(config, file=tmp_path / "config")
    assert "certificate-authority" in problem_of(config, file=tmp_path / "config", any_file=True)


def test_embedded_data_goes_before_a_file() -> None:
    assert read(kubeconfig(cluster={"certificate-authority": "/nope"})).ca_pem == AUTHORITY.certificate_pem


def test_several_kubeconfigs_are_merged_and_the_first_to_name_something_wins() -> None:
    other = make_authority("another")
    first = {**kubeconfig(contexts=[], clusters=[]), "current-context": ""}
    second = kubeconfig({"token": "second-token"}, {"certificate-authority-data": base64_of(other.certificate_pem)})
    texts = [KubeconfigText(as_text(config).encode(), f"file {i}") for i, config in enumerate((first, second))]
    found = credential_of(merge_kubeconfigs([read_kubeconfig(text) for text in texts]), "", RULES)
    assert found.token is not None
    assert found.token(False).reveal() == TOKEN
    assert found.ca_pem == other.certificate_pem
    assert found.found_in == "file 0, file 1"


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://API.Example.com/", "https://api.example.com:443"),
        ("https://api.example.com:443", "https://api.example.com:443"),
        ("HTTPS://10.0.0.1:6443", "https://10.0.0.1:6443"),
        ("https://[2001:DB8::1]:6443/", "https://[2001:db8::1]:6443"),
        ("https://rancher/k8s/clusters/c-1/", "https://rancher:443/k8s/clusters/c-1"),
        ("http://10.0.0.1", None),
        ("https://user@10.0.0.1", None),
        ("", None),
    ],
)
def test_servers_are_compared_in_one_spelling(url: str, normal: str | None) -> None:
    assert normal_server(url) == normal


FIELDS = (
    *(
        "server",
        "tls-server-name",
        "insecure-skip-tls-verify",
        "certificate-authority",
        "proxy-url",
        "token",
        "tokenFile",
    ),
    *("certificate-authority-data", "client-certificate-data", "client-key-data", "client-key", "client-certificate"),
    *("exec", "auth-provider", "as", "as-groups", "username", "password", "extensions", "namespace", "cluster", "user"),
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from([SERVER, TOKEN, "main", "prod", base64_of(CLIENT.key_pem), base64_of(CLIENT.certificate_pem)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=8,
)
entries = st.dictionaries(st.sampled_from(FIELDS), values, max_size=5)


@given(
    entries, entries, st.dictionaries(st.sampled_from(["kind", "users", "clusters", "contexts"]), values, max_size=1)
)
def test_any_kubeconfig_gives_a_credential_or_a_clean_error(
    user: dict[str, Any], cluster: dict[str, Any], changes: dict[str, Any]
) -> None:
    try:
        found = read(json.dumps(kubeconfig(user, cluster, **changes)))
        tls_context(found)
    except CredentialError as error:
        assert error.problems  # noqa: PT017
        assert TOKEN not in str(error)  # noqa: PT017
    else:
        assert found.server.startswith("https://")


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_give_a_clean_error(content: bytes) -> None:
    with pytest.raises(CredentialError):
        credential_of(read_kubeconfig(KubeconfigText(content, "here")), "", RULES)
