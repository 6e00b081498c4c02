"""Runs the programs that a build needs, as far as the options of the build allow them.

What starts them is loaded when one is: most builds need none.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

from gitops_push.core.build_options import BuildOptions
from gitops_push.kustomize.git_url import LocalRepository
from gitops_push.kustomize.programs import ChartRequest, FunctionCall, helm_not_allowed


@dataclass(frozen=True, slots=True)
class LocalPrograms:
    """The programs of this machine. `folder` is private and holds what they leave; `environ` is the caller's."""

    options: BuildOptions
    root: Path
    folder: Path
    environ: Mapping[str, str]

    def clone(self, repository: LocalRepository) -> PurePath:
        """Return a folder with the files of a repository of this machine. Raises `BuildError`."""
        from gitops_push.repo.local_git import LocalGit

        root = None if self.options.git_outside else self.root
        return LocalGit(self.folder, self.environ.get("PATH", ""), root).clone(repository)

    def render_chart(self, request: ChartRequest) -> bytes:
        """Return what helm prints for a chart, if the options allow helm. Raises `BuildError`."""
        if not self.options.enable_helm:
            raise helm_not_allowed(request.chart)
        from gitops_push.repo.helm import render_chart

        return render_chart(request, self.options.helm, self.folder, self.environ)

    def run_function(self, call: FunctionCall) -> bytes:
        """Return what a function prints, if the options allow it. Raises `BuildError`."""
        from gitops_push.repo.functions import run_function

        return run_function(call, self.options, self.root, self.folder, self.environ)


@contextmanager
def private_folder() -> Iterator[Path]:
    """Give a folder that only we can enter, and remove it with all that is in it."""
    with tempfile.TemporaryDirectory(prefix="gitops-push-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
