"""Findings as GitHub's workflow commands: marks at the source line, in the pull request's list of files.

Escaping as in the toolkit's `command.ts`. A runner shows ten marks of a level for a step and drops the rest without a
word, so the tenth tells how many more there are; of a message it keeps 4,096 characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from gitops_push.reports.findings import Finding, find
from gitops_push.reports.overview import Clean, Level, Overview

_MOST_OF_A_LEVEL: Final = 10
_MOST_CHARACTERS: Final = 4_096
_ROOM_FOR_ESCAPES: Final = 3


def to_annotations(overviews: Iterable[Overview], clean: Clean) -> str:
    """Return the commands, one a line; "" where there is nothing to mark."""
    found = find(overviews)
    return "".join(f"{line}\n" for level in Level for line in _of_level(level, found, clean))


def _of_level(level: Level, found: Iterable[Finding], clean: Clean) -> Iterator[str]:
    findings = [finding for finding in found if finding.level is level]
    fit = len(findings) if len(findings) <= _MOST_OF_A_LEVEL else _MOST_OF_A_LEVEL - 1
    for finding in findings[:fit]:
        yield _command(finding, clean)
    if len(findings) > fit:
        yield f"::{level.value} title=gitops-push::and {len(findings) - fit} more: see the report"


def _command(finding: Finding, clean: Clean) -> str:
    properties = {"title": clean(f"{finding.environment}: {finding.word}")}
    if finding.origin:
        properties["file"] = clean(finding.origin.file)
        properties["line"] = str(finding.place.line)
        if finding.origin.column:
            properties["col"] = str(finding.origin.column)
    written = ",".join(f"{key}={_escaped_property(value)}" for key, value in properties.items())
    message = clean(finding.message)[: _MOST_CHARACTERS // _ROOM_FOR_ESCAPES]
    return f"::{finding.level.value} {written}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
