"""Builds a kustomization with kustomize itself, or with kubectl, where a person asks for that.

The program gets a home of its own, no kubeconfig and no way to the network: remote bases fail there as they do here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from gitops_push.core.build_options import BuildOptions, Reorder
from gitops_push.core.codes import Code
from gitops_push.core.environment import KustomizeSource
from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items, Node
from gitops_push.documents.reader import Dialect, read_documents
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.manifests import resources_of
from gitops_push.repo.offline import offline_environment
from gitops_push.system.process import ProcessError, ProgramMissingError, run

_TIMEOUT_SECONDS: Final = 300.0
_OUTPUT_LIMIT_BYTES: Final = 64 * 1024 * 1024


def build_elsewhere(
    source: KustomizeSource, program: str, root: Path, folder: Path, environ: Mapping[str, str]
) -> bytes:
    """Return what a program prints for a kustomization, with the options of the source.

    `program` is a name on the PATH of `environ`, or a path. `folder` is private, for what the program leaves. Raises
    `BuildError`: there is no such program, or it fails.
    """
    argv = [program, *_arguments(program, source.options), str(root / source.path)]
    try:
        done = run(
            argv,
            cwd=folder,
            environment=offline_environment(folder, environ),
            timeout_seconds=_TIMEOUT_SECONDS,
            output_limit_bytes=_OUTPUT_LIMIT_BYTES,
        )
    except ProgramMissingError as error:
        hint = "install it, or build with gitops-push itself (leave `builder` or --compare-with out)"
        raise invalid(f"there is no {program} on the PATH", source.origin, hint) from error
    except ProcessError as error:
        raise invalid(f"{program} did not build {source.path}: {error.reason}", source.origin) from error
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}"
        raise invalid(f"{program} cannot build {source.path}: {reason}", source.origin)
    return done.stdout


def objects_of(source: KustomizeSource, output: bytes, file: str) -> Iterator[tuple[Fields, Origin]]:
    """Yield the objects of a program's output; their place is the kustomization `file`, more is not known."""
    try:
        resources = resources_of(read_documents(output, file, Dialect.KUSTOMIZE))
    except BuildError as error:
        problems = [Problem(Code.MANIFEST_INVALID, item.message, source.origin) for item in error.problems]
        raise BuildError(problems) from error
    for resource in resources:
        yield _placed(resource.body, file), Origin(file)


def _arguments(program: str, options: BuildOptions) -> Iterator[str]:
    is_kubectl = Path(program).name.startswith("kubectl")
    yield "kustomize" if is_kubectl else "build"
    yield f"--load-restrictor={'LoadRestrictionsRootOnly' if options.restricted else 'LoadRestrictionsNone'}"
    if options.reorder is Reorder.NONE:
        yield "--reorder=none"
    if options.managed_by_label:
        yield "--enable-managedby-label"
    if options.enable_alpha_plugins:
        yield "--enable-alpha-plugins"
    if options.enable_exec and not is_kubectl:
        yield "--enable-exec"
    if options.enable_helm:
        yield from ("--enable-helm", f"--helm-command={options.helm.command}")
        yield from (f"--helm-api-versions={version}" for version in options.helm.api_versions)
        if options.helm.kube_version:
            yield f"--helm-kube-version={options.helm.kube_version}"


def _placed(value: Node, file: str) -> Node:
    """Return a tree whose values all stand at the kustomization, instead of at lines of an output nobody sees."""
    if isinstance(value, Fields):
        return Fields({key: _placed(item, file) for key, item in value.items()}, file=file, start=Origin(file))
    if isinstance(value, Items):
        return Items((_placed(item, file) for item in value), file=file, start=Origin(file))
    return value
