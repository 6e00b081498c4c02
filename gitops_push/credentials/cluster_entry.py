"""The `cluster` entry of a kubeconfig: where the server is and whom to trust."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gitops_push.core.codes import Code
from gitops_push.core.errors import CredentialError
from gitops_push.credentials.kubeconfig_entry import Entry
from gitops_push.credentials.pem import certificates_in, pem_field

_FIELDS: Final = (
    "server",
    "tls-server-name",
    "insecure-skip-tls-verify",
    "certificate-authority",
    "certificate-authority-data",
    "disable-compression",
    "extensions",
)
_REFUSED: Final = {"proxy-url": "remove proxy-url; set HTTPS_PROXY where the server is reached through a proxy"}
_URL: Final = re.compile(r"[\x21-\x7e]+")
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class ClusterEndpoint:
    """`server` is an https URL without a trailing slash; `ca_pem` is "" only when the system's CAs are to be used."""

    server: str
    ca_pem: str
    tls_server_name: str


def read_cluster(entry: Entry, *, system_ca: bool) -> ClusterEndpoint:
    """Return the endpoint of a `cluster` entry. Raises `CredentialError`."""
    entry.check_fields(_FIELDS, _REFUSED)
    if entry.flag("insecure-skip-tls-verify"):
        raise _refused(entry, "insecure-skip-tls-verify", "put the server's CA into certificate-authority-data")
    entry.flag("disable-compression")
    ca_pem = pem_field(entry, "certificate-authority")
    if not ca_pem and not system_ca:
        raise entry.invalid("it has no certificate-authority-data", "add the cluster's CA, base64-encoded")
    return ClusterEndpoint(
        server=_server(entry),
        ca_pem=certificates_in(entry, "certificate-authority", ca_pem) if ca_pem else "",
        tls_server_name=_tls_server_name(entry),
    )


def normal_server(url: str) -> str | None:
    """Return an https URL in one spelling (case, default port, trailing slash), or None when it is not one."""
    if not _URL.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"https://{host}:{port or 443}{parts.path.rstrip('/')}"


def _server(entry: Entry) -> str:
    server = entry.text("server")
    if not server:
        raise entry.invalid("it has no server")
    if server.lower().startswith("http://"):
        raise _refused(entry, "server: http://", "use https; over plain http everybody on the way can read the token")
    if normal_server(server) is None:
        raise entry.invalid("server must be a URL such as https://10.0.0.1:6443, without user, query or fragment")
    return server.rstrip("/")


def _tls_server_name(entry: Entry) -> str:
    name = entry.text("tls-server-name")
    if name and not _HOST_NAME.fullmatch(name):
        raise entry.invalid("tls-server-name must be a host name")
    return name


def _refused(entry: Entry, what: str, hint: str) -> CredentialError:
    return CredentialError(entry.problem(Code.CREDENTIAL_FEATURE_REFUSED, f"{what} is not supported", hint))
