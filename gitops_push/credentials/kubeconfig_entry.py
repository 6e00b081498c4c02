"""A kubeconfig's text, and its named entries with typed access to their fields.

No message ever holds a value of a field: it may be a token. Names of entries and fields are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gitops_push.core.codes import Code
from gitops_push.core.errors import CredentialError, Problem
from gitops_push.core.suggestion import did_you_mean


@dataclass(frozen=True, slots=True)
class KubeconfigText:
    """A kubeconfig before it is read.

    `place` says for people where it was found. `file` is its real path, None when it came from a variable. The files
    that it names must be in the same folder; with `any_file` they may be anywhere (a developer's own `~/.kube/config`).
    """

    content: bytes = field(repr=False)
    place: str
    file: Path | None = None
    any_file: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A cluster, user or context of a kubeconfig; `kind` is that word."""

    kind: str
    name: str
    fields: Mapping[str, Any] = field(repr=False)
    source: KubeconfigText

    def text(self, key: str) -> str:
        """Return the text of a field, "" where it is missing or null. Raises `CredentialError` for another type."""
        value = self.fields.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.invalid(f"{key} must be text (in quotes)")
        return value

    def flag(self, key: str) -> bool:
        """Return a boolean field. Text is refused: upstream's loader takes "false" for true."""
        value = self.fields.get(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self.invalid(f"{key} must be true or false, without quotes")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, () where it is missing."""
        values = self.fields.get(key) or ()
        if not isinstance(values, (list, tuple)) or not all(isinstance(value, str) for value in values):
            raise self.invalid(f"{key} must be a list of texts")
        return tuple(values)

    def check_fields(self, known: Iterable[str], refused: Mapping[str, str]) -> None:
        """Raise `CredentialError` that names all fields in use that are refused, each with its hint, or unknown."""
        names = frozenset(known)
        used = [key for key, value in self.fields.items() if value not in (None, "", [], {}, False)]
        problems = [
            self.problem(Code.CREDENTIAL_FEATURE_REFUSED, f"{key} is not supported", refused[key])
            for key in used
            if key in refused
        ]
        problems += [
            self.problem(Code.CREDENTIAL_INVALID, f"unknown field {key!r:.80}{did_you_mean(str(key), names)}")
            for key in self.fields
            if key not in names and key not in refused
        ]
        if problems:
            raise CredentialError(problems)

    def problem(self, code: Code, what: str, hint: str | None = None) -> Problem:
        """Return a problem that names the kubeconfig and the entry."""
        return Problem(code, f"{self.source.place}: {self.kind} {self.name!r:.100}: {what}", hint=hint)

    def invalid(self, what: str, hint: str | None = None) -> CredentialError:
        """Return the error that this entry cannot be used."""
        return CredentialError(self.problem(Code.CREDENTIAL_INVALID, what, hint))
