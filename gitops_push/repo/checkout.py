"""Reads the git facts of a checkout: root, commit, branch, whether it is dirty, where it came from. Never writes.

A checkout that belongs to another user (usual in CI containers) is read all the same: git refuses those because their
configuration could name programs to run, and here none of them is run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from gitops_push.core.checkout import Checkout
from gitops_push.core.codes import Code
from gitops_push.core.errors import ConfigError, Problem
from gitops_push.repo.git_program import Git
from gitops_push.repo.roots import config_root, worktree_root
from gitops_push.system.process import Completed, ProcessError, ProgramMissingError


def read_checkout(start: Path, environ: Mapping[str, str]) -> Checkout:
    """Return the checkout that holds `start`, an existing directory or file.

    Outside git, or without a git program, the root is the nearest folder upward that holds a gitops-push.yaml, else the
    folder of `start`. Of `environ` git gets PATH and HOME only. Raises `ConfigError` when `start` does not exist or git
    fails.
    """
    folder = _existing_folder(start)
    worktree = worktree_root(folder)
    if worktree is None:
        return Checkout(root=config_root(folder))
    try:
        return _read_git(Git(worktree, environ))
    except ProgramMissingError:
        return Checkout(root=worktree)
    except ProcessError as error:
        raise _unusable(worktree, str(error)) from error


def is_tracked(checkout: Checkout, path: Path, environ: Mapping[str, str]) -> bool:
    """Return whether git tracks a file of the checkout; False outside git or where git cannot tell."""
    if not checkout.commit:
        return False
    try:
        found = Git(Path(checkout.root), environ).run("ls-files", "--error-unmatch", "--", str(path))
    except ProcessError:
        return False
    return found.returncode == 0


def strip_credentials(url: str) -> str:
    """Return a remote's URL without user, password, query and fragment; `git@host:path` keeps its form without user."""
    if "://" not in url:
        head, slash, path = url.partition("/")
        return f"{head.rpartition('@')[2]}{slash}{path}"
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _existing_folder(start: Path) -> Path:
    try:
        found = start.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise _unusable(start, "there is no such file or directory") from error
    return found if found.is_dir() else found.parent


def _read_git(git: Git) -> Checkout:
    top = git.run("rev-parse", "--show-toplevel")
    if top.returncode:
        raise _unusable(git.folder, _first_line(top.stderr))
    return Checkout(
        root=Path(os.fsdecode(top.stdout.removesuffix(b"\n"))),  # a folder's name may be any bytes
        commit=_answer(git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")),
        branch=_answer(git.run("symbolic-ref", "--quiet", "--short", "HEAD")),
        dirty=_is_dirty(git),
        origin_url=strip_credentials(_answer(git.run("config", "--get", "remote.origin.url"))),
    )


def _is_dirty(git: Git) -> bool:
    """Return whether a tracked file differs or an untracked one is there; what is ignored does not count.

    In a checkout of another user no command of its configuration runs: no filters, and submodules are compared by
    their commits only.
    """
    foreign = _is_foreign(git.folder)
    submodules = "--ignore-submodules=dirty" if foreign else "--ignore-submodules=none"
    without_filters = _without_filters(git) if foreign else ()
    status = git.run(*without_filters, "status", "--porcelain", "-z", "--untracked-files=normal", submodules)
    if status.returncode:
        raise _unusable(git.folder, _first_line(status.stderr))
    return bool(status.stdout)


def _is_foreign(folder: Path) -> bool:
    return (folder / ".git").lstat().st_uid not in {os.getuid(), 0}


def _without_filters(git: Git) -> tuple[str, ...]:
    names = git.run("config", "--local", "--name-only", "--get-regexp", r"^filter\.").stdout.decode("utf-8", "replace")
    return tuple(part for name in names.split() for part in ("-c", f"{name}="))


def _answer(completed: Completed) -> str:
    """Return the first line of a question that git answers with a status: "" for no."""
    return _first_line(completed.stdout) if completed.returncode == 0 else ""


def _first_line(output: bytes) -> str:
    return output.decode("utf-8", "replace").partition("\n")[0].strip()


def _unusable(place: Path, reason: str) -> ConfigError:
    return ConfigError(Problem(Code.CHECKOUT_UNUSABLE, f"cannot use the checkout {place}: {reason}"))
