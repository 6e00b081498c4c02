"""Finds how far a kustomization reaches, where nothing else says what the config repo is.

Outside git and without a gitops-push.yaml a path is built as kustomize builds it: bases may be anywhere. The root is
then the nearest folder that holds everything the kustomizations name, so that an overlay finds its `../../base`, and
nothing further up is ever read. It is never the root of the file system: whoever names files all over the machine must
say where the repo is (`git init`, or a gitops-push.yaml).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Final

from gitops_push.core.errors import BuildError
from gitops_push.core.tree import Node
from gitops_push.documents.reader import Dialect, read_documents
from gitops_push.kustomize.loader import RULES
from gitops_push.repo.directory import CONFIG_NAMES, kustomization_of
from gitops_push.system.files import RepoFiles

_MAX_KUSTOMIZATIONS: Final = 1_000
_EVERYTHING: Final = PurePath("/")
_URL: Final = "file://"


def reach_of(root: PurePath, start: PurePath) -> PurePath:
    """Return `root`, or the nearest folder above it that holds all that the kustomization in `start` leads to.

    Both are absolute and without links. Reads kustomization files only; those that cannot be read lead nowhere here,
    and the build says what is wrong with them.
    """
    for path in _named_from(RepoFiles(_EVERYTHING), str(start).lstrip("/")):
        reached = PurePath(os.path.commonpath((root, path)))
        root = root if reached == _EVERYTHING else reached
    return root


def _named_from(files: RepoFiles, start: str) -> Iterator[str]:
    """Yield the absolute paths that the kustomizations reached from `start` name outside their own directories.

    What lies beneath a directory is where that is, and each directory reached is yielded with its links followed.
    """
    pending, seen = [start], {start}
    while pending and len(seen) <= _MAX_KUSTOMIZATIONS:
        directory = pending.pop()
        for text in _texts_of(files, directory):
            path = _path_in(files, directory, text)
            if not path.startswith(f"{directory}/") and _is_there(files, path):
                yield f"/{path}"
            base = _base(files, path)
            if base and base not in seen:
                seen.add(base)
                yield f"/{base}"
                pending.append(base)


def _texts_of(files: RepoFiles, directory: str) -> Iterator[str]:
    """Yield all texts of one line in the kustomization of a directory."""
    try:
        file = kustomization_of(files, directory)
        rules = RULES[Dialect.KUBECTL]
        documents = read_documents(files.read(file), file, Dialect.KUBECTL, rules=rules) if file else ()
    except BuildError:  # cannot be read: the build says so
        return
    pending: list[Node] = [document.value for document in documents]
    while pending:
        match pending.pop():
            case dict() as fields:
                pending.extend(fields.values())
            case list() as items:
                pending.extend(items)
            case str() as text if "\n" not in text and "\0" not in text and text:
                yield text


def _path_in(files: RepoFiles, directory: str, text: str) -> str:
    """Return the path that a text of a kustomization may mean, without the leading slash; `key=path` is a path too.

    Of a `file://` URL it is as much as is there: what follows is a path inside the repository.
    """
    if text.startswith(_URL):
        path = os.path.normpath(text.removeprefix(_URL).partition("?")[0]).lstrip("/")
        while path and not _is_there(files, path):
            path = path.rpartition("/")[0]
        return path
    name, equals, value = text.partition("=")
    return os.path.normpath(f"/{directory}/{value if equals and '/' not in name else text}").lstrip("/")


def _is_there(files: RepoFiles, path: str) -> bool:
    try:
        return bool(path) and files.exists(path)
    except BuildError:
        return False


def _base(files: RepoFiles, path: str) -> str:
    """Return the directory without links if there is a kustomization in it, else ""."""
    try:
        return files.real_path(path) if path and files.is_dir(path) and kustomization_of(files, path) else ""
    except BuildError:
        return ""


def is_marked(root: Path) -> bool:
    """Return whether something says that a folder is the root of a config repo."""
    return any((root / name).exists() for name in (".git", *CONFIG_NAMES))
