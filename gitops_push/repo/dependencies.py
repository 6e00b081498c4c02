"""Which environments an environment depends on: known ones, and never in a circle."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from gitops_push.core.checkout import Checkout
from gitops_push.core.codes import Code
from gitops_push.core.environment import Dependency, Environment
from gitops_push.core.errors import ConfigError, Problem
from gitops_push.core.suggestion import did_you_mean
from gitops_push.repo.config import Config
from gitops_push.repo.environments import NamedEntry, named_entries, project_of
from gitops_push.repo.settings import Maker, dependencies_of
from gitops_push.system.files import RepoFiles


def named_dependencies(
    checkout: Checkout, files: RepoFiles, config: Config, environment: Environment
) -> tuple[tuple[Dependency, NamedEntry], ...]:
    """Return the entries that an environment of the config depends on, in the order in which it names them.

    Raises `ConfigError`: a name that is no environment, or environments that depend on each other.
    """
    named = {found.name: found for found in named_entries(files, config)}

    def of(name: str) -> tuple[Dependency, ...]:
        entry = named[name]
        project = entry.entry.project or project_of(checkout)
        return tuple(dependencies_of(Maker(files, config.clusters, name, project, entry.entry, entry.match)))

    problems = tuple(_problems(environment, named, of))
    if problems:
        raise ConfigError(problems)
    first = {dependency.name: dependency for dependency in reversed(environment.depends_on)}
    wanted = dict.fromkeys(dependency.name for dependency in environment.depends_on)
    return tuple((first[name], named[name]) for name in wanted)


def _problems(
    environment: Environment, named: Mapping[str, NamedEntry], of: Callable[[str], tuple[Dependency, ...]]
) -> Iterator[Problem]:
    """Yield what is wrong with all that an environment depends on; each environment is looked at once."""
    seen = {environment.name}
    path = [environment.name]
    waiting = [iter(environment.depends_on)]
    while waiting:
        found = next(waiting[-1], None)
        if found is None:
            waiting.pop()
            path.pop()
        elif found.name not in named:
            yield _unknown(path[-1], found, named)
        elif found.name in path:
            yield _circle([*path[path.index(found.name) :], found.name], found)
        elif found.name not in seen:
            seen.add(found.name)
            path.append(found.name)
            waiting.append(iter(of(found.name)))


def _unknown(name: str, dependency: Dependency, named: Collection[str]) -> Problem:
    guess = did_you_mean(dependency.name, named)
    message = f"environment {name!r} depends on {dependency.name!r}, which is no environment{guess}"
    hint = "name an environment of the same config; `gitops-push environments` lists them"
    return Problem(Code.CONFIG_INVALID_VALUE, message, dependency.origin, hint=hint)


def _circle(names: list[str], dependency: Dependency) -> Problem:
    message = f"environments depend on each other in a circle: {' -> '.join(names)}"
    hint = "none of them could be deployed first: take one dependsOn out"
    return Problem(Code.CONFIG_INVALID_VALUE, message, dependency.origin, hint=hint)
