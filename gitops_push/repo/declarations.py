"""Files that declare an application for Argo CD or Flux: recognised, refused for now, with the way to go instead."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Node
from gitops_push.system.files import RepoFiles

DECLARATIONS: Final = frozenset(
    {
        ("argoproj.io", "Application"),
        ("argoproj.io", "ApplicationSet"),
        ("kustomize.toolkit.fluxcd.io", "Kustomization"),
        ("helm.toolkit.fluxcd.io", "HelmRelease"),
    }
)
_OPERATORS: Final = ("argoproj.io", "fluxcd.io")
_ITSELF: Final = "to apply the declaration itself, list it as a 'directory' source of an environment"


def may_declare(data: bytes) -> bool:
    """Return whether a file may declare an application. False is certain, and far cheaper to know than by parsing.

    An escape or another encoding than UTF-8 can spell a group in other bytes.
    """
    return b"\\" in data or b"\0" in data or any(group.encode() in data for group in _OPERATORS)


def only_declares(kinds: Iterable[tuple[str, str]]) -> bool:
    """Return whether objects of these (group, kind) are declarations, and what only an operator reads beside them."""
    kinds = tuple(kinds)
    return any(kind in DECLARATIONS for kind in kinds) and all(group.endswith(_OPERATORS) for group, _ in kinds)


def declaration_problem(files: RepoFiles, body: Node, kind: tuple[str, str], origin: Origin) -> Problem:
    """Return the problem of a path that holds a declaration; its hint is the command for the path that it declares."""
    message = f"{origin.file} declares an application ({' '.join(kind)}); those are not supported yet"
    path = _text(body, "spec", "source", "path") or _text(body, "spec", "path")
    namespace = _text(body, "spec", "destination", "namespace") or _text(body, "spec", "targetNamespace")
    hint = f"{_instead(files, path, namespace)}\n{_ITSELF}"
    return Problem(Code.CONFIG_NOT_SUPPORTED_YET, message, origin, hint=hint)


def _instead(files: RepoFiles, path: str, namespace: str) -> str:
    """Name the declared path if there is one; an Application may declare a path of another repo."""
    if not path:
        return "give the path of the manifests that it is about"
    flags = f" -n {shlex.quote(namespace)}" if namespace else ""
    shown = path.removeprefix("./")
    command = f"gitops-push diff {shlex.quote('./' + shown)}{flags}"
    if _is_in_repo(files, shown):
        return f"deploy the path that it names: {command}"
    return f"the path that it names, {shown}, is not here; run in a checkout of its repository: {command}"


def _is_in_repo(files: RepoFiles, path: str) -> bool:
    try:
        return files.is_dir(files.resolve(".", path))
    except BuildError:  # leads out of the repo, or is no path
        return False


def _text(node: Node, *keys: str) -> str:
    for key in keys:
        node = node.get(key) if isinstance(node, dict) else None
    return node if isinstance(node, str) else ""
