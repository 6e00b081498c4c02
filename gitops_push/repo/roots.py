"""Finds where a config repo begins and which config holds, by names of files alone: no git, nothing is read."""

from __future__ import annotations

from pathlib import Path

from gitops_push.repo.directory import CONFIG_NAMES
from gitops_push.system.files import RepoFiles


def root_of(folder: Path) -> Path:
    """Return the root of the checkout that holds a folder: git's, else that of a gitops-push.yaml, else itself."""
    return worktree_root(folder) or config_root(folder)


def worktree_root(folder: Path) -> Path | None:
    """Return the nearest folder upward with a `.git`: a directory, or the file of a worktree or submodule."""
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return candidate
    return None


def config_root(folder: Path) -> Path:
    """Return the nearest folder upward with a gitops-push.yaml, else the folder."""
    for candidate in (folder, *folder.parents):
        if any((candidate / name).is_file() for name in CONFIG_NAMES):
            return candidate
    return folder


def find_config(files: RepoFiles, folder: str = ".") -> str | None:
    """Return the config file of `folder`, or of the nearest folder above it up to the root; None if there is none."""
    while True:
        for name in CONFIG_NAMES:
            path = files.resolve(folder, name)
            if files.is_file(path):
                return path
        if folder == ".":
            return None
        folder = folder.rpartition("/")[0] or "."
