"""What it takes to talk to one API server, as a value: made in `credentials`, used in `cluster`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from gitops_push.core.secret_text import SecretText


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A client certificate chain and its key, as PEM text."""

    certificate_pem: SecretText = field(repr=False)
    key_pem: SecretText = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credential:
    """A server and an identity at it.

    `server` is an https URL without a trailing slash; `ca_pem` is the only trust anchor ("" with `system_ca`: the
    system's). `token` returns the current bearer token, or None; after a 401 it is called once more with True, to
    refresh. `found_in` says for people where the credential came from, never its value. `secrets` are the texts that
    must never be printed; `warnings` are lines for people. `expires_at` is when the token ends, where it says so and
    nothing renews it.
    """

    server: str
    found_in: str
    context: str = ""
    namespace: str = ""
    ca_pem: str = field(default="", repr=False)
    system_ca: bool = False
    tls_server_name: str = ""
    insecure_skip_tls_verify: bool = False
    client_certificate: ClientCertificate | None = field(default=None, repr=False)
    token: Callable[[bool], SecretText] | None = field(default=None, repr=False, compare=False)
    impersonate_user: str = ""
    impersonate_groups: tuple[str, ...] = ()
    proxy_url: str = ""
    expires_at: datetime | None = None
    secrets: tuple[SecretText, ...] = field(default=(), repr=False)
    warnings: tuple[str, ...] = ()
