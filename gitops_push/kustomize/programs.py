"""The programs that a build may need. The builder says what it wants; how they run is decided by whoever builds."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final, Protocol

from gitops_push.kustomize.errors import network_source
from gitops_push.kustomize.git_url import LocalRepository


class Programs(Protocol):
    """Runs programs for a build. Every method raises `BuildError` at the place of the entry that asks for it."""

    def clone(self, repository: LocalRepository) -> PurePath:
        """Return a folder with the files of a repository, which stays until the build has ended."""
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


NO_PROGRAMS: Final = NoPrograms()
