"""The `user` entry of a kubeconfig: who we are at the server."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.credential import ClientCertificate
from gitops_push.core.errors import CredentialError
from gitops_push.core.secret_text import SecretText
from gitops_push.credentials.certificate_dates import expires_at
from gitops_push.credentials.exec_plugin import ExecPlugin, Issued, PluginRules
from gitops_push.credentials.kubeconfig_entry import Entry
from gitops_push.credentials.pem import certificates_in, pem_field, private_key_in
from gitops_push.credentials.token_dates import token_expires_at

_FIELDS: Final = (
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
    "token",
    "as",
    "as-groups",
    "exec",
    "extensions",
)
_EMBED: Final = "use a token or a client certificate: kubectl config view --raw --flatten shows what can be embedded"
_REFUSED: Final = {
    "auth-provider": f"no program is run for a credential; {_EMBED}",
    "tokenFile": "put the token itself into the kubeconfig; a file could be any file of this machine",
    "username": "user names and passwords are not sent; use a token or a client certificate",
    "password": "user names and passwords are not sent; use a token or a client certificate",
    "as-uid": "impersonation by uid is not supported; as and as-groups are",
    "as-user-extra": "impersonation with extra fields is not supported; as and as-groups are",
}
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
_HEADER: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


@dataclass(frozen=True, slots=True)
class Identity:
    """What proves who we are. `secrets` are the texts that must never be printed.

    `expires_at` is when a token ends that nothing renews, as far as it says so itself.
    """

    client_certificate: ClientCertificate | None = field(default=None, repr=False)
    token: Callable[[bool], SecretText] | None = field(default=None, repr=False)
    impersonate_user: str = ""
    impersonate_groups: tuple[str, ...] = ()
    expires_at: datetime | None = None
    secrets: tuple[SecretText, ...] = field(default=(), repr=False)


def read_user(entry: Entry, rules: PluginRules) -> Identity:
    """Return the identity of a `user` entry; runs its credential plugin where the rules allow it.

    Raises `CredentialError`.
    """
    entry.check_fields(_FIELDS, _REFUSED)
    user, groups = _impersonation(entry)
    plugin = ExecPlugin(entry, rules) if entry.fields.get("exec") else None
    issued = plugin.issued if plugin else _held(entry, rules.now())
    if issued.certificate is None and issued.token is None:
        raise entry.invalid("it has neither a token nor a client certificate")
    token = issued.token
    fixed = None if token is None else lambda _: token
    key = issued.certificate.key_pem if issued.certificate else None
    return Identity(
        client_certificate=issued.certificate,
        token=plugin.token if plugin and token else fixed,
        impersonate_user=user,
        impersonate_groups=groups,
        expires_at=None if plugin and token else issued.expires_at,
        secrets=tuple(text for text in (token, key) if text),
    )


def _held(entry: Entry, now: datetime) -> Issued:
    """Return what the entry itself holds. Raises `CredentialError` for what has expired."""
    certificate, token = _client_certificate(entry, now), _token(entry)
    expiry = token_expires_at(token.reveal()) if token else None
    if expiry is not None and expiry <= now:
        what = f"the token expired on {expiry:%Y-%m-%d %H:%M} UTC"
        raise CredentialError(entry.problem(Code.CREDENTIAL_EXPIRED, what, "issue a new one"))
    return Issued(token, certificate, expiry)


def _client_certificate(entry: Entry, now: datetime) -> ClientCertificate | None:
    certificate, key = pem_field(entry, "client-certificate"), pem_field(entry, "client-key")
    if not certificate and not key:
        return None
    if not certificate or not key:
        missing = "client-key" if certificate else "client-certificate"
        raise entry.invalid(f"{missing}-data is missing: a client certificate and its key belong together")
    chain = certificates_in(entry, "client-certificate", certificate)
    expiry = expires_at(chain)
    if expiry is not None and expiry < now:
        raise entry.invalid(f"the client certificate expired on {expiry:%Y-%m-%d %H:%M} UTC", "issue a new kubeconfig")
    return ClientCertificate(SecretText(chain), SecretText(private_key_in(entry, "client-key", key)))


def _token(entry: Entry) -> SecretText | None:
    """Return the token without the line end that CI secrets often carry: in a header it would end the header."""
    token = entry.text("token").removesuffix("\n").removesuffix("\r")
    if not token:
        return None
    if not _TOKEN.fullmatch(token):
        raise entry.invalid("token holds a space, a line end or a character beyond ASCII", "copy the token again")
    return SecretText(token)


def _impersonation(entry: Entry) -> tuple[str, tuple[str, ...]]:
    user, groups = entry.text("as"), entry.texts("as-groups")
    if groups and not user:
        raise entry.invalid("as-groups needs as")
    if user and not all(_HEADER.fullmatch(name) for name in (user, *groups)):
        raise entry.invalid("as and as-groups must be plain ASCII names")
    return user, groups
