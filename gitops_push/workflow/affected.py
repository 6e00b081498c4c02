"""Which environments the commits of a range can change, by what the build of each looks at. Asks git, and builds.

A base that does not exist, a file that git does not know, a program that may read anything: all of that counts as
affected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gitops_push.core.codes import Code
from gitops_push.core.environment import Environment, HelmSource, KustomizeSource, Source
from gitops_push.core.errors import BuildError, ConfigError, Problem
from gitops_push.core.inputs import Inputs, TreeEntry, changes_between, without_origins
from gitops_push.repo.build import build_manifests
from gitops_push.repo.commit_tree import find_commit
from gitops_push.repo.config import Config
from gitops_push.repo.environments import Asked, load_environments, load_nearest_config, named_entries
from gitops_push.repo.git_program import Git
from gitops_push.repo.trees import tree_at, tree_of_checkout
from gitops_push.system.files import RepoFiles, Sightings
from gitops_push.system.process import ProcessError
from gitops_push.workflow.history import workspace_at
from gitops_push.workflow.settings import Settings, Watcher
from gitops_push.workflow.workspace import Workspace, open_workspace

_NO_COMMIT: Final = re.compile("0{40}|0{64}")
"""What CI systems give for the commit before the first push of a branch."""


@dataclass(frozen=True, slots=True)
class AffectedEnvironment:
    """An environment that may have changed, and the path (or why nobody can know) that is the first reason."""

    environment: Environment
    reason: str


@dataclass(frozen=True, slots=True)
class Affected:
    """What a range of commits affects, sorted by name; `gone` are environments that only its beginning has."""

    environments: tuple[AffectedEnvironment, ...]
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Range:
    """`before` "" is a base that does not exist, `after` "" is the checkout as it lies there."""

    before: str
    after: str


def affected_environments(settings: Settings, asked: str, watcher: Watcher) -> Affected:
    """Return the environments that a range of commits can change.

    `asked` is `BASE..HEAD`, `BASE...HEAD` (from where HEAD left BASE), or `BASE` (up to the files as they lie there).
    Raises `ConfigError`: no git, a commit that is not in this clone, a config with problems.
    """
    workspace = open_workspace(settings, ".", watcher)
    git = Git(Path(workspace.checkout.root), settings.environ)
    wanted = _range_of(git, asked)
    with _opened(workspace, git, wanted.after, settings) as (now, tree):
        sightings = Sightings()
        config = _config_of(now, settings, sightings)
        if config is None:
            return Affected(())
        found = load_environments(now.checkout, RepoFiles(now.checkout.root, sightings=sightings), config)
        if not wanted.before:
            return Affected(tuple(AffectedEnvironment(each, "there is no commit before") for each in found))
        changes = changes_between(tree_at(git, wanted.before), tree)
        before = _before(workspace, wanted.before, settings) if changes.reason(sightings.inputs()) else None
        affected = []
        with watcher.working(f"building {len(found)} environments"):
            for environment in found:
                reason = "" if before is None else before.reason(environment)
                reason = reason or changes.reason(_inputs_of(now, environment, settings))
                affected += [AffectedEnvironment(environment, reason)] if reason else []
        names = {each.name for each in found}
        gone = tuple(sorted(before.names - names)) if before is not None else ()
        return Affected(tuple(affected), gone)


def _range_of(git: Git, asked: str) -> _Range:
    before, dots, after = asked.partition("...") if "..." in asked else asked.partition("..")
    if not before or (dots and not after):
        hint = "write BASE..HEAD, BASE...HEAD, or BASE for all that is new in this checkout"
        raise ConfigError(Problem(Code.COMMIT_MISSING, f"{asked!r:.100} is no range of commits", hint=hint))
    after = find_commit(git, after) if after else ""
    if _NO_COMMIT.fullmatch(before):
        return _Range("", after)
    base = find_commit(git, before)
    return _Range(_merge_base(git, base, after) if dots == "..." else base, after)


def _merge_base(git: Git, before: str, after: str) -> str:
    try:
        done = git.run("merge-base", before, after)
    except ProcessError as error:
        raise ConfigError(Problem(Code.CHECKOUT_UNUSABLE, f"git merge-base fails: {error}")) from error
    if done.returncode:
        message = f"{before[:12]} and {after[:12]} have no common ancestor in this clone"
        hint = "fetch the whole history (fetch-depth: 0 in actions/checkout, git fetch --unshallow)"
        raise ConfigError(Problem(Code.COMMIT_MISSING, message, hint=hint))
    return done.stdout.decode("ascii").split()[0]


@contextmanager
def _opened(
    workspace: Workspace, git: Git, after: str, settings: Settings
) -> Iterator[tuple[Workspace, Mapping[str, TreeEntry]]]:
    """Give the end of the range and its tree: the checkout, where that is what is asked for, or another commit."""
    checkout = workspace.checkout
    if not after or (after == checkout.commit and not checkout.dirty):
        yield workspace, tree_of_checkout(git, checkout.commit)
        return
    with workspace_at(workspace, after, settings) as past:
        yield past.then, tree_at(git, after)


def _config_of(space: Workspace, settings: Settings, sightings: Sightings | None = None) -> Config | None:
    files = RepoFiles(space.checkout.root, sightings=sightings)
    return load_nearest_config(space.checkout, files, Asked("", space.folder, settings.config_file))


@dataclass(frozen=True, slots=True)
class _Before:
    """The environments at the beginning of a range without the places of their lines; `problem` if nobody knows."""

    entries: Mapping[str, Any]
    names: frozenset[str] = frozenset()
    problem: str = ""

    def reason(self, environment: Environment) -> str:
        if self.problem:
            return self.problem
        if environment.name not in self.names:
            return "it is new"
        same = self.entries[environment.name] == without_origins(environment)
        return "" if same else f"its entry in {environment.origin.file}"


def _before(workspace: Workspace, commit: str, settings: Settings) -> _Before:
    try:
        with workspace_at(workspace, commit, settings) as past:
            there = past.settings(settings)
            config = _config_of(past.then, there)
            if config is None:
                return _Before({})
            names = frozenset(each.name for each in named_entries(past.then.files, config))
            found = load_environments(past.then.checkout, past.then.files, config)
            return _Before({each.name: without_origins(each) for each in found}, names)
    except (ConfigError, BuildError) as error:
        return _Before({}, problem=f"the config of {commit[:12]} cannot be read: {error.problems[0].message}")


def _inputs_of(space: Workspace, environment: Environment, settings: Settings) -> Inputs:
    """Build an environment, and return what that looked at; a build that fails fails by what it has seen until then."""
    for source in environment.sources:
        if isinstance(source, KustomizeSource) and (source.builder or source.options.enable_exec):
            return Inputs(unknown=f"{source.path} is built with a program that may read anything")
    sightings = Sightings()
    files = RepoFiles(space.checkout.root, sightings=sightings)
    try:
        build_manifests(space.checkout, files, environment, settings.environ)
    except BuildError as error:
        if any(_runs_helm(source) for source in environment.sources):  # it may be helm that is missing
            return Inputs(unknown=f"it cannot be built: {error.problems[0].message}")
    finally:
        files.close()
    return sightings.inputs()


def _runs_helm(source: Source) -> bool:
    return isinstance(source, HelmSource) or (isinstance(source, KustomizeSource) and source.options.enable_helm)
