"""Reads the `file://` URLs that name a directory in a local git repository, as kustomize reads them.

    file:///srv/bases.git//web/overlays/prod?ref=v1.2&submodules=false&timeout=60s

The repository ends at the first `//`, else after the first part that ends in `.git`, else it is the whole path.
Source: api/internal/git/repospec.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.typed_fields import Text

_SCHEME: Final = "file://"
_REF: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@^~-]*")
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DEFAULT_SECONDS: Final = 27.0
_MAX_SECONDS: Final = 600.0
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})


@dataclass(frozen=True, slots=True)
class LocalRepository:
    """A git repository of this machine at a ref ("" for its HEAD). `place` is the entry that names it."""

    path: str
    ref: str
    place: Text
    submodules: bool = True
    timeout_seconds: float = _DEFAULT_SECONDS


@dataclass(frozen=True, slots=True)
class GitDirectory:
    """A directory in a repository, relative to its root."""

    repository: LocalRepository
    path: str


def is_file_url(text: str) -> bool:
    """Return whether an entry names a local git repository."""
    return text.lower().startswith(_SCHEME)


def read_file_url(entry: Text) -> GitDirectory:
    """Return what a `file://` URL names. Raises `BuildError` for one without a repository, or a path out of it."""
    location, _, query = entry.value[len(_SCHEME) :].partition("?")
    repository, path = _split(location)
    if not repository:
        raise invalid("failed to parse repo path segment", entry.origin, "write file:///path/to/repository//directory")
    if not repository.startswith("/"):
        raise invalid(f"the path {repository!r} of a file:// URL must be absolute", entry.origin, "write three slashes")
    if ".." in path.split("/"):
        raise invalid("url path exits repo", entry.origin, "name a directory inside the repository")
    values = {key: found[0] for key, found in parse_qs(query).items()}
    ref = values.get("ref") or values.get("version", "")
    if ref and not _REF.fullmatch(ref):
        raise invalid(f"{ref!r} is no ref of git", entry.origin, "name a branch, a tag or a commit")
    submodules = values.get("submodules", "") not in _FALSE
    spec = LocalRepository(repository, ref, entry, submodules, _seconds(values.get("timeout", "")))
    return GitDirectory(spec, path.strip("/"))


def _split(location: str) -> tuple[str, str]:
    repository, double, path = location.partition("//")
    if double:
        return repository, path
    found = re.match(r"(.*?\.git)(?:/(.*))?\Z", location, re.DOTALL)
    return (found[1], found[2] or "") if found else (location, "")


def _seconds(text: str) -> float:
    """Return a timeout in seconds; one that cannot be read is the default, as in kustomize."""
    parts = re.findall(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(ms|h|m|s)", text)
    if text.isdigit():
        seconds = float(text[:6])
    elif parts and "".join(number + unit for number, unit in parts) == text:
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    else:
        seconds = 0.0
    return min(seconds, _MAX_SECONDS) if seconds > 0 else _DEFAULT_SECONDS
