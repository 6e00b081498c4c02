"""`diff --base REF`: the builds of two commits, compared. No credential is read and no request is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from gitops_push import __version__
from gitops_push.core.build_comparison import BuildDiff, BuildRules, compare_builds
from gitops_push.core.codes import Code
from gitops_push.core.environment import Environment
from gitops_push.core.errors import BuildError, ConfigError, Problem
from gitops_push.core.objects import ManifestSet
from gitops_push.core.run import RunHeader
from gitops_push.repo.build import build_manifests
from gitops_push.workflow.history import PastWorkspace, workspace_at
from gitops_push.workflow.masking import redactor_of
from gitops_push.workflow.settings import Settings, Watcher
from gitops_push.workflow.workspace import Workspace, environment_of, names_in, open_workspace


@dataclass(frozen=True, slots=True)
class Base:
    """The other side of a comparison: the repo at a commit, by the name that was asked for."""

    ref: str
    past: PastWorkspace


@dataclass(frozen=True, slots=True)
class _Side:
    environment: Environment
    manifests: ManifestSet


@contextmanager
def opened_base(settings: Settings, ref: str, watcher: Watcher) -> Iterator[Base]:
    """Give the repo at a commit. Raises `ConfigError` where it is not in this clone, and `BuildError`."""
    workspace = open_workspace(settings, ".", watcher)
    with workspace_at(workspace, ref, settings) as past:
        for note in past.notes:
            watcher.warning(f"at {ref}: {note}")
        yield Base(ref, past)


def names_on_both_sides(settings: Settings, base: Base) -> tuple[str, ...]:
    """Return the environments of this checkout and of the base, sorted. Raises `ConfigError`."""
    with _named(base):
        earlier = names_in(base.past.then, base.past.settings(settings))
    return tuple(sorted({*names_in(base.past.now, settings), *earlier}))


def diff_builds(settings: Settings, name: str, base: Base, watcher: Watcher) -> tuple[RunHeader, BuildDiff]:
    """Return what differs between an environment's builds; one that a side does not have is empty there.

    Raises `ConfigError` for an environment that neither side has, and `BuildError` for a side that cannot be built.
    """
    with watcher.working(f"building {name} here and at {base.ref}"):
        after = _or_unknown(lambda: _build_here(settings, name, base.past.now))
        before = _or_unknown(lambda: _build_there(settings, name, base))
    if isinstance(after, ConfigError) and isinstance(before, ConfigError):
        raise after
    sides = [side for side in (before, after) if isinstance(side, _Side)]
    redactor = redactor_of(*((side.environment, side.manifests) for side in sides))
    watcher.secrets(redactor)
    for warning in _manifests(after).warnings:
        watcher.warning(warning)
    environment = sides[-1].environment
    sensitive = tuple(rule for side in sides for rule in side.environment.sensitive)
    rules = BuildRules(redactor, environment.ignore, sensitive)
    changes = compare_builds(_manifests(before).manifests, _manifests(after).manifests, rules)
    header = RunHeader(__version__, environment.name, base.past.now.checkout)
    return header, BuildDiff(environment.name, base.ref, base.past.then.checkout.commit, changes)


def _manifests(side: _Side | ConfigError) -> ManifestSet:
    return side.manifests if isinstance(side, _Side) else ManifestSet("", "", (), "")


def _or_unknown(build: Callable[[], _Side]) -> _Side | ConfigError:
    """Return a side, or the error that says that there is no such environment."""
    try:
        return build()
    except ConfigError as error:
        if any(problem.code is not Code.ENVIRONMENT_UNKNOWN for problem in error.problems):
            raise
        return error


def _build_here(settings: Settings, name: str, workspace: Workspace) -> _Side:
    environment = environment_of(workspace, settings, name)
    return _Side(environment, build_manifests(workspace.checkout, workspace.files, environment, settings.environ))


def _build_there(settings: Settings, name: str, base: Base) -> _Side:
    with _named(base):
        environment = base.past.environment(settings, name)
        return _Side(environment, base.past.build(settings, environment))


@contextmanager
def _named(base: Base) -> Iterator[None]:
    """Name the commit in what goes wrong there; its lines are not those of this checkout, so they stand in the text."""
    try:
        yield
    except (ConfigError, BuildError) as error:
        raise type(error)(_of_base(problem, base) for problem in error.problems) from error


def _of_base(problem: Problem, base: Base) -> Problem:
    place = f"{problem.origin}: " if problem.origin else ""
    return replace(problem, message=f"at {base.ref}: {place}{problem.message}", origin=None)
