"""The programs that a build may need. The builder says what it wants; how they run is decided by whoever builds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final, Protocol

from gitops_push.core.errors import BuildError
from gitops_push.kustomize.errors import invalid, network_source
from gitops_push.kustomize.git_url import LocalRepository
from gitops_push.kustomize.helm.chart import HelmChart
from gitops_push.kustomize.resource import Resource
from gitops_push.system.files import RepoFiles

ALLOW_FUNCTIONS: Final = (
    "build with --enable-alpha-plugins --enable-exec, or name the program in gitops-push.yaml: "
    "`kustomize: {path: …, enableExec: [PROGRAM]}`"
)


@dataclass(frozen=True, slots=True)
class ChartRequest:
    """A chart to render: its folder in `files`, and the content of its values files, later ones winning."""

    chart: HelmChart
    files: RepoFiles
    directory: str
    values: bytes = field(repr=False)
    additional_values: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A KRM function to run: its program and the folder to run it in, as paths in the repo, and what it is given.

    `config` is the object that asks for it.
    """

    config: Resource
    program: str
    directory: str
    content: bytes = field(repr=False)


class Programs(Protocol):
    """Runs programs for a build. Every method raises `BuildError` at the place of the entry that asks for it."""

    def clone(self, repository: LocalRepository) -> PurePath:
        """Return a folder with the files of a repository, which stays until the build has ended."""
        ...

    def render_chart(self, request: ChartRequest) -> bytes:
        """Return what `helm template` prints for a chart."""
        ...

    def run_function(self, call: FunctionCall) -> bytes:
        """Return what a KRM function prints."""
        ...


class NoPrograms:
    """Refuses everything: the default of a build."""

    def clone(self, repository: LocalRepository) -> PurePath:
        """Refuse."""
        raise network_source(
            f"{repository.place.value!r} is a git repository, and this build starts no program",
            repository.place.origin,
            "copy the files into this repo, and name the local path here",
        )

    def render_chart(self, request: ChartRequest) -> bytes:
        """Refuse."""
        raise helm_not_allowed(request.chart)

    def run_function(self, call: FunctionCall) -> bytes:
        """Refuse."""
        raise functions_not_allowed(call.config)


def functions_not_allowed(config: Resource) -> BuildError:
    """Return the error of a function where nobody allowed functions to run."""
    return invalid(
        f"external plugins disabled; unable to load external plugin '{config.kind}'", config.origin, ALLOW_FUNCTIONS
    )


def helm_not_allowed(chart: HelmChart) -> BuildError:
    """Return the error of a chart where nobody allowed helm to run."""
    return invalid(
        f"the chart {chart.name!r} is rendered by helm, which is not allowed here: must specify --enable-helm",
        chart.origin,
        "build with --enable-helm, or write `kustomize: {path: …, enableHelm: true}` in gitops-push.yaml",
    )


NO_PROGRAMS: Final = NoPrograms()
