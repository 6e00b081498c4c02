"""Opens files beneath a root directory and never outside of it, whatever links the tree holds.

A path without links is opened by one `openat2` with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS (Linux 5.6). Where a link
is on the way, or the call is not there, the path is walked one component at a time on directory descriptors that stay
open: ".." goes back to the descriptor that we came from, so a directory that is moved or a link that is swapped
meanwhile cannot lead outside (openat2(2), CVE-2022-24877).
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Final, TypeAlias

Parts: TypeAlias = tuple[str, ...]
Opener: TypeAlias = Callable[[int, Parts, int], tuple[int, Parts]]

_NO_FOLLOW: Final = os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | _NO_FOLLOW
_LINK_LIMIT: Final = 40
_SYS_OPENAT2: Final = 437
_RESOLVE_NO_MAGICLINKS: Final = 0x02
_RESOLVE_NO_SYMLINKS: Final = 0x04
_RESOLVE_BENEATH: Final = 0x08
_WALK_INSTEAD: Final = frozenset({errno.ELOOP, errno.ENOSYS, errno.EPERM, errno.EAGAIN, errno.E2BIG, errno.EINVAL})


class OutsideError(Exception):
    """The path leads out of the root, or into a folder that is never read; the text says how."""


class _OpenHow(ctypes.Structure):
    _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]


def split_path(path: str) -> Parts:
    """Return the components of a path relative to the root, "." and ".." resolved as text, as kustomize does.

    Raises `OutsideError` for an absolute path, one that climbs above the root, one into `.git`, or one with a NUL.
    """
    if path.startswith("/"):
        raise OutsideError("an absolute path; only paths inside the config repo are read")
    if "\0" in path:
        raise OutsideError("a path with a NUL character")
    parts: list[str] = []
    for name in path.split("/"):
        if name == "..":
            if not parts:
                raise OutsideError("the path leads out of the config repo")
            parts.pop()
        elif name not in ("", "."):
            parts.append(name)
    for name in parts:
        check_name(name)
    return tuple(parts)


def check_name(name: str) -> None:
    """Raise `OutsideError` for `.git` in any case: it holds the token of the checkout on many CI systems."""
    if name.casefold() == ".git":
        raise OutsideError("the path leads into .git, which is never read")


def open_beneath(root: int, parts: Parts, flags: int) -> tuple[int, Parts]:
    """Return an open descriptor and the components of the path without links.

    `flags` are those of open(2) for the last component; no file is ever created. Raises `OSError` and `OutsideError`.
    """
    open_directly = _openat2()
    if open_directly is not None and parts:
        descriptor = open_directly(root, "/".join(parts), flags | os.O_CLOEXEC)
        if descriptor is not None:
            return descriptor, parts
    return walk_beneath(root, parts, flags)


@cache
def _openat2() -> Callable[[int, str, int], int | None] | None:
    if sys.platform != "linux":
        return None
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    syscall.restype = ctypes.c_long

    def call(root: int, path: str, flags: int) -> int | None:
        how = _OpenHow(flags, 0, _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS | _RESOLVE_NO_SYMLINKS)
        name = ctypes.c_char_p(os.fsencode(path))
        size = ctypes.c_size_t(ctypes.sizeof(how))
        descriptor = syscall(ctypes.c_long(_SYS_OPENAT2), ctypes.c_int(root), name, ctypes.byref(how), size)
        if descriptor >= 0:
            return int(descriptor)
        number = ctypes.get_errno()
        if number in _WALK_INSTEAD:
            return None
        raise OSError(number, os.strerror(number), path)

    return call


def walk_beneath(root: int, parts: Parts, flags: int) -> tuple[int, Parts]:
    """Do the same as `open_beneath`, component by component; for systems without `openat2`, and paths with links."""
    pending = list(reversed(parts))
    held: list[int] = [root]
    real: list[str] = []
    links = 0
    try:
        while pending:
            name = pending.pop()
            if name == "..":
                _step_back(held, real)
                continue
            if name in ("", "."):
                continue
            check_name(name)
            target = _link_target(held[-1], name)
            if target is not None:
                links += 1
                pending.extend(_link_parts(target, links))
            elif any(rest not in ("", ".") for rest in pending):
                held.append(os.open(name, _DIRECTORY, dir_fd=held[-1]))
                real.append(name)
            else:
                return os.open(name, flags | _NO_FOLLOW, dir_fd=held[-1]), (*real, name)
        return os.open(".", flags | _NO_FOLLOW, dir_fd=held[-1]), tuple(real)
    finally:
        for descriptor in held[1:]:
            os.close(descriptor)


def _step_back(held: list[int], real: list[str]) -> None:
    if not real:
        raise OutsideError("a link leads out of the config repo")
    os.close(held.pop())
    real.pop()


def _link_target(parent: int, name: str) -> str | None:
    try:
        return os.readlink(name, dir_fd=parent)
    except OSError as error:
        if error.errno == errno.EINVAL:  # not a link
            return None
        raise


def _link_parts(target: str, links: int) -> list[str]:
    if target.startswith("/"):
        raise OutsideError("a link leads out of the config repo (it is absolute)")
    if links > _LINK_LIMIT:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return list(reversed(target.split("/")))
