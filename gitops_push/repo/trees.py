"""What git has of the repo at a commit, and in the checkout: by path, with what tells one content from another."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import ConfigError, Problem
from gitops_push.core.inputs import PathKind, TreeEntry
from gitops_push.repo.git_program import Git
from gitops_push.system.process import ProcessError

_KINDS: Final = {"120000": PathKind.LINK, "160000": PathKind.SUBMODULE}
_IN_CHECKOUT: Final = "not committed"


def tree_at(git: Git, commit: str) -> dict[str, TreeEntry]:
    """Return the files, links and submodules of a commit. Raises `ConfigError` for a tree that git cannot read."""
    listing = _run(git, "ls-tree", "-r", "-z", "--full-tree", commit)
    return dict(_entry(line) for line in listing.split(b"\0") if line)


def tree_of_checkout(git: Git, commit: str) -> dict[str, TreeEntry]:
    """Return the same of the files as they lie there, committed or not, without those that git ignores."""
    tree = tree_at(git, commit)
    options = ("--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=none")
    for line in _run(git, "status", *options).split(b"\0"):
        path = os.fsdecode(line[3:]).rstrip("/")
        if path:
            entry = _on_disk(git.folder / path)
            tree.pop(path, None)
            tree.update({path: entry} if entry else {})
    return tree


def _entry(line: bytes) -> tuple[str, TreeEntry]:
    about, _, path = line.partition(b"\t")
    mode, _, object_id = about.decode("ascii").split()
    return os.fsdecode(path), TreeEntry(_KINDS.get(mode, PathKind.FILE), f"{mode} {object_id}")


def _on_disk(path: Path) -> TreeEntry | None:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return None
    if stat.S_ISDIR(mode):  # git descends into all others
        return TreeEntry(PathKind.SUBMODULE, _IN_CHECKOUT)
    return TreeEntry(PathKind.LINK if stat.S_ISLNK(mode) else PathKind.FILE, _IN_CHECKOUT)


def _run(git: Git, *arguments: str) -> bytes:
    try:
        done = git.run(*arguments)
    except ProcessError as error:
        raise _failed(arguments[0], str(error)) from error
    if done.returncode:
        raise _failed(arguments[0], done.stderr.decode("utf-8", "replace").strip())
    return done.stdout


def _failed(command: str, reason: str) -> ConfigError:
    message = f"git {command} fails: {reason}"
    return ConfigError(Problem(Code.CHECKOUT_UNUSABLE, message, hint="run in a clone of the config repo"))
