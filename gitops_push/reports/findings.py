"""Findings: what asks for attention, each with its line of the config repo and what makes it the same one next time.

What the formats for code quality tools draw.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from gitops_push.core.origin import Origin
from gitops_push.reports.overview import Entry, Level, Mark, Overview

_NO_PLACE: Final = Origin("gitops-push.yaml", 1)
"""Where a finding without a line of the config repo is shown by formats that ask for a place."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at. `message` is one line; `origin` is None where no line of the config repo is about it.

    `fingerprint` stays the same while lines move: it is made of the rule, the object, the environment and the file.
    """

    environment: str
    subject: str
    word: str
    rule: str
    level: Level
    message: str
    origin: Origin | None
    fingerprint: str

    @property
    def place(self) -> Origin:
        """Return the file and the line (at least 1) at which to show it."""
        origin = self.origin or _NO_PLACE
        return origin if origin.line else Origin(origin.file, 1)


def find(overviews: Iterable[Overview]) -> tuple[Finding, ...]:
    """Return all findings, the most severe first."""
    found = (finding for overview in overviews for entry in overview.entries for finding in _of(entry, overview))
    order = list(Level)
    return tuple(sorted(found, key=lambda finding: order.index(finding.level)))


def _of(entry: Entry, overview: Overview) -> Iterator[Finding]:
    """Yield one for each mark, or one for the whole object."""
    if entry.level is None:
        return
    marks = entry.marks or (Mark(entry.summary, entry.origin) if entry.origin else None,)
    for number, mark in enumerate(marks):
        message, origin = (mark.message, mark.origin) if mark else (entry.summary, None)
        about = f"{entry.word}: {message}" if message else entry.word
        parts = (entry.rule, entry.subject, overview.environment, origin.file if origin else "", str(number))
        yield Finding(
            environment=overview.environment,
            subject=entry.subject,
            word=entry.word,
            rule=entry.rule,
            level=entry.level,
            message=f"{entry.subject}: {about}",
            origin=origin,
            fingerprint=hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest(),
        )
