"""The headers that say who we are, and their one refresh after a 401."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Final, TypeAlias

from gitops_push import __version__
from gitops_push.core.codes import Code
from gitops_push.core.credential import Credential
from gitops_push.core.errors import CredentialError, Problem
from gitops_push.core.secret_text import SecretText

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values; a name may come more than once (Impersonate-Group does)."""

USER_AGENT: Final = f"gitops-push/{__version__}"


class Authorization:
    """The identity of a credential as headers; used by many threads, of which one refreshes the token for all."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential
        self._refreshing = threading.Lock()
        self._fixed = _fixed_headers(credential)

    def headers(self) -> tuple[Headers, SecretText | None]:
        """Return the headers, and the token in them (None without one)."""
        token = self._credential.token(False) if self._credential.token else None
        if not token:
            return self._fixed, None
        return (*self._fixed, ("Authorization", f"Bearer {_checked(token.reveal())}")), token

    def refresh(self, rejected: SecretText | None) -> None:
        """Get a new token in place of a rejected one; `CredentialError` if there is none.

        Threads that were rejected with the same token share one refresh.
        """
        if self._credential.token is None or rejected is None:
            raise self.rejection()
        with self._refreshing:
            if self._credential.token(False) == rejected and self._credential.token(True) == rejected:
                raise self.rejection()

    def rejection(self) -> CredentialError:
        """Return the error for a credential that the server does not accept."""
        credential = self._credential
        what = "token" if credential.token else "client certificate" if credential.client_certificate else "access"
        without = "" if credential.token or credential.client_certificate else " without a credential"
        message = f"{credential.server} rejects the {what}{without} of {credential.found_in} (401 Unauthorized)"
        hint = "it has expired, was revoked, or belongs to another cluster: renew it"
        return CredentialError(Problem(Code.CREDENTIAL_REJECTED, message, hint=hint))


def _fixed_headers(credential: Credential) -> Headers:
    headers = [("User-Agent", USER_AGENT)]
    if credential.impersonate_user:
        headers.append(("Impersonate-User", _checked(credential.impersonate_user)))
    headers += [("Impersonate-Group", _checked(group)) for group in credential.impersonate_groups]
    return tuple(headers)


def _checked(value: str) -> str:
    """Return a header value as HTTP carries it (UTF-8 bytes read as Latin-1); refuses control characters."""
    if _has_control(value):
        message = "the kubeconfig's token, user or group holds a control character"
        raise CredentialError(Problem(Code.CREDENTIAL_INVALID, message, hint="look for a line break at its end"))
    return value.encode("utf-8", "surrogateescape").decode("latin-1")


def _has_control(text: Iterable[str]) -> bool:
    return any(ord(character) < 0x20 or ord(character) == 0x7F for character in text)
