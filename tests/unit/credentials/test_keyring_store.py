"""The keyring store on a backend that behaves like the worst of the real ones: small entries, and failures."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keyring.errors import KeyringError, PasswordDeleteError

from gitops_push.core.codes import Code
from gitops_push.core.errors import CredentialError
from gitops_push.credentials.keyring_store import KeyringStore, open_store

LARGEST = 1_280
"""Characters that the Windows Credential Locker takes for an entry."""


class SmallBackend:
    """Keeps entries of at most `LARGEST` characters; fails at a chosen call."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.calls = 0
        self.fails_at = -1

    def _call(self) -> None:
        self.calls += 1
        if self.calls == self.fails_at:
            raise KeyringError("canary: locked")

    def get_password(self, service: str, username: str) -> str | None:
        self._call()
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._call()
        if len(password) > LARGEST:
            raise KeyringError("canary: the stub received bad data")
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._call()
        if (service, username) not in self.entries:
            raise PasswordDeleteError("not there")
        del self.entries[service, username]


@pytest.fixture
def backend() -> SmallBackend:
    return SmallBackend()


@pytest.fixture
def store(backend: SmallBackend) -> KeyringStore:
    return KeyringStore(backend)


@given(st.lists(st.binary(max_size=9_000), min_size=1, max_size=3))
@settings(max_examples=50, deadline=None)
def test_what_was_stored_last_comes_back_however_large(contents: list[bytes]) -> None:
    backend = SmallBackend()
    store = KeyringStore(backend)
    for content in contents:
        store.write("prod", content)
        assert store.read("prod") == content
    assert store.names() == ("prod",)
    pieces = [username for _, username in backend.entries if username.startswith("kubeconfig prod ")]
    assert len(pieces) <= len(contents[-1]) // 700 + 1, "pieces of earlier ones are left"
    assert store.remove("prod")
    assert [username for _, username in backend.entries if "prod" in username] == []


def test_a_failure_at_any_call_leaves_the_old_one_or_the_new_one_whole() -> None:
    old, new = os.urandom(3_000), os.urandom(5_000)
    whole = SmallBackend()
    KeyringStore(whole).write("prod", old)
    before = whole.calls
    KeyringStore(whole).write("prod", new)
    calls = whole.calls - before
    assert calls > 15
    for failing in range(1, calls + 1):
        backend = SmallBackend()
        store = KeyringStore(backend)
        store.write("prod", old)
        backend.fails_at = backend.calls + failing
        with pytest.raises(CredentialError, match="the keyring does not work") as caught:
            store.write("prod", new)
        assert "canary" not in str(caught.value)
        assert store.read("prod") in (old, new)
        store.write("prod", new)
        assert store.read("prod") == new


def test_several_kubeconfigs_are_kept_apart(store: KeyringStore) -> None:
    store.write("prod", b"one")
    store.write("prod-eu", b"two")
    assert (store.read("prod"), store.read("prod-eu"), store.read("dev")) == (b"one", b"two", None)
    assert store.names() == ("prod", "prod-eu")
    assert not store.remove("dev")
    assert store.remove("prod")
    assert (store.read("prod"), store.read("prod-eu")) == (None, b"two")


def test_a_piece_that_is_missing_or_changed_is_noticed(store: KeyringStore, backend: SmallBackend) -> None:
    store.write("prod", os.urandom(4_000))
    piece = next(key for key in backend.entries if key[1].endswith(" 1"))
    backend.entries[piece] = backend.entries[piece][::-1]
    with pytest.raises(CredentialError, match="damaged"):
        store.read("prod")
    del backend.entries[piece]
    with pytest.raises(CredentialError, match="damaged"):
        store.read("prod")


def test_a_keyring_that_cuts_what_it_keeps_is_noticed_before_it_is_trusted(
    store: KeyringStore, backend: SmallBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("prod", b"old")
    whole = backend.set_password
    monkeypatch.setattr(backend, "set_password", lambda service, name, text: whole(service, name, text[:100]))
    with pytest.raises(CredentialError, match="does not give back"):
        store.write("prod", os.urandom(3_000))
    monkeypatch.undo()
    assert store.read("prod") == b"old"


def test_no_keyring_is_used_in_ci() -> None:
    with pytest.raises(CredentialError, match="never used in CI") as caught:
        open_store(in_ci=True)
    assert caught.value.problems[0].code is Code.KEYRING_UNUSABLE


def test_neither_variables_nor_files_choose_the_backend(tmp_path: object) -> None:
    """A class that the library would load for the variable is not even imported."""
    code = """
import sys
from gitops_push.credentials.keyring_store import open_store
from gitops_push.core.errors import CredentialError
try:
    print("backend", type(open_store(in_ci=False)._backend).__name__)
except CredentialError as error:
    print("none", error)
print("evil" in sys.modules)
"""
    folder = str(tmp_path)
    with open(f"{folder}/evil.py", "w") as file:  # noqa: PTH123
        file.write("class Keyring: priority = 99\\n")
    environ = {**os.environ, "PYTHON_KEYRING_BACKEND": "evil.Keyring", "PYTHONPATH": f"{folder}:{':'.join(sys.path)}"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False", done.stdout
