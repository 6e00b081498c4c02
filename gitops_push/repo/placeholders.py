"""Placeholders in the names and paths of the config: `{app}-{env}`, `apps/{app}/overlays/{env}`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from gitops_push.system.files import RepoFiles

PLACEHOLDER: Final = r"\{[A-Za-z][A-Za-z0-9_]*\}"
_PLACEHOLDER: Final = re.compile(PLACEHOLDER)


@dataclass(frozen=True, slots=True)
class Match:
    """A directory that a path with placeholders stands for, and what they stand for."""

    directory: str
    values: Mapping[str, str]


def placeholders_in(text: str) -> tuple[str, ...]:
    """Return the names of the placeholders, in order: ("app", "env") of "{app}-{env}"."""
    return tuple(found.group()[1:-1] for found in _PLACEHOLDER.finditer(text))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with its placeholders filled in; those without a value stay."""
    return _PLACEHOLDER.sub(lambda found: values.get(found.group()[1:-1], found.group()), text)


def find_matches(files: RepoFiles, base: str, pattern: str) -> tuple[Match, ...]:
    """Return all directories that a path with placeholders, counted from `base`, stands for, sorted by path.

    A placeholder stands for a non-empty part of one name, the shortest that fits; the same one twice must stand for the
    same. It never stands for a name that begins with a dot. Raises `BuildError` for a path out of the repo.
    """
    matches = [Match(".", {})]
    for segment in files.resolve(base, pattern).split("/"):
        matches = [longer for match in matches for longer in _longer(files, match, segment)]
    return tuple(sorted(matches, key=lambda match: match.directory))


def _longer(files: RepoFiles, match: Match, segment: str) -> Iterator[Match]:
    if not placeholders_in(segment):
        path = files.resolve(match.directory, segment)
        if files.is_dir(path):
            yield Match(path, match.values)
        return
    compiled = _segment_pattern(fill(segment, match.values))
    for entry in files.entries(match.directory):
        found = compiled.fullmatch(entry.name) if entry.is_dir and not entry.name.startswith(".") else None
        if found:
            yield Match(files.resolve(match.directory, entry.name), {**match.values, **found.groupdict()})


def _segment_pattern(segment: str) -> re.Pattern[str]:
    seen: set[str] = set()
    parts = []
    end = 0
    for found in _PLACEHOLDER.finditer(segment):
        name = found.group()[1:-1]
        parts.append(re.escape(segment[end : found.start()]))
        parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>.+?)")
        seen.add(name)
        end = found.end()
    return re.compile("".join(parts) + re.escape(segment[end:]), re.DOTALL)
