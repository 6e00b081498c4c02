"""What a CI variable may hold: a kubeconfig, its base64, or the path of a file with it."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from gitops_push.core.codes import Code
from gitops_push.core.errors import CredentialError, Problem

_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_ABSOLUTE_PATH: Final = re.compile(r"/(?!/)")  # two slashes begin the base64 of a UTF-16 mark
_NOT_EXPANDED: Final = re.compile(r"\$\(.*\)|\$\{\{.*\}\}", re.DOTALL)
_GZIP: Final = b"\x1f\x8b"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class HeldText:
    """The variable holds the kubeconfig itself."""

    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class HeldPath:
    """The variable names a file, or several (GitLab's file variables, Jenkins' secret files, kubectl's list)."""

    path: str


Held: TypeAlias = HeldText | HeldPath


def read_variable(place: str, value: str) -> Held:
    """Return what a variable holds that messages call `place`. Raises `CredentialError` that never quotes the value.

    Many a path could be base64, so what looks like base64 is taken for it only when it decodes to text with a colon,
    as every kubeconfig has one. Nothing but text begins with a single slash in base64.
    """
    text = value.removeprefix("\ufeff").strip()
    if not text:
        hint = "a CI system gives no secrets to pull requests from forks, and none under another name"
        raise _invalid(place, "is set but empty", hint)
    if _NOT_EXPANDED.fullmatch(text):
        raise _invalid(place, "holds an expression that the CI system did not replace", "check the secret's name")
    compact = "".join(text.split())
    if not _ABSOLUTE_PATH.match(text) and _BASE64.fullmatch(compact):
        decoded = _decoded(place, compact)
        if decoded is not None:
            return HeldText(decoded)
    if "\n" in text or ": " in text or text.startswith("{"):
        return HeldText(text.encode("utf-8", "surrogateescape"))
    return HeldPath(text)


def _decoded(place: str, compact: str) -> bytes | None:
    """Return the text that base64 of either alphabet, padded or not, stands for; None when it stands for none."""
    standard = compact.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        content = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    if content.startswith(_GZIP):
        raise _invalid(place, "holds compressed data", "store base64 of the kubeconfig itself: base64 -w0 FILE")
    if content.startswith(_UTF16_MARKS) or content[1:2] == b"\0":
        raise _invalid(place, "holds base64 of UTF-16 text", "in PowerShell, encode the UTF-8 bytes of the file")
    if b":" in content and _is_text(content):
        return content
    if len(content) > 64 and _BASE64.fullmatch(b"".join(content.split()).decode("ascii", "replace")):
        raise _invalid(place, "holds a text that was base64-encoded twice", "encode it once")
    return None


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _invalid(place: str, what: str, hint: str) -> CredentialError:
    return CredentialError(Problem(Code.CREDENTIAL_INVALID, f"{place} {what}", hint=hint))
