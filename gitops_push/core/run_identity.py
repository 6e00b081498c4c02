"""Who runs: what a lock, the history and a report say of a run, so that people find it and ask its owner."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from gitops_push.core.untrusted import clean_line

_LIMITS: Final = {"run_url": 500, "commit": 64}
_LIMIT: Final = 100
_COMMIT: Final = re.compile(r"[0-9a-fA-F]{7,64}")


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """One run. Every part is "" where nothing says; all of it is untrusted text that was made harmless and short.

    `system` is the CI system's name, or "" at a terminal; there `actor` is the user, and `host` the machine.
    `commit` is the full hash of what is deployed.
    """

    run_url: str = ""
    actor: str = ""
    commit: str = ""
    branch: str = ""
    system: str = ""
    host: str = ""

    def __post_init__(self) -> None:
        for part in fields(self):
            object.__setattr__(self, part.name, _bounded(getattr(self, part.name), _LIMITS.get(part.name, _LIMIT)))
        object.__setattr__(self, "run_url", _web_address(self.run_url))
        object.__setattr__(self, "commit", self.commit if _COMMIT.fullmatch(self.commit) else "")

    def __str__(self) -> str:
        """Return `https://ci.example.com/42 (alice, 9f3c1d2)`, or `alice@laptop (9f3c1d2)` at a terminal."""
        if self.run_url or self.system:
            place = self.run_url or " on ".join(filter(None, (self.system, self.host)))
            details = (self.actor, self.commit[:7])
        else:
            place = "@".join(filter(None, (self.actor, self.host))) or "an unknown run"
            details = ("", self.commit[:7])
        bracket = ", ".join(filter(None, details))
        return f"{place} ({bracket})" if bracket else place


_KEYS: Final = {
    "run_url": "runUrl",
    "actor": "actor",
    "commit": "commit",
    "branch": "branch",
    "system": "system",
    "host": "host",
}


def identity_data(identity: RunIdentity) -> dict[str, str]:
    """Return who ran as data, what is not known left out."""
    return {key: value for name, key in _KEYS.items() if (value := getattr(identity, name))}


def identity_from(data: Mapping[str, Any]) -> RunIdentity:
    """Return who ran."""
    return RunIdentity(**{name: str(data.get(key) or "") for name, key in _KEYS.items()})


def _bounded(text: str, limit: int) -> str:
    """Return the text on one line, cut before it is cleaned: what is long is of no use, and of no harm then."""
    shown = clean_line(" ".join(text[: limit + 1].split()))
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def _web_address(text: str) -> str:
    """Return an http address without user and password; "" for anything else, which nobody could click."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.netloc or " " in text:
        return ""
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


NOBODY: Final = RunIdentity()
"""A run of which nothing is known."""
