from __future__ import annotations

import base64
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.errors import CredentialError
from gitops_push.credentials.variable import HeldPath, HeldText, read_variable
from tests.unit.credentials.kubeconfigs import as_text, kubeconfig

TEXT = as_text(kubeconfig())
ENCODED = base64.b64encode(TEXT.encode()).decode()
WRAPPED = base64.encodebytes(TEXT.encode()).decode()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(TEXT, id="plain"),
        pytest.param(f"\n  {TEXT}\n\n", id="plain with white space around it"),
        pytest.param(f"\ufeff{TEXT}", id="plain with a byte order mark"),
        pytest.param(ENCODED, id="base64"),
        pytest.param(f"{ENCODED}\n", id="base64 with a line end"),
        pytest.param(WRAPPED, id="base64 in lines"),
        pytest.param(WRAPPED.replace("\n", "\r\n"), id="base64 in Windows lines"),
        pytest.param(WRAPPED.replace("\n", " "), id="base64 with its line ends turned into spaces"),
        pytest.param(ENCODED.rstrip("="), id="base64 without padding"),
        pytest.param(base64.urlsafe_b64encode(TEXT.encode()).decode(), id="base64url"),
    ],
)
def test_a_kubeconfig_is_found_however_it_was_stored(value: str) -> None:
    assert read_variable("KC", value) == HeldText(TEXT.encode())


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.text(st.characters(codec="utf-8")))
def test_every_text_with_a_colon_comes_back_from_its_base64(before: str, after: str) -> None:
    content = f"a{before}:{after}".encode()
    assert read_variable("KC", base64.b64encode(content).decode()) == HeldText(content)


@pytest.mark.parametrize(
    "path",
    [
        "/home/runner/work/_temp/kubeconfig",
        "/abc",
        "kubeconfig.yaml",
        "./kube/config",
        "kubeconfig",
        "/a/one:/b/two",
        "C:\\kube\\config",
    ],
)
def test_a_path_is_told_from_base64(path: str) -> None:
    assert read_variable("KC", path) == HeldPath(path)


def test_yaml_in_one_line_is_no_path() -> None:
    assert read_variable("KC", "{clusters: []}") == HeldText(b"{clusters: []}")
    assert read_variable("KC", "clusters: []") == HeldText(b"clusters: []")


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        ("", "is set but empty", "pull requests from forks"),
        (" \r\n", "is set but empty", "pull requests from forks"),
        ("$(KUBECONFIG_PROD)", "did not replace", "secret's name"),
        ("${{ secrets.canary }}", "did not replace", "secret's name"),
        (base64.b64encode(gzip.compress(TEXT.encode())).decode(), "compressed", "base64 -w0"),
        (base64.b64encode(TEXT.encode("utf-16")).decode(), "UTF-16", "PowerShell"),
        (base64.b64encode(TEXT.encode("utf-16-le")).decode(), "UTF-16", "PowerShell"),
        (base64.b64encode(ENCODED.encode()).decode(), "encoded twice", "once"),
        (base64.b64encode(WRAPPED.encode()).decode(), "encoded twice", "once"),
    ],
)
def test_each_usual_mistake_has_its_own_message_and_hint(value: str, message: str, hint: str) -> None:
    with pytest.raises(CredentialError, match=f"the variable KC .*{message}") as caught:
        read_variable("the variable KC", value)
    assert hint in (caught.value.problems[0].hint or "")
    assert not value.strip() or value not in str(caught.value)


@given(st.text() | st.binary().map(lambda data: base64.b64encode(data).decode()))
def test_any_value_is_a_text_a_path_or_a_clean_error(value: str) -> None:
    try:
        held = read_variable("KC", value)
    except CredentialError as error:
        assert len(value) < 12 or value not in str(error)  # noqa: PT017
    else:
        assert isinstance(held, HeldText | HeldPath)
