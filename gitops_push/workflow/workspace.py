"""The opened config repo, and the environments in it. Reads files and asks git; knows no cluster."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from gitops_push.core.checkout import Checkout
from gitops_push.core.codes import Code
from gitops_push.core.environment import Dependency, DirectorySource, Environment, HelmSource, KustomizeSource, Source
from gitops_push.core.errors import ConfigError, Problem, RefusedError
from gitops_push.repo.environments import (
    Asked,
    NamedEntry,
    load_environment,
    load_nearest_config,
    make,
    named_entries,
)
from gitops_push.repo.reach import is_marked, reach_of
from gitops_push.repo.roots import root_of
from gitops_push.system.files import RepoFiles
from gitops_push.workflow.settings import Settings, Watcher

if TYPE_CHECKING:
    from gitops_push.repo.config import Config


@dataclass(frozen=True, slots=True)
class Workspace:
    """The opened config repo, and the current folder in it (relative to the root)."""

    checkout: Checkout
    files: RepoFiles
    folder: str


@dataclass(frozen=True, slots=True)
class EnvironmentSummary:
    """An environment in a listing."""

    name: str
    cluster: str
    namespace: str
    sources: tuple[str, ...]


def open_workspace(settings: Settings, target: str, watcher: Watcher, *, asks_git: bool = True) -> Workspace:
    """Open the checkout of the current folder, or of the path that is asked for where that lies elsewhere.

    Without `asks_git` nothing but its root is known of the checkout, and no git is started.
    """
    folder = _resolved(settings.directory)
    path = _resolved(folder / target)
    if path.exists() and not path.is_relative_to(root_of(folder)):
        folder = path if path.is_dir() else path.parent
    checkout = _checkout_of(folder, settings) if asks_git else Checkout(root_of(folder))
    if path.exists() and not is_marked(Path(checkout.root)):
        start = path if path.is_dir() else path.parent
        checkout = replace(checkout, root=reach_of(checkout.root, start))
    watcher.root(Path(checkout.root))
    return Workspace(checkout, RepoFiles(checkout.root), folder.relative_to(checkout.root).as_posix())


def _checkout_of(folder: Path, settings: Settings) -> Checkout:
    from gitops_push.repo.checkout import read_checkout

    return read_checkout(folder, settings.environ)


def _resolved(path: Path) -> Path:
    """Return the path with all links followed. Raises `ConfigError` where the system does not take it for a path."""
    try:
        found = path.resolve()
        found.exists()
    except (OSError, ValueError, RuntimeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no path"
        message = f"cannot look at {str(path)[:200]!r}: {reason.lower()}"
        hint = "change to a directory that exists, and give the name of an environment or a path in the repo"
        raise ConfigError(Problem(Code.CHECKOUT_UNUSABLE, message, hint=hint)) from error
    return found


def environment_of(workspace: Workspace, settings: Settings, name: str) -> Environment:
    """Return the environment of a name or path, with what flags say in place of the config. Raises `ConfigError`."""
    asked = Asked(name, workspace.folder, settings.config_file, settings.namespace)
    environment = load_environment(workspace.checkout, workspace.files, asked)
    _dependencies(workspace, settings, environment)  # a name that is wrong is told by every command
    return _with_flags(environment, settings)


def dependencies_of(
    workspace: Workspace, settings: Settings, environment: Environment
) -> tuple[tuple[Dependency, Environment], ...]:
    """Return the environments that must be deployed before one, with the lines that say so. Raises `ConfigError`."""
    config, found = _dependencies(workspace, settings, environment)
    if config is None:
        return ()
    checkout, files = workspace.checkout, workspace.files
    return tuple((dependency, make(checkout, files, config, named)) for dependency, named in found)


def _dependencies(
    workspace: Workspace, settings: Settings, environment: Environment
) -> tuple[Config | None, tuple[tuple[Dependency, NamedEntry], ...]]:
    if not environment.depends_on:
        return None, ()
    from gitops_push.repo.dependencies import named_dependencies

    asked = Asked("", workspace.folder, settings.config_file)
    config = load_nearest_config(workspace.checkout, workspace.files, asked)
    if config is None:
        return None, ()
    return config, named_dependencies(workspace.checkout, workspace.files, config, environment)


def names_in(workspace: Workspace, settings: Settings) -> tuple[str, ...]:
    """Return the names of the config's environments, sorted, without making them. Raises `ConfigError`."""
    asked = Asked("", workspace.folder, settings.config_file)
    config = load_nearest_config(workspace.checkout, workspace.files, asked)
    return tuple(found.name for found in named_entries(workspace.files, config)) if config else ()


def summary_of(environment: Environment) -> EnvironmentSummary:
    """Return the line of a listing."""
    sources = tuple(_describe_source(source) for source in environment.sources)
    return EnvironmentSummary(environment.name, environment.cluster.name, environment.namespace, sources)


def _describe_source(source: Source) -> str:
    match source:
        case KustomizeSource():
            return f"kustomize: {source.path}"
        case DirectorySource():
            return f"directory: {source.path}"
        case HelmSource():
            return f"helm: {source.path}"
        case _:
            assert_never(source)


def check_checkout(checkout: Checkout, environment: Environment, settings: Settings) -> None:
    """Raise `RefusedError` unless what is applied is committed, where the environment is protected."""
    if environment.protected and checkout.dirty and not settings.allow_dirty:
        message = f"{environment.name} is protected, and the checkout has changes that are not committed"
        hint = "commit them, or apply with --allow-dirty"
        raise RefusedError(Problem(Code.REFUSED_BY_RULE, message, environment.origin, hint=hint))


def _with_flags(environment: Environment, settings: Settings) -> Environment:
    """Return the environment with what flags say in place of what the config says."""
    prune, wait = environment.prune, environment.wait
    if settings.prune is not None:
        prune = replace(prune, enabled=settings.prune)
    if settings.max_prune is not None:
        prune = replace(prune, max_count=settings.max_prune[0], max_percent=settings.max_prune[1])
    if settings.timeout_seconds is not None:
        wait = replace(wait, timeout_seconds=settings.timeout_seconds)
    if settings.soak_seconds is not None:
        wait = replace(wait, soak_seconds=settings.soak_seconds)
    takeover = tuple(dict.fromkeys((*environment.takeover, *settings.takeover)))
    return settings.kustomize.over(replace(environment, prune=prune, wait=wait, takeover=takeover))
