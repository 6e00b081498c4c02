"""Finds files by a path with `*`, `?` (within one name) and `**` (any number of folders)."""

from __future__ import annotations

import re
from typing import Final

from gitops_push.system.files import RepoFiles

_WILDCARDS: Final = re.compile(r"[*?]")


def is_glob(path: str) -> bool:
    """Return whether the path holds wildcards."""
    return _WILDCARDS.search(path) is not None


def find_files(files: RepoFiles, base: str, pattern: str) -> tuple[str, ...]:
    """Return the files that `pattern`, counted from the folder `base`, stands for; sorted, none twice.

    A path without wildcards stands for itself if it is a file. Raises `BuildError` for a path out of the repo.
    """
    whole = files.resolve(base, pattern)
    if not is_glob(whole):
        return (whole,) if files.is_file(whole) else ()
    start = _literal_folder(whole)
    if not files.is_dir(start):
        return ()
    compiled = glob_pattern(whole)
    return tuple(sorted(path for path in files.walk(start) if compiled.fullmatch(path)))


def glob_pattern(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a path with wildcards."""
    segments = pattern.split("/")
    parts = []
    for index, segment in enumerate(segments):
        last = index == len(segments) - 1
        if segment == "**":
            parts.append(".*" if last else "(?:[^/]+/)*")
        else:
            parts.append(_segment_pattern(segment) + ("" if last else "/"))
    return re.compile("".join(parts), re.DOTALL)


def _segment_pattern(segment: str) -> str:
    pieces = re.split(r"([*?])", re.sub(r"\*+", "*", segment))
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(piece) or re.escape(piece) for piece in pieces)


def _literal_folder(pattern: str) -> str:
    folders = []
    for segment in pattern.split("/")[:-1]:
        if is_glob(segment):
            break
        folders.append(segment)
    return "/".join(folders) or "."
