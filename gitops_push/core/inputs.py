"""What a build looked at, and whether a change of the repo is a change of that.

A build is a function of what it sees in the repo: the content of files, what is at a path, the names in a directory. So
where all that it has seen at one commit is the same at another, its result is the same there, too, and one build tells.
What could not be followed counts as changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Any

from gitops_push.core.origin import Origin


class PathKind(StrEnum):
    """What is at a path of a tree."""

    FILE = "file"
    LINK = "link"
    DIRECTORY = "directory"
    SUBMODULE = "submodule"


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """What a tree has at a path; `content` is anything that differs where the content does."""

    kind: PathKind
    content: str = ""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Paths relative to the root of the repo ("." is the root), as they were asked for and with their links followed.

    `read` are files whose content was seen, `looked` are paths of which was seen what is there, nothing maybe, and
    `listed` are directories whose names were seen. `unknown` says why there may be more, "" if there is not.
    """

    read: frozenset[str] = frozenset()
    looked: frozenset[str] = frozenset()
    listed: frozenset[str] = frozenset()
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class TreeChanges:
    """What differs between two trees: what is at `moved` is of another kind, or there on one side only."""

    changed: tuple[str, ...]
    moved: frozenset[str]
    tracked: frozenset[str]
    links: frozenset[str]
    submodules: frozenset[str]

    def reason(self, inputs: Inputs) -> str:
        """Return why a build with these inputs may give something else than before, "" if it cannot."""
        if inputs.unknown:
            return inputs.unknown
        for path in self.changed:
            if path in inputs.read or (path in inputs.looked and path in self.moved):
                return path
            if path in self.moved and _parent(path) in inputs.listed:
                return path
        return self._reason_out_of_tree(inputs)

    def _reason_out_of_tree(self, inputs: Inputs) -> str:
        """Judge what was seen through a link, in a submodule, or in files that git does not track."""
        untracked = min(inputs.read - self.tracked, default="")
        if untracked and not self._submodule_of(untracked):
            return f"{untracked} is not tracked by git"
        if not self.changed or not (self.links or self.submodules):
            return ""
        changed = set(self.changed)
        for path in sorted(inputs.read | inputs.looked | inputs.listed):
            above = _and_above(path)
            if any(each in self.submodules and each in changed for each in above):
                return f"{path} is in a submodule"
            through = next((each for each in above if each in self.links), "")
            if through and (changed & self.links or (path not in self.tracked and self.moved)):
                return f"{path} is reached by the link {through}"
        return ""

    def _submodule_of(self, path: str) -> bool:
        return any(each in self.submodules for each in _and_above(path))


def changes_between(before: Mapping[str, TreeEntry], after: Mapping[str, TreeEntry]) -> TreeChanges:
    """Compare two trees, given as their files, links and submodules by path; the directories follow from them."""
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    kinds = [{path: entry.kind for path, entry in tree.items()} for tree in (before, after)]
    directories = [_directories(tree) for tree in (before, after)]
    moved = {path for path in changed if kinds[0].get(path) != kinds[1].get(path)} | (directories[0] ^ directories[1])
    both = [entry for tree in (before, after) for entry in tree.items()]
    return TreeChanges(
        tuple(sorted(changed | moved)),
        frozenset(moved),
        frozenset(after.keys() | directories[1]),
        frozenset(path for path, entry in both if entry.kind is PathKind.LINK),
        frozenset(path for path, entry in both if entry.kind is PathKind.SUBMODULE),
    )


def without_origins(value: Any) -> Any:
    """Return a value of plain tuples that is equal for two values that differ only in where they are written."""
    if isinstance(value, Origin):
        return None
    if is_dataclass(value) and not isinstance(value, type):
        inner = tuple((each.name, without_origins(getattr(value, each.name))) for each in fields(value))
        return (type(value).__name__, inner)
    if isinstance(value, Mapping):
        return tuple((key, without_origins(each)) for key, each in value.items())
    if isinstance(value, tuple | list):
        return tuple(without_origins(each) for each in value)
    return value


def _directories(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        above = _parent(path)
        while above not in found:
            found.add(above)
            above = _parent(above)
    return found


def _and_above(path: str) -> tuple[str, ...]:
    """Return a path and the directories above it but the root."""
    parts = path.split("/")
    return tuple("/".join(parts[: end + 1]) for end in range(len(parts)))


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or "."
