"""Finds what can be deployed in a repo without any config, and makes an environment of a path."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.environment import Cluster, DirectorySource, Environment, KustomizeSource, Source
from gitops_push.core.errors import BuildError, ConfigError, Problem
from gitops_push.core.kinds import split_api_version
from gitops_push.core.names import wrong_label
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Node, origin_at
from gitops_push.documents.reader import Dialect, read_documents, read_one
from gitops_push.repo.declarations import DECLARATIONS, declaration_problem, may_declare, only_declares
from gitops_push.repo.directory import CONFIG_NAMES, EXTENSIONS, KUSTOMIZATION_NAMES, kustomization_of
from gitops_push.system.files import RepoFiles

PATH_PREFIX: Final = "path."
_DEFAULT_NAMESPACE: Final = "default"
_CHART_NAME: Final = "Chart.yaml"
_NAME_LIMIT: Final = 63
_KEPT: Final = 40


class CandidateKind(StrEnum):
    """What a directory is. `DECLARATIONS` holds nothing but applications declared for Argo CD or Flux."""

    KUSTOMIZATION = "kustomization"
    COMPONENT = "component"
    DIRECTORY = "directory"
    DECLARATIONS = "declarations"
    CHART = "chart"


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """A directory that may be a source. `namespace` is the one its kustomization sets, or "".

    `is_base` says that another kustomization of the repo uses it: it is a part, not something to deploy.
    """

    path: str
    kind: CandidateKind
    namespace: str = ""
    is_base: bool = False


def path_environment(files: RepoFiles, path: str, namespace: str, project: str) -> Environment:
    """Return the environment of a path: a directory with a kustomization, one of plain manifests, or one file.

    Its name is made of the path. Objects without a namespace go to `namespace`, else to the one the kustomization
    names, else to "default". Raises `ConfigError` for a chart.
    """
    if namespace and wrong_label(namespace):
        raise ConfigError(Problem(Code.CONFIG_INVALID_VALUE, f"the namespace {namespace!r} {wrong_label(namespace)}"))
    folder, _, last = path.rpartition("/")
    path = (folder or ".") if last in KUSTOMIZATION_NAMES else path
    kustomization = kustomization_of(files, path) if files.is_dir(path) else ""
    found, origin = _namespace_of(files, kustomization) if kustomization else ("", None)
    return Environment(
        name=path_name(path),
        project=project,
        cluster=Cluster(""),
        namespace=namespace or found or _DEFAULT_NAMESPACE,
        sources=(_source_of(files, path, kustomization),),
        origin=Origin(kustomization or path),
        namespace_origin=None if namespace else origin,
        declared=False,
        fills_namespace=bool(namespace),
    )


def path_name(path: str) -> str:
    """Return the name of a path's environment: `path.apps.web.overlays.prod`.

    Different paths have different names: one that cannot be written this way is shortened and gets a hash. No name of
    the config begins with `path.`.
    """
    name = PATH_PREFIX + path.replace("/", ".")
    if all(not wrong_label(part) for part in path.split("/")) and len(name) <= _NAME_LIMIT:
        return name
    parts = (re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in path.split("/"))
    whole = ".".join(part for part in parts if part)
    kept = whole if len(whole) <= _KEPT else whole[-_KEPT:].partition(".")[2] or whole[-_KEPT:].strip("-")
    digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:10]
    return f"{PATH_PREFIX}{kept}-{digest}" if kept else f"{PATH_PREFIX}{digest}"


def find_candidates(files: RepoFiles) -> tuple[Candidate, ...]:
    """Return all directories of the repo that may be deployed or be part of it, sorted by path.

    Directories inside a chart, and hidden ones, are passed over. Files that cannot be read are no candidates here; the
    build says what is wrong with them.
    """
    found = sorted(_candidates_beneath(files, "."))
    bases = frozenset(base for item in found for base in _bases_of(files, item))
    plain = _without_parts(files, found)
    return tuple(Candidate(item.path, item.kind, item.namespace, item.path in bases) for item in plain)


def _source_of(files: RepoFiles, path: str, kustomization: str) -> Source:
    if kustomization:
        return KustomizeSource(path, Origin(kustomization))
    if files.is_dir(path) and files.is_file(files.resolve(path, _CHART_NAME)):
        raise ConfigError(Problem(Code.CONFIG_NOT_SUPPORTED_YET, f"{path} is a chart; charts are not supported yet"))
    for file in _declaring_files(files, path):
        _refuse_declaration(files, file)
    return DirectorySource(path, Origin(path))


def _declaring_files(files: RepoFiles, path: str) -> list[str]:
    """Return the file itself, or those of a directory that holds nothing but declarations; none where none can be."""
    if files.is_file(path):
        return [path] if _may_declare(files, path) else []
    names = {entry.name for entry in files.entries(path) if not entry.is_dir} if files.is_dir(path) else set()
    manifests = [files.resolve(path, name) for name in sorted(names) if name.endswith(EXTENSIONS)]
    if not any(_may_declare(files, file) for file in manifests):
        return []
    candidate = _candidate(files, path, names)
    return manifests if candidate is not None and candidate.kind is CandidateKind.DECLARATIONS else []


def _may_declare(files: RepoFiles, path: str) -> bool:
    try:
        return may_declare(files.read(path))
    except BuildError:  # the build reads it again and says what is wrong
        return False


def _refuse_declaration(files: RepoFiles, path: str) -> None:
    """Raise `ConfigError` for a file that declares an application: deploying the declaration is not what is meant."""
    try:
        documents = read_documents(files.read(path), path, Dialect.KUBECTL)
    except BuildError:  # the build reads it again and says what is wrong
        return
    for document in documents:
        kind = _kind_of(document.value)
        if kind in DECLARATIONS:
            origin = Origin(path, document.start_line, 1)
            raise ConfigError(declaration_problem(files, document.value, kind, origin))


def _namespace_of(files: RepoFiles, kustomization: str) -> tuple[str, Origin | None]:
    """Return the namespace that a kustomization sets, and its line; "" where it cannot be read: the build says why."""
    tree = _tree_of(files, kustomization)
    namespace = tree.get("namespace") if isinstance(tree, dict) else None
    if not isinstance(namespace, str) or wrong_label(namespace):
        return "", None
    return namespace, origin_at(tree, ("namespace",))


def _tree_of(files: RepoFiles, path: str) -> object:
    try:
        return read_one(files.read(path), path, Dialect.KUBECTL).value
    except BuildError:
        return None


def _candidates_beneath(files: RepoFiles, top: str) -> Iterator[Candidate]:
    pending = [top]
    while pending:  # a stack, not recursion: a repo may be nested deeper than Python calls can be
        path = pending.pop()
        entries = files.entries(path)
        candidate = _candidate(files, path, {entry.name for entry in entries if not entry.is_dir})
        if candidate:
            yield candidate
        if candidate is None or candidate.kind is not CandidateKind.CHART:
            folders = [entry.name for entry in entries if entry.is_dir and not entry.is_link]
            pending.extend(files.resolve(path, name) for name in reversed(folders) if not name.startswith("."))


def _candidate(files: RepoFiles, path: str, names: Collection[str]) -> Candidate | None:
    """Return what the directory with these files is; None if there is nothing to deploy in it."""
    if _CHART_NAME in names:
        return Candidate(path, CandidateKind.CHART)
    kustomization = next((name for name in KUSTOMIZATION_NAMES if name in names), "")
    if kustomization:
        return _kustomization_candidate(files, path, files.resolve(path, kustomization))
    kinds = [kind for name in sorted(names) for kind in _kinds_in(files, files.resolve(path, name))]
    if not kinds:
        return None
    return Candidate(path, CandidateKind.DECLARATIONS if only_declares(kinds) else CandidateKind.DIRECTORY)


def _kustomization_candidate(files: RepoFiles, path: str, kustomization: str) -> Candidate:
    tree = _tree_of(files, kustomization)
    component = isinstance(tree, dict) and tree.get("kind") == "Component"
    kind = CandidateKind.COMPONENT if component else CandidateKind.KUSTOMIZATION
    return Candidate(path, kind, _namespace_of(files, kustomization)[0])


def _kinds_in(files: RepoFiles, path: str) -> list[tuple[str, str]]:
    """Return (group, kind) of the objects in a file; none if anything in it is no object, as in values for a chart."""
    if not path.endswith(EXTENSIONS) or path.rpartition("/")[2] in CONFIG_NAMES:
        return []
    try:
        documents = read_documents(files.read(path), path, Dialect.KUBECTL)
    except BuildError:
        return []
    kinds = [_kind_of(document.value) for document in documents]
    return [kind for kind in kinds if kind] if all(kinds) else []


def _kind_of(body: Node) -> tuple[str, str] | None:
    if not isinstance(body, dict) or not {"apiVersion", "kind"} <= body.keys():
        return None
    return split_api_version(str(body["apiVersion"]))[0], str(body["kind"])


def _bases_of(files: RepoFiles, candidate: Candidate) -> Iterator[str]:
    """Yield the local paths that a kustomization names as resources, bases or components."""
    if candidate.kind not in {CandidateKind.KUSTOMIZATION, CandidateKind.COMPONENT}:
        return
    tree = _tree_of(files, kustomization_of(files, candidate.path))
    for key in ("resources", "bases", "components"):
        entries = tree.get(key) if isinstance(tree, dict) else None
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, str) and "://" not in entry:
                try:
                    yield files.resolve(candidate.path, entry)
                except BuildError:  # leads out of the repo; the build says so
                    continue


def _without_parts(files: RepoFiles, found: Iterable[Candidate]) -> list[Candidate]:
    """Return the candidates without plain directories beneath a kustomization: those hold its patches and resources."""
    found = list(found)
    roots = [item.path for item in found if item.kind in {CandidateKind.KUSTOMIZATION, CandidateKind.COMPONENT}]
    used = {base.rpartition("/")[0] for item in found for base in _bases_of(files, item)}
    return [
        item
        for item in found
        if item.kind is not CandidateKind.DIRECTORY
        or not (item.path in used or any(root == "." or item.path.startswith(f"{root}/") for root in roots))
    ]
