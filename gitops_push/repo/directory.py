"""Reads a directory (or one file) of plain manifests exactly as `kubectl apply -f` reads it.

Files that end in .json, .yaml or .yml, in the order of their names; subdirectories only when asked to, in the same
walk; several documents in a file; empty documents are passed over; lists are taken apart.
Source: FileVisitor, StreamVisitor and FlattenListVisitor of k8s.io/cli-runtime, and `UnstructuredList` of apimachinery.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from gitops_push.core.codes import Code
from gitops_push.core.environment import DirectorySource
from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Node, as_origin, put, start_of
from gitops_push.documents.reader import Dialect, Document, Usage, read_documents
from gitops_push.system.files import RepoFiles

EXTENSIONS: Final = (".json", ".yaml", ".yml")
KUSTOMIZATION_NAMES: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")
CONFIG_NAMES: Final = ("gitops-push.yaml", ".gitops-push.yaml")


@dataclass(frozen=True, slots=True)
class ReadObject:
    """An object as a file holds it: not yet checked, so `body` may be anything. `origin` is where it begins."""

    body: Node = field(repr=False)
    origin: Origin


@dataclass(frozen=True, slots=True)
class DirectoryContent:
    """All objects of a directory in reading order, and the warnings of the reader."""

    objects: tuple[ReadObject, ...]
    warnings: tuple[Problem, ...] = ()


def read_directory(files: RepoFiles, source: DirectorySource, usage: Usage | None = None) -> DirectoryContent:
    """Return the objects of a directory of manifests; `usage` is the running count of the whole build.

    Raises `BuildError` with the problems of all files: unreadable ones, broken documents, a kustomization among them.
    """
    objects: list[ReadObject] = []
    warnings: list[Problem] = []
    problems: list[Problem] = []
    for path in manifest_files(files, source):
        try:
            documents = _read_file(files, path, usage)
        except BuildError as error:
            problems.extend(error.problems)
            continue
        for document in documents:
            warnings.extend(document.warnings)
            objects.extend(objects_of(document))
    if problems:
        raise BuildError(problems)
    return DirectoryContent(tuple(objects), tuple(warnings))


def manifest_files(files: RepoFiles, source: DirectorySource) -> tuple[str, ...]:
    """Return the files that belong to the source, in reading order; a single file belongs whatever its ending."""
    if files.is_file(source.path):
        return (source.path,)
    if source.recursive:
        found = tuple(files.walk(source.path))
    else:
        found = tuple(
            files.resolve(source.path, entry.name) for entry in files.entries(source.path) if not entry.is_dir
        )
    return tuple(path for path in found if _is_manifest(path))


def kustomization_of(files: RepoFiles, path: str) -> str:
    """Return the kustomization file of a directory, or "" when it has none."""
    for name in KUSTOMIZATION_NAMES:
        candidate = files.resolve(path, name)
        if files.is_file(candidate):
            return candidate
    return ""


def _is_manifest(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(EXTENSIONS) and name not in CONFIG_NAMES


def _read_file(files: RepoFiles, path: str, usage: Usage | None) -> tuple[Document, ...]:
    if path.rpartition("/")[2] in KUSTOMIZATION_NAMES:
        message = f"{path} is a kustomization, but its directory is to be read as plain manifests"
        folder = path.rpartition("/")[0] or "."
        hint = f"use 'kustomize: {folder}' as the source, or move the kustomization elsewhere"
        raise BuildError(Problem(Code.MANIFEST_INVALID, message, Origin(path), hint=hint))
    return read_documents(files.read(path), path, Dialect.KUBECTL, usage=usage)


def objects_of(document: Document) -> Iterator[ReadObject]:
    """Yield the object of a document, or the items of a list; a list in a list stays one, and is refused later."""
    origin = start_of(document.value) or Origin(document.file, document.start_line, 1)
    items = _items_of(document.value)
    if items is None:
        yield ReadObject(document.value, origin)
        return
    for item in items:
        yield ReadObject(item, start_of(item) or origin)


def _items_of(body: Node) -> list[Any] | None:
    """Return the items of a list kind, each with the type that the list implies, or None for any other object."""
    kind, items = (body.get("kind"), body.get("items")) if isinstance(body, dict) else (None, None)
    if not isinstance(kind, str) or not kind.endswith("List") or not isinstance(items, list):
        return None
    if kind != "List":
        for item in items:
            _add_type(item, body)
    return items


def _add_type(item: Node, whole: Fields) -> None:
    """Give an item of a ConfigMapList the apiVersion and kind that it may leave out. Changes `item`."""
    if not isinstance(item, Fields) or item.get("kind") or item.get("apiVersion"):
        return
    place = as_origin(whole.start, whole.file)
    put(item, "apiVersion", whole.get("apiVersion"), place)
    put(item, "kind", whole["kind"].removesuffix("List"), place)
