"""A developer's kubeconfigs in the keyring of the system; the only module that imports `keyring`.

The library would load any class that an environment variable or a file names, and one that keeps everything in plain
text is as good to it as any other. So the backend is one of a fixed list, or there is none. Windows keeps 1,280
characters for an entry and others not many more: a kubeconfig is stored in pieces, which are read back before the entry
that names them is written. What is stored is what was stored last in one piece, whatever fails in between.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import secrets
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from gitops_push.core.codes import Code
from gitops_push.core.errors import CredentialError, Problem

T = TypeVar("T")

SERVICE: Final = "gitops-push"
_PIECE_CHARACTERS: Final = 1_000
_MOST_BYTES: Final = 1 << 20
_INDEX: Final = "names of the stored kubeconfigs"
_BACKENDS: Final = (
    "keyring.backends.macOS:Keyring",
    "keyring.backends.Windows:WinVaultKeyring",
    "keyring.backends.SecretService:Keyring",
    "keyring.backends.libsecret:Keyring",
    "keyring.backends.kwallet:DBusKeyring",
)


class Backend(Protocol):
    """What is used of a backend of the library."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return what is kept under these two names, None if nothing is."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a text under these two names."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Forget what is kept under these two names."""
        ...


@dataclass(frozen=True, slots=True)
class _Stored:
    """The entry of a name: how many pieces there are, under which number, and the digest of the whole."""

    number: str
    pieces: int
    digest: str


class KeyringStore:
    """Kubeconfigs by name. Every method raises `CredentialError` when the keyring fails."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def names(self) -> tuple[str, ...]:
        """Return the names of what is stored, sorted."""
        text = self._get(_INDEX)
        try:
            names = json.loads(text) if text else []
            return tuple(sorted(str(name) for name in names))
        except (ValueError, TypeError):
            raise _unusable("the list of names in the keyring is damaged") from None

    def read(self, name: str) -> bytes | None:
        """Return a kubeconfig, None if there is none of this name."""
        stored = self._stored(name)
        if stored is None:
            return None
        pieces = [self._get(_piece(name, stored, index)) for index in range(stored.pieces)]
        content = _unpacked("".join(piece or "" for piece in pieces))
        if content is None or hashlib.sha256(content).hexdigest() != stored.digest:
            raise _unusable(
                f"the kubeconfig {name!r} in the keyring is damaged", f"store it again: credentials set {name}"
            )
        return content

    def write(self, name: str, content: bytes) -> None:
        """Store a kubeconfig in place of the one that may be there; writes to the keyring."""
        if len(content) > _MOST_BYTES:
            raise _unusable(f"the kubeconfig has {len(content):,} bytes, more than a keyring is for")
        before = self._stored(name)
        text = base64.b64encode(zlib.compress(content, 9)).decode()
        parts = [text[at : at + _PIECE_CHARACTERS] for at in range(0, len(text), _PIECE_CHARACTERS)]
        stored = _Stored(secrets.token_hex(4), len(parts), hashlib.sha256(content).hexdigest())
        for index, part in enumerate(parts):
            self._set(_piece(name, stored, index), part)
        if [self._get(_piece(name, stored, index)) for index in range(len(parts))] != parts:
            self._delete_pieces(name, stored)
            raise _unusable("the keyring does not give back what was stored in it")
        self._set(_entry(name), json.dumps([stored.number, stored.pieces, stored.digest]))
        self._set(_INDEX, json.dumps(sorted({*self.names(), name})))
        if before is not None:
            self._delete_pieces(name, before)

    def remove(self, name: str) -> bool:
        """Forget a kubeconfig; returns whether there was one. Writes to the keyring."""
        stored = self._stored(name)
        self._set(_INDEX, json.dumps(sorted(set(self.names()) - {name})))
        if stored is None:
            return False
        self._delete(_entry(name))
        self._delete_pieces(name, stored)
        return True

    def _stored(self, name: str) -> _Stored | None:
        text = self._get(_entry(name))
        if text is None:
            return None
        try:
            number, pieces, digest = json.loads(text)
            return _Stored(str(number), int(pieces), str(digest))
        except (ValueError, TypeError):
            raise _unusable(f"the entry of {name!r} in the keyring is damaged") from None

    def _delete_pieces(self, name: str, stored: _Stored) -> None:
        for index in range(stored.pieces):
            self._delete(_piece(name, stored, index))

    def _get(self, username: str) -> str | None:
        return self._asked(lambda: self._backend.get_password(SERVICE, username))

    def _set(self, username: str, password: str) -> None:
        self._asked(lambda: self._backend.set_password(SERVICE, username, password))

    def _delete(self, username: str) -> None:
        if self._get(username) is not None:
            self._asked(lambda: self._backend.delete_password(SERVICE, username))

    def _asked(self, ask: Callable[[], T]) -> T:
        from keyring.errors import KeyringError

        try:
            return ask()
        except (KeyringError, OSError, RuntimeError, ValueError) as error:  # backends raise what their system raises
            raise _unusable(f"the keyring does not work ({type(error).__name__})", "is it unlocked?") from None


def open_store(*, in_ci: bool) -> KeyringStore:
    """Return the keyring of this system. Raises `CredentialError` where there is none that is known to be safe.

    In CI there is none: a job's credential comes from the CI system's secrets, and a keyring on a shared runner would
    be somebody else's.
    """
    if in_ci:
        raise _unusable("a keyring is never used in CI", "give the kubeconfig in a variable: credentials: {env: NAME}")
    for backend in _backends():
        return KeyringStore(backend)
    known = "the macOS Keychain, the Windows Credential Locker, the Secret Service, KWallet"
    raise _unusable(f"there is no keyring here that is known to be safe ({known})", "use a kubeconfig file instead")


def _backends() -> Iterator[Backend]:
    """Yield the backends of the list that this system has."""
    for place in _BACKENDS:
        module, _, name = place.partition(":")
        try:
            kind = getattr(importlib.import_module(module), name)
            if kind.viable:
                yield kind()
        except (ImportError, AttributeError, RuntimeError, OSError):
            continue  # this system has no such keyring


def _entry(name: str) -> str:
    return f"kubeconfig {name}"


def _piece(name: str, stored: _Stored, index: int) -> str:
    return f"kubeconfig {name} {stored.number} {index}"


def _unpacked(text: str) -> bytes | None:
    try:
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(base64.b64decode(text, validate=True), _MOST_BYTES)
    except (ValueError, zlib.error):
        return None
    return content if unpacker.eof else None


def _unusable(message: str, hint: str | None = None) -> CredentialError:
    return CredentialError(Problem(Code.KEYRING_UNUSABLE, message, hint=hint))
