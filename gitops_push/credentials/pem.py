"""Certificates and keys of a kubeconfig, embedded or in files beside it, as checked PEM text."""

from __future__ import annotations

import base64
import binascii
import os
import re
from pathlib import Path
from typing import Final

from gitops_push.core.errors import BuildError
from gitops_push.credentials.kubeconfig_entry import Entry
from gitops_push.system.files import FileBudget, RepoFiles

_LIMIT: Final = FileBudget(file_bytes=1024 * 1024, total_bytes=1024 * 1024)
_CERTIFICATE: Final = re.compile(
    r"-----BEGIN (?P<kind>(?:X509 |TRUSTED )?CERTIFICATE)-----[A-Za-z0-9+/=\s]+-----END (?P=kind)-----"
)
_KEY: Final = re.compile(r"-----BEGIN (?P<kind>(?:[A-Z0-9]+ )?PRIVATE KEY)-----[\x20-\x7e\s]+?-----END (?P=kind)-----")
_EMBED: Final = "embed it: kubectl config view --raw --minify --flatten"


def pem_field(entry: Entry, name: str) -> str:
    """Return the text of `NAME-data`, else of the file that `NAME` names, else "". Raises `CredentialError`."""
    data, file = entry.text(f"{name}-data"), entry.text(name)
    if data:
        return _decoded(entry, f"{name}-data", data)
    return _ascii(entry, name, _file_content(entry, name, file)) if file else ""


def certificates_in(entry: Entry, name: str, text: str) -> str:
    """Return the certificates of a PEM text, without what stands around them. Raises `CredentialError` for none."""
    blocks = [match[0] for match in _CERTIFICATE.finditer(text)]
    if not blocks:
        raise entry.invalid(f"{name} holds no PEM certificate")
    return "\n".join(blocks) + "\n"


def private_key_in(entry: Entry, name: str, text: str) -> str:
    """Return the private key of a PEM text. Raises `CredentialError` for none, and for an encrypted one."""
    found = _KEY.search(text)
    if found is None:
        raise entry.invalid(f"{name} holds no PEM private key")
    if "ENCRYPTED" in found["kind"] or "Proc-Type: 4,ENCRYPTED" in found[0]:
        raise entry.invalid(f"{name} is encrypted, and there is nobody to ask for the password", "decrypt the key")
    return found[0] + "\n"


def _decoded(entry: Entry, name: str, data: str) -> str:
    if "-----BEGIN" in data:
        raise entry.invalid(f"{name} holds PEM text; it must be base64 of it", "encode it with: base64 -w0")
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        raise entry.invalid(f"{name} is not base64") from None
    return _ascii(entry, name, content)


def _ascii(entry: Entry, name: str, content: bytes) -> str:
    if b"\0" in content:
        raise entry.invalid(f"{name} is not PEM text")
    return content.decode("ascii", "replace")


def _file_content(entry: Entry, name: str, file: str) -> bytes:
    if entry.source.file is None:
        raise entry.invalid(f"{name} names a file; a kubeconfig in a variable must hold everything itself", _EMBED)
    folder = entry.source.file.parent
    target = Path(os.path.normpath(folder / file))
    if entry.source.any_file:
        target = target.resolve()
        folder = target.parent
    elif not target.is_relative_to(folder):
        raise entry.invalid(f"{name} names a file outside of the kubeconfig's folder, which is not read", _EMBED)
    try:
        return RepoFiles(folder, _LIMIT).read(str(target.relative_to(folder)))
    except BuildError:
        raise entry.invalid(f"the file that {name} names cannot be read", _EMBED) from None
