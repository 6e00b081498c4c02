"""The config repo as it was at a commit: written from git's objects into a private folder, and built there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gitops_push.core.environment import Environment
from gitops_push.core.objects import ManifestSet
from gitops_push.repo.build import build_manifests
from gitops_push.repo.commit_tree import find_commit, write_commit
from gitops_push.repo.git_program import Git
from gitops_push.repo.programs import private_folder
from gitops_push.system.files import RepoFiles
from gitops_push.workflow.settings import Settings
from gitops_push.workflow.workspace import Workspace, environment_of


@dataclass(frozen=True, slots=True)
class PastWorkspace:
    """The repo at a commit. `now` is the checkout that it comes from; `notes` say what is not as a checkout has it."""

    now: Workspace
    then: Workspace
    notes: tuple[str, ...]

    def settings(self, settings: Settings) -> Settings:
        """Return the settings with the path of a config as it is there."""
        return replace(settings, config_file=self.path(settings.config_file))

    def path(self, text: str) -> str:
        """Return a name or path of the command line as it is there: an absolute one leads into the other folder."""
        if not text.startswith("/"):
            return text
        folder = Path(self.now.checkout.root) / self.now.folder
        relative = os.path.relpath(text, folder)
        return relative if relative.startswith(".") else f"./{relative}"

    def environment(self, settings: Settings, name: str) -> Environment:
        """Return an environment as that commit defines it. Raises `ConfigError`."""
        return environment_of(self.then, self.settings(settings), self.path(name))

    def build(self, settings: Settings, environment: Environment) -> ManifestSet:
        """Return the manifest set of an environment of that commit. Raises `BuildError`."""
        return build_manifests(self.then.checkout, self.then.files, environment, settings.environ)


@contextmanager
def workspace_at(workspace: Workspace, ref: str, settings: Settings) -> Iterator[PastWorkspace]:
    """Give the repo as it was at a commit; its files are removed afterwards.

    Raises `ConfigError` where the commit is not in this clone, and `BuildError` where its tree is not.
    """
    git = Git(Path(workspace.checkout.root), settings.environ)
    commit = find_commit(git, ref)
    with private_folder() as folder:
        # The folder's name is what identifies a repo without an origin.
        root = folder / (workspace.checkout.root.name or "root")
        root.mkdir(mode=0o700)
        notes = write_commit(git, commit, root)
        checkout = replace(workspace.checkout, root=root, commit=commit, branch="", dirty=False)
        files = RepoFiles(root)
        try:
            yield PastWorkspace(workspace, Workspace(checkout, files, workspace.folder), notes)
        finally:
            files.close()
