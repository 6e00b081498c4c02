"""No secret value in anything that the program prints: every command and format, and the server's own words."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from gitops_push.documents.reader import read_one
from gitops_push.documents.scalars import Dialect
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.program import Finished, Program, config_map, deployment

IN_DATA = "Tr0ub4dor&3-in-data"
IN_STRING_DATA = "c0rrect-h0rse/battery+staple"
OF_MANY_LINES = "first-line-of-a-key\nsecond-line-of-a-key-0123456789\n"
APPLIED_BEFORE = "0ld-passw0rd-by-kubectl"
EDITED_LIVE = "ed1ted-by-a-colleague"
SECRETS = (IN_DATA, IN_STRING_DATA, OF_MANY_LINES, APPLIED_BEFORE, EDITED_LIVE)
FORMATS = ("text", "json", "yaml", "name")


def encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


WEB = deployment("web").replace(
    "          image:", f"          env: [{{name: TOKEN, value: {IN_STRING_DATA}}}]\n          image:"
)
SET = f"""\
apiVersion: v1
kind: Secret
metadata: {{name: passwords}}
data: {{password: {encoded(IN_DATA)}}}
stringData:
  token: {IN_STRING_DATA}
  key: {json.dumps(OF_MANY_LINES)}
---
{config_map("repeats", f"postgres://user:{IN_DATA}@db and {encoded(IN_STRING_DATA)}")}---
{WEB}"""

SECRET_OF_KUBECTL = f"""\
apiVersion: v1
kind: Secret
metadata: {{name: passwords}}
stringData: {{password: {APPLIED_BEFORE}}}
"""


def forms() -> Iterator[str]:
    for value in SECRETS:
        yield from (value, encoded(value), value.encode().hex(), json.dumps(value)[1:-1])
    yield from OF_MANY_LINES.split()


def assert_no_secret(done: Finished) -> None:
    for form in forms():
        assert form not in done.out, f"{form!r} is in:\n{done.out}"
        assert form not in done.err, f"{form!r} is in:\n{done.err}"


def assert_parses(name: str, done: Finished) -> None:
    if name == "json":
        assert done.json["schemaVersion"] == 1
    if name == "yaml":
        document = read_one(done.out.encode(), "out", Dialect.KUBECTL).value
        assert isinstance(document, dict)
        assert document["schemaVersion"] == 1


@pytest.fixture
def with_secrets(program: Program, kubectl: Kubectl, namespace: str) -> Program:
    """The set, in a cluster where kubectl applied one of its Secrets before, in a CI job."""
    kubectl("apply", "-n", namespace, "-f", "-", stdin=SECRET_OF_KUBECTL)
    program.write("app/set.yaml", SET)
    program.commit()
    return program.having(CI="true", GITHUB_ACTIONS="true")


def in_all_formats(program: Program, *arguments: str) -> Iterator[tuple[str, str]]:
    """Run once, check what went to the screen, and yield (format, report)."""
    files = [("-o", f"{name}={name}.out") for name in FORMATS[1:]]
    done = program(*arguments, "--verbose", "-o", "text", *(word for pair in files for word in pair))
    assert done.code == 0, done
    assert_no_secret(done)
    yield "text", done.out
    for name in FORMATS[1:]:
        text = (program.folder / f"{name}.out").read_text()
        assert_no_secret(Finished(0, text, ""))
        assert_parses(name, Finished(0, text, ""))
        yield name, text


def test_no_command_prints_a_secret_value_in_any_format(
    with_secrets: Program, kubectl: Kubectl, namespace: str
) -> None:
    for command in (("diff", "test"), ("drift", "test"), ("apply", "test", "--yes")):
        assert len(list(in_all_formats(with_secrets, *command))) == len(FORMATS)
    edit_by_hand(kubectl, namespace)
    for command in (("diff", "test"), ("drift", "test"), ("status", "test"), ("apply", "test", "--yes")):
        for name, text in in_all_formats(with_secrets, *command):
            if command[0] in {"diff", "drift"} and name != "name":
                assert "data.password" in text, text
                assert "data.key" in text, text
    assert_no_secret(with_secrets("validate", "test", "--verbose"))


def edit_by_hand(kubectl: Kubectl, namespace: str) -> None:
    """A colleague puts another password into the Secret, and writes it down in a ConfigMap too."""
    secret = json.dumps({"stringData": {"password": EDITED_LIVE}})
    kubectl("patch", "secret", "passwords", "-n", namespace, "--type=merge", "-p", secret)
    note = json.dumps({"data": {"key": f"now {EDITED_LIVE}, was {IN_DATA}"}})
    kubectl("patch", "configmap", "repeats", "-n", namespace, "--type=merge", "-p", note)


def test_equal_secrets_have_equal_tags_and_the_text_says_that_one_changed(
    with_secrets: Program, kubectl: Kubectl, namespace: str
) -> None:
    assert with_secrets("apply", "test", "--yes").code == 0
    edit_by_hand(kubectl, namespace)
    drifted = {item["name"]: item for item in with_secrets("drift", "test", "-o", "json").json["drifted"]}
    (password,) = (f for f in drifted["passwords"]["fields"] if f["path"] == "data.password")
    assert password["before"]["masked"] != password["after"]["masked"]
    (note,) = drifted["repeats"]["fields"]
    assert password["before"]["masked"] in note["before"]
    assert password["after"]["masked"] in note["before"]


def test_build_in_ci_prints_no_set_with_secrets_unless_asked(with_secrets: Program) -> None:
    for flags in ((), ("-o", "json"), ("--origins",)):
        done = with_secrets("build", "test", *flags)
        assert done.code == 2, done
        assert "--show-secrets" in done.err
        assert_no_secret(done)
    assert with_secrets("build", "test", "-o", "name").code == 0
    to_file = with_secrets("build", "test", "-o", "yaml=out.yaml")
    assert to_file.code == 0
    assert_no_secret(to_file)
    assert encoded(IN_DATA) in (with_secrets.folder / "out.yaml").read_text()
    assert encoded(IN_DATA) in with_secrets("build", "test", "--show-secrets").out


SECRET = f"kind: Secret\napiVersion: v1\nmetadata: {{name: bad}}\nstringData: {{password: {json.dumps(IN_DATA)}}}\n"
REFUSED: dict[str, str] = {
    "registry credentials that are none": SECRET.replace("password:", ".dockerconfigjson:")
    + "type: kubernetes.io/dockerconfigjson\n",
    "a TLS secret without its parts": SECRET + "type: kubernetes.io/tls\n",
    "an unknown field that holds it": SECRET + f"stringDate: {{password: {json.dumps(IN_DATA)}}}\n",
    "a label that repeats it": SECRET.replace("name: bad", f"name: bad, labels: {{password: {json.dumps(IN_DATA)}}}"),
    "a key that repeats it": SECRET + f"---\n{config_map('notes').replace('key:', f'{json.dumps(IN_DATA)}:')}",
    "a value that is a number": SECRET.replace(json.dumps(IN_DATA), "8315092843"),
    "base64 that is none": SECRET.replace("stringData:", "data:"),
    "an environment variable that repeats it": f"{SECRET}---\n{WEB}".replace(
        f"name: TOKEN, value: {IN_STRING_DATA}", f"name: '{IN_DATA}', value: 1"
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_said_about_a_set_that_is_refused_is_masked(program: Program, case: str) -> None:
    program.write("app/bad.yaml", REFUSED[case])
    for name, arguments in (("text", ("diff", "test")), ("json", ("apply", "test", "--yes"))):
        done = program(*arguments, "-o", name, "--verbose")
        assert done.code in {12, 14}, done
        assert "app/bad.yaml" in done.err
        assert_no_secret(done)
        assert "8315092843" not in done.out + done.err
        assert_parses(name, done)


def test_the_credential_is_never_printed(program: Program, own_control_plane: ControlPlane, namespace: str) -> None:
    kubeconfig = own_control_plane.service_account_kubeconfig(namespace, "default")
    (token,) = (line.partition("token:")[2].strip(' "') for line in kubeconfig.splitlines() if "token:" in line)
    done = program.having(KUBECONFIG_TEST=kubeconfig)("diff", "test", "--verbose")
    assert done.code in {13, 14}, done
    assert token not in done.out + done.err
