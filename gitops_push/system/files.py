"""Reads the files of a config repo: only beneath its root, only regular files, within a budget of bytes.

Paths are strings relative to the root with forward slashes; "." is the root itself. Links that stay inside the root are
followed, all others are refused. `.git` does not exist here. Nothing is ever written.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.inputs import Inputs
from gitops_push.core.origin import Origin
from gitops_push.system.beneath import Opener, OutsideError, Parts, open_beneath, split_path

_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY  # a FIFO must not hang the build
_LOOK: Final = getattr(os, "O_PATH", _READ)
_LIST: Final = os.O_RDONLY | os.O_DIRECTORY
_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR})
_REASONS: Final = {
    errno.ENOENT: "there is no such file",
    errno.ENOTDIR: "a part of the path is not a directory",
    errno.EACCES: "permission denied",
    errno.ELOOP: "its links go round in circles",
    errno.ENXIO: "it is not a regular file",
}


@dataclass(frozen=True, slots=True)
class FileBudget:
    """How much may be read: bytes of one file, and of all files of one build together."""

    file_bytes: int = 10 * 1024 * 1024
    total_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A name in a directory. `is_dir` looks through links that stay inside the root; `is_link` says it is a link."""

    name: str
    is_dir: bool
    is_link: bool = False


@dataclass(slots=True)
class Sightings:
    """Notes what is looked at; see `core.inputs.Inputs`."""

    read: set[str] = field(default_factory=set)
    looked: set[str] = field(default_factory=set)
    listed: set[str] = field(default_factory=set)
    unknown: str = ""

    def inputs(self) -> Inputs:
        """Return what was noted so far."""
        return Inputs(frozenset(self.read), frozenset(self.looked), frozenset(self.listed), self.unknown)


class RepoFiles:
    """The files beneath one root. Reads are remembered, so a base that is used many times is read once.

    `sightings` notes what is looked at, if there is one. Every method raises `BuildError` (FILE_UNREADABLE, or
    BUDGET_EXCEEDED) that names the path.
    """

    def __init__(
        self,
        root: PurePath,
        budget: FileBudget = FileBudget(),
        opener: Opener = open_beneath,
        sightings: Sightings | None = None,
    ) -> None:
        self.root = root
        self._sightings = sightings
        self._opener = opener
        self._budget = budget
        self._contents: dict[Parts, bytes] = {}
        self._looks: dict[Parts, tuple[int, Parts]] = {}
        self._total_bytes = 0
        self._root = _open_root(root)
        self._mounts: dict[str, int] = {}
        self._close = weakref.finalize(self, _close_all, self._root, self._mounts)

    def close(self) -> None:
        """Close the root; reads fail from then on. Done by itself when the object goes."""
        self._close()

    def mount(self, name: str, folder: PurePath) -> None:
        """Show a folder from elsewhere as a directory of the root; links in it do not lead out of it.

        `name` is one component of a path. What the root holds under this name can no longer be read.
        """
        if self._sightings is not None:
            self._sightings.unknown = f"it reads {folder}, which is not in the repo"
        if name in self._mounts:
            os.close(self._mounts.pop(name))
        self._mounts[name] = _open_root(folder)
        self._looks.clear()

    def read(self, path: str) -> bytes:
        """Return the content of a regular file."""
        parts = _parts(path)
        if (seen := self._sightings) is not None:
            self._note(seen.read, seen.looked, parts)
        content = self._contents.get(parts)
        if content is None:
            content = self._contents[parts] = self._read_new(path, parts)
        return content

    def exists(self, path: str) -> bool:
        """Return whether there is anything at the path; a broken link is nothing."""
        return self._mode(path) is not None

    def is_file(self, path: str) -> bool:
        """Return whether the path is a regular file, or a link inside the root to one."""
        return stat.S_ISREG(self._mode(path) or 0)

    def is_dir(self, path: str) -> bool:
        """Return whether the path is a directory, or a link inside the root to one."""
        return stat.S_ISDIR(self._mode(path) or 0)

    def real_path(self, path: str) -> str:
        """Return the path with all links followed, relative to the root."""
        parts = _parts(path)
        if (seen := self._sightings) is not None:
            self._note(seen.looked, seen.looked, parts)
        try:
            return _join(self._look(parts)[1])
        except OSError as error:
            raise _unreadable(path, _reason(error)) from error
        except OutsideError as error:
            raise _unreadable(path, str(error)) from error

    def entries(self, path: str) -> tuple[Entry, ...]:
        """Return the names in a directory, sorted, without `.git`. A link that leads outside counts as no directory."""
        parts = _parts(path)
        if (seen := self._sightings) is not None:
            self._note(seen.listed, seen.looked, parts)
        descriptor, _ = self._open(path, parts, _LIST)
        try:
            with os.scandir(descriptor) as found:
                names = sorted((item.name, item.is_symlink(), item.is_dir(follow_symlinks=False)) for item in found)
        finally:
            os.close(descriptor)
        return tuple(
            Entry(name, self._link_is_dir(self.resolve(path, name)) if is_link else is_dir, is_link)
            for name, is_link, is_dir in names
            if name.casefold() != ".git"
        )

    def walk(self, path: str) -> Iterator[str]:
        """Yield the paths of everything but directories beneath `path`, names sorted, depth first.

        Links to directories are neither yielded nor entered, as in Go's `filepath.Walk`, which kubectl uses.
        """
        pending = [(self.resolve(".", path), True)]
        while pending:  # a stack, not recursion: a repo may be nested deeper than Python calls can be
            directory, is_dir = pending.pop()
            if not is_dir:
                yield directory
                continue
            children = [
                (self.resolve(directory, entry.name), entry.is_dir)
                for entry in self.entries(directory)
                if not (entry.is_dir and entry.is_link)
            ]
            pending.extend(reversed(children))

    def resolve(self, base_dir: str, relative: str) -> str:
        """Return `relative`, as written in a file of `base_dir`, as a path of this object; "." for the root.

        Resolved as text; nothing needs to exist. Raises for an absolute path and one that climbs above the root.
        """
        if relative.startswith("/"):
            return _join(_parts(relative))
        return _join(_parts(f"{base_dir or '.'}/{relative}"))

    def _read_new(self, path: str, parts: Parts) -> bytes:
        descriptor, _ = self._open(path, parts, _READ)
        try:
            content = _read_regular(descriptor, path, self._budget.file_bytes)
        except OSError as error:
            raise _unreadable(path, _reason(error)) from error
        finally:
            os.close(descriptor)
        self._total_bytes += len(content)
        if self._total_bytes > self._budget.total_bytes:
            limit = f"the build has read more than {_mebibytes(self._budget.total_bytes)}"
            raise BuildError(Problem(Code.BUDGET_EXCEEDED, f"cannot read {path}: {limit}", Origin(path)))
        return content

    def _mode(self, path: str) -> int | None:
        parts = _parts(path)
        if (seen := self._sightings) is not None:
            self._note(seen.looked, seen.looked, parts)
        try:
            return self._look(parts)[0]
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise _unreadable(path, _reason(error)) from error
        except OutsideError as error:
            raise _unreadable(path, str(error)) from error

    def _note(self, kind: set[str], looked: set[str], parts: Parts) -> None:
        """Note a path as it was asked for, and where it leads; what is not there was looked for."""
        looked.add(_join(parts))
        with contextlib.suppress(OSError, OutsideError):
            kind.add(_join(self._look(parts)[1]))

    def _look(self, parts: Parts) -> tuple[int, Parts]:
        """Return the mode of what is at a path, and the path without links; opened once, however often it is asked."""
        found = self._looks.get(parts)
        if found is None:
            descriptor, real = self._open_in(parts, _LOOK)
            try:
                found = self._looks[parts] = os.fstat(descriptor).st_mode, real
            finally:
                os.close(descriptor)
        return found

    def _open_in(self, parts: Parts, flags: int) -> tuple[int, Parts]:
        """Open a path in the root, or in what is mounted there."""
        if not parts or parts[0] not in self._mounts:
            return self._opener(self._root, parts, flags)
        descriptor, real = self._opener(self._mounts[parts[0]], parts[1:], flags)
        return descriptor, (parts[0], *real)

    def _link_is_dir(self, path: str) -> bool:
        try:
            return self.is_dir(path)
        except BuildError:  # leads outside or in circles; whoever reads it gets the error
            return False

    def _open(self, path: str, parts: Parts, flags: int) -> tuple[int, Parts]:
        try:
            return self._open_in(parts, flags)
        except OSError as error:
            raise _unreadable(path, _reason(error)) from error
        except OutsideError as error:
            raise _unreadable(path, str(error)) from error


def _open_root(folder: PurePath) -> int:
    try:
        return os.open(folder, _LIST | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(str(folder), _reason(error)) from error


def _close_all(root: int, mounts: dict[str, int]) -> None:
    for descriptor in (root, *mounts.values()):
        os.close(descriptor)


def _read_regular(descriptor: int, path: str, limit_bytes: int) -> bytes:
    status = os.fstat(descriptor)
    if stat.S_ISDIR(status.st_mode):
        raise _unreadable(path, "it is a directory")
    if not stat.S_ISREG(status.st_mode):
        raise _unreadable(path, "it is not a regular file")
    pieces: list[bytes] = []
    size = 0
    wanted = status.st_size
    while size <= limit_bytes and wanted <= limit_bytes:
        piece = os.read(descriptor, min(max(wanted - size, 0), limit_bytes) + 1)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        size += len(piece)
    message = f"cannot read {path}: it is larger than {_mebibytes(limit_bytes)}"
    raise BuildError(Problem(Code.BUDGET_EXCEEDED, message, Origin(path)))


def _parts(path: str) -> Parts:
    try:
        return split_path(path)
    except OutsideError as error:
        raise _unreadable(path, str(error)) from error


def _join(parts: Parts) -> str:
    return "/".join(parts) or "."


def _reason(error: OSError) -> str:
    return _REASONS.get(error.errno or 0) or (error.strerror or "it cannot be opened").lower()


def _mebibytes(size: int) -> str:
    return f"{size / 1024 / 1024:g} MiB"


def _unreadable(path: str, reason: str) -> BuildError:
    return BuildError(Problem(Code.FILE_UNREADABLE, f"cannot read {path}: {reason}", Origin(path)))
