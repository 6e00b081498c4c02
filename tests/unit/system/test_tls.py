from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

from gitops_push.core.codes import Code
from gitops_push.core.credential import ClientCertificate, Credential
from gitops_push.core.errors import CredentialError
from gitops_push.core.secret_text import SecretText
from gitops_push.system.tls import tls_context
from tests.unit.certificates import Issued, issue, make_authority

AUTHORITY = make_authority()
CLIENT = issue(AUTHORITY, "deployer")
SERVER = issue(AUTHORITY, "api", hosts=("127.0.0.1", "api.example.com"))


def certificate_of(issued: Issued) -> ClientCertificate:
    return ClientCertificate(SecretText(issued.certificate_pem), SecretText(issued.key_pem))


def credential(**changes: Any) -> Credential:
    base = Credential("https://127.0.0.1:1", "a test", ca_pem=AUTHORITY.certificate_pem)
    return replace(base, **{"client_certificate": certificate_of(CLIENT), **changes})


@contextmanager
def serving(tmp_path: Path, server: Issued = SERVER, *, newest: ssl.TLSVersion | None = None) -> Iterator[int]:
    """Run a TLS server that demands a client certificate and answers with its subject; give its port."""
    (tmp_path / "server.pem").write_text(server.certificate_pem + server.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    context.load_verify_locations(cadata=AUTHORITY.certificate_pem)
    context.verify_mode = ssl.CERT_REQUIRED
    if newest is not None:
        context.maximum_version = newest
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_answer, args=(listener, context), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)  # wakes up accept
        listener.close()
        thread.join()


def _answer(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        try:
            with context.wrap_socket(plain, server_side=True) as secure:
                secure.sendall(str(secure.getpeercert()).encode())
        except OSError:
            plain.close()


def say_hello(context: ssl.SSLContext, port: int, host: str = "127.0.0.1") -> str:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return secure.recv(4096).decode()


def open_memory_files() -> list[str]:
    links = (f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd"))  # noqa: PTH208
    return [target for link in links if os.path.islink(link) and "memfd" in (target := os.readlink(link))]  # noqa: PTH114, PTH115


def test_the_client_certificate_works_for_many_connections_after_its_memory_file_is_closed(tmp_path: Path) -> None:
    context = tls_context(credential())
    assert open_memory_files() == []
    with serving(tmp_path) as port:
        for _ in range(3):
            assert "deployer" in say_hello(context, port)


def test_only_the_given_authority_is_trusted(tmp_path: Path) -> None:
    context = tls_context(credential())
    assert len(context.get_ca_certs()) == 1
    foreign = issue(make_authority("another CA"), "api", hosts=("127.0.0.1",))
    with serving(tmp_path, foreign) as port, pytest.raises(ssl.SSLCertVerificationError):
        say_hello(context, port)


def test_the_host_name_is_checked_and_another_name_can_be_asked_for(tmp_path: Path) -> None:
    context = tls_context(credential())
    with serving(tmp_path) as port:
        with pytest.raises(ssl.SSLCertVerificationError, match=r"[Hh]ostname mismatch"):
            say_hello(context, port, "other.example.com")
        assert "deployer" in say_hello(context, port, "api.example.com")


def test_the_common_name_is_no_host_name(tmp_path: Path) -> None:
    nameless = issue(AUTHORITY, "api.example.com")
    with serving(tmp_path, nameless) as port, pytest.raises(ssl.SSLCertVerificationError):
        say_hello(tls_context(credential()), port, "api.example.com")


def test_a_server_certificate_may_itself_be_the_anchor(tmp_path: Path) -> None:
    context = tls_context(credential(ca_pem=SERVER.certificate_pem))
    with serving(tmp_path) as port:
        assert "deployer" in say_hello(context, port)


@pytest.mark.filterwarnings("ignore:.*TLSv1_1.*:DeprecationWarning")
def test_nothing_older_than_tls_1_2_is_spoken(tmp_path: Path) -> None:
    context = tls_context(credential())
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    with serving(tmp_path, newest=ssl.TLSVersion.TLSv1_2) as port:
        assert "deployer" in say_hello(context, port)
    with serving(tmp_path, newest=ssl.TLSVersion.TLSv1_1) as port, pytest.raises(OSError, match=r"SSL|reset|EOF"):
        say_hello(context, port)


def test_a_key_log_file_is_never_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    context = tls_context(credential())
    with serving(tmp_path) as port:
        say_hello(context, port)
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"ca_pem": ""}, "no certificate authority"),
        ({"ca_pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, "authority cannot be read"),
        ({"ca_pem": "no PEM"}, "authority cannot be read"),
        ({"ca_pem": "sn\u00f6"}, "authority cannot be read"),
        ({"insecure_skip_tls_verify": True}, "never done"),
        (
            {"client_certificate": ClientCertificate(SecretText(CLIENT.certificate_pem), SecretText(SERVER.key_pem))},
            "do not belong together",
        ),
        (
            {"client_certificate": ClientCertificate(SecretText(CLIENT.certificate_pem), SecretText("canary"))},
            "cannot be read",
        ),
        ({"client_certificate": ClientCertificate(SecretText("canary"), SecretText(CLIENT.key_pem))}, "cannot be read"),
        (
            {
                "client_certificate": ClientCertificate(
                    SecretText(CLIENT.certificate_pem),
                    SecretText(CLIENT.key_pem_encrypted(BestAvailableEncryption(b"canary"))),
                )
            },
            "is encrypted",
        ),
    ],
)
def test_what_cannot_be_used_is_one_clear_error_without_values(wrong: dict[str, object], reason: str) -> None:
    with pytest.raises(CredentialError, match=reason) as caught:
        tls_context(credential(**wrong))
    assert caught.value.problems[0].code is Code.CREDENTIAL_INVALID
    assert "a test" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert open_memory_files() == []


def test_without_a_client_certificate_only_the_authority_is_loaded() -> None:
    assert len(tls_context(credential(client_certificate=None)).get_ca_certs()) == 1


# Runs in a process of its own, in which the kernel refuses memfd_create.
FALLBACK = """
import os, sys, tempfile
folder, certificate, key, authority = sys.argv[1:]
seen = []
def watch(event, arguments):
    if event == "open" and str(arguments[0]).endswith("/credential"):
        seen.append(str(arguments[0]))
def refuse(*_):
    raise PermissionError(1, "no memfd here")
sys.addaudithook(watch)
os.memfd_create = refuse
from gitops_push.core.credential import ClientCertificate, Credential
from gitops_push.core.secret_text import SecretText
from gitops_push.system import tls
made = tls.tls_context(Credential("https://x", "t", ca_pem=authority, client_certificate=ClientCertificate(
    SecretText(certificate), SecretText(key))))
assert len(seen) == 1, seen
assert not os.path.exists(seen[0]) and not os.path.exists(os.path.dirname(seen[0])), seen
print("loaded")
"""


def test_without_memory_files_a_short_lived_file_is_used_and_gone(tmp_path: Path) -> None:
    arguments = [str(tmp_path), CLIENT.certificate_pem, CLIENT.key_pem, AUTHORITY.certificate_pem]
    done = subprocess.run([sys.executable, "-c", FALLBACK, *arguments], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("loaded\n", 0), done.stderr
