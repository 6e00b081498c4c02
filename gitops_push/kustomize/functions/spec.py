"""Which KRM function an object asks for by its annotation, and whether this build may run it.

    metadata:
      annotations:
        config.kubernetes.io/function: |
          exec: {path: ./functions/label.sh}

Source: https://github.com/kubernetes-sigs/kustomize, kyaml/fn/runtime/runtimeutil.
"""

from __future__ import annotations

from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.tree import Fields, Node
from gitops_push.documents.reader import Dialect
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.loader import Loader
from gitops_push.kustomize.marks import place_of
from gitops_push.kustomize.resource import Resource
from gitops_push.kustomize.typed_fields import Text

_ANNOTATIONS: Final = ("config.kubernetes.io/function", "config.k8s.io/function")
_CONTAINER: Final = "config.kubernetes.io/container"
_DISABLED: Final = "external plugins disabled"
_NO_PLUGINS: Final = (
    "for a builtin plugin write `apiVersion: builtin`; make another one a KRM function: a program of the repo, named "
    "by the annotation config.kubernetes.io/function"
)


def is_function(config: Resource) -> bool:
    """Return whether an object configures a function rather than a plugin."""
    annotations = config.metadata.get("annotations")
    return isinstance(annotations, Fields) and any(name in annotations for name in (*_ANNOTATIONS, _CONTAINER))


def program_of(config: Resource, loader: Loader) -> str:
    """Return the path in the repo of the program that a function runs.

    Raises `BuildError`: it runs otherwise (containers, Starlark), or there is no such file in the repo.
    """
    path = _exec_path(config, loader)
    if loader.boundary:
        raise invalid(
            f"the function {path.value!r} comes with a git repository, and only programs of this repo run",
            path.origin,
            "copy the program and its configuration into this repo",
        )
    return loader.program(path)


def unknown_plugin(config: Resource) -> BuildError:
    """Return the error of an object that is neither a builtin plugin nor a function."""
    message = (
        f"{_DISABLED}; unable to load external plugin '{config.kind}' ({config.api_version}): failed to load plugin, "
        "unable to find plugin root; plugins of Go and of the legacy exec style are not run"
    )
    return _refused(config, message, _NO_PLUGINS)


def _exec_path(config: Resource, loader: Loader) -> Text:
    spec, origin = _spec(config, loader)
    run = spec.get("exec")
    path = run.get("path") if isinstance(run, Fields) else None
    if isinstance(path, str) and path:
        return Text(path, origin)
    for kind in ("container", "starlark"):
        if spec.get(kind):
            message = f"couldn't execute function: the function {config.name!r} runs as {kind}, which is not supported"
            raise _refused(config, message, "make it a program of the repo: `exec: {path: ./program}`")
    raise _refused(config, f"the function {config.name!r} names no program", "write `exec: {path: ./program}`")


def _spec(config: Resource, loader: Loader) -> tuple[Fields, Node]:
    """Return what the annotation says, as a mapping, and where it stands."""
    annotations = config.metadata["annotations"]
    for name in _ANNOTATIONS:
        written = annotations.get(name)
        if isinstance(written, str):
            origin = place_of(annotations, name) or config.origin
            documents = loader.inline_documents(Text(written, origin), Dialect.KUBECTL)
            value = documents[0].value if documents else None
            return (value if isinstance(value, Fields) else Fields()), origin
    return Fields({"container": annotations.get(_CONTAINER)}), config.origin


def _refused(config: Resource, message: str, hint: str) -> BuildError:
    return BuildError(Problem(Code.KUSTOMIZATION_INVALID, message, config.origin, hint=hint))
