"""Finds files by a path with `*`, `?` (within one name) and `**` (any number of folders)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from gitops_push.system.files import RepoFiles

_WILDCARDS: Final = re.compile(r"[*?]")
_ANY_FOLDERS: Final = "**"


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
    return tuple(sorted(path for path in files.walk(start) if fits_glob(path, whole)))


def fits_glob(path: str, pattern: str) -> bool:
    """Return whether a path is one that the pattern stands for. Takes time linear in both, whatever the wildcards."""
    wanted = pattern.split("/")
    reached = {0}
    for name in path.split("/"):
        reached = _past_folders(reached, wanted)
        kept = {at for at in reached if at < len(wanted) and wanted[at] == _ANY_FOLDERS}
        reached = kept | {at + 1 for at in reached - kept if at < len(wanted) and _fits_name(name, wanted[at])}
    return len(wanted) in _past_folders(reached, wanted)


def _past_folders(reached: set[int], wanted: Sequence[str]) -> set[int]:
    """Return the positions in the pattern that can be reached, because `**` may also stand for no folder at all."""
    found = set(reached)
    for at in range(len(wanted)):
        if at in found and wanted[at] == _ANY_FOLDERS:
            found.add(at + 1)
    return found


def _fits_name(name: str, wanted: str) -> bool:
    return fnmatchcase(name, wanted.replace("[", "[[]"))


def _literal_folder(pattern: str) -> str:
    folders = []
    for segment in pattern.split("/")[:-1]:
        if is_glob(segment):
            break
        folders.append(segment)
    return "/".join(folders) or "."
