"""Makes the TLS context for an API server from a credential, without a byte of it on disk.

OpenSSL takes a client certificate and key only from a file. It gets a sealed memfd through `/proc/self/fd/N`, closed
before the first connection; OpenSSL keeps its own copy in memory. Where there is no memfd, a file that only we can
read, in a folder that only we can enter, is unlinked at once, with signals held back so that none can leave it behind.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

from gitops_push.core.codes import Code
from gitops_push.core.credential import ClientCertificate, Credential
from gitops_push.core.errors import CredentialError, Problem

_MFD_NOEXEC_SEAL: Final = 0x0008  # Linux 6.3; demanded where vm.memfd_noexec=2
_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 - memory, not disk


class _EncryptedKeyError(Exception):
    pass


def tls_context(credential: Credential) -> ssl.SSLContext:
    """Return a client context: TLS 1.2 or newer, host name checked, only the credential's CA trusted.

    SSLKEYLOGFILE is not honoured. Raises `CredentialError` for a CA, certificate or key that OpenSSL does not take.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # as Go: whatever is in the CA bundle is an anchor
    context.set_alpn_protocols(["http/1.1"])
    if credential.insecure_skip_tls_verify:
        raise _invalid(credential, "it asks to skip the check of the server's certificate, which is never done")
    _load_authorities(context, credential)
    if credential.client_certificate is not None:
        _load_client_certificate(context, credential, credential.client_certificate)
    return context


def _load_authorities(context: ssl.SSLContext, credential: Credential) -> None:
    if credential.system_ca:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if not credential.ca_pem:
        if not credential.system_ca:
            raise _invalid(credential, "it names no certificate authority (certificate-authority-data)")
        return
    try:
        context.load_verify_locations(cadata=credential.ca_pem)
    except (ssl.SSLError, ValueError, TypeError):  # TypeError: not ASCII
        raise _invalid(credential, "its certificate authority cannot be read") from None


def _load_client_certificate(context: ssl.SSLContext, credential: Credential, certificate: ClientCertificate) -> None:
    content = f"{certificate.certificate_pem.reveal()}\n{certificate.key_pem.reveal()}\n".encode()
    try:
        with _readable_path(content) as path:
            context.load_cert_chain(path, password=_refuse_password)
    except _EncryptedKeyError:
        raise _invalid(credential, "its client key is encrypted, and there is nobody to ask for the password") from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise _invalid(credential, "its client certificate and client key do not belong together") from None
        raise _invalid(credential, "its client certificate or client key cannot be read") from None


def _refuse_password() -> NoReturn:
    """Stop OpenSSL from asking for a password on the terminal."""
    raise _EncryptedKeyError


@contextlib.contextmanager
def _readable_path(content: bytes) -> Iterator[str]:
    descriptor = _sealed_memory(content)
    if descriptor is None:
        with _short_lived_file(content) as path:
            yield path
        return
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _sealed_memory(content: bytes) -> int | None:
    """Return a memfd that holds the content and can no longer change; None where the system has no such thing."""
    if not hasattr(os, "memfd_create") or not Path("/proc/self/fd").is_dir():
        return None
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        try:
            descriptor = os.memfd_create("credential", flags | _MFD_NOEXEC_SEAL)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            descriptor = os.memfd_create("credential", flags)
    except OSError:  # not there, or forbidden by a sandbox
        return None
    try:
        _write_all(descriptor, content)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


@contextlib.contextmanager
def _short_lived_file(content: bytes) -> Iterator[str]:
    """Give a file for the time of one call. Signals wait meanwhile; only SIGKILL could leave it behind."""
    parent = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK | os.X_OK) else None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        with tempfile.TemporaryDirectory(dir=parent) as folder:  # mode 0700
            path = f"{folder}/credential"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                _write_all(descriptor, content)
            finally:
                os.close(descriptor)
            yield path
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _invalid(credential: Credential, reason: str) -> CredentialError:
    return CredentialError(
        Problem(Code.CREDENTIAL_INVALID, f"the kubeconfig of {credential.found_in} cannot be used: {reason}")
    )
