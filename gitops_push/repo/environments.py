"""Makes environments: of the entries of gitops-push.yaml, or of a path when there is no config at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from gitops_push.core.checkout import Checkout
from gitops_push.core.codes import Code
from gitops_push.core.environment import Environment
from gitops_push.core.errors import BuildError, ConfigError, Problem, UsageError
from gitops_push.core.origin import Origin
from gitops_push.core.suggestion import did_you_mean
from gitops_push.repo.discovery import path_environment
from gitops_push.repo.placeholders import Match, fill, find_matches, placeholders_in
from gitops_push.repo.roots import find_config
from gitops_push.system.files import RepoFiles

if TYPE_CHECKING:
    from gitops_push.repo.config import Config, Entry

_MAX_PLACEHOLDERS: Final = 3
NO_MATCH: Final = Match("", {})


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for: an environment's name or a path.

    `folder` is the current folder, relative to the repo root: relative paths count from it, and the config is looked
    for there and above. `config` is the file that `--config` names (it counts from the current folder too), or "".
    `namespace` is that of `--namespace`, or "": it holds for paths only, because for an environment of the config it
    would move the inventory.
    """

    name_or_path: str
    folder: str = "."
    config: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class NamedEntry:
    """One environment of the config before it is made: its final name, its entry, and the match of a pattern."""

    name: str
    entry: Entry
    match: Match = NO_MATCH


def load_environment(checkout: Checkout, files: RepoFiles, asked: Asked | str) -> Environment:
    """Return the environment of a name in gitops-push.yaml, or of a path in the repo.

    A name of the config wins, unless the text begins with "." or "/". Raises `ConfigError`: config with problems, an
    unknown or ambiguous name, a path that does not exist. Raises `UsageError`: a namespace that is not the config's.
    """
    asked = Asked(asked) if isinstance(asked, str) else asked
    config = load_nearest_config(checkout, files, asked)
    if not asked.name_or_path.startswith((".", "/")) and config is not None:
        found = find_named(files, config, asked.name_or_path)
        if found is not None:
            return _in_its_own_namespace(make(checkout, files, config, found), asked.namespace)
    path = _path_in_repo(checkout, files, asked)
    if path is None:
        raise ConfigError(_unknown(files, config, asked))
    return path_environment(files, path, asked.namespace, project_of(checkout))


def load_environments(checkout: Checkout, files: RepoFiles, config: Config) -> tuple[Environment, ...]:
    """Return all environments of the config, patterns expanded, sorted by name. Raises `ConfigError`, all problems."""
    made: list[Environment] = []
    problems: list[Problem] = []
    for named in named_entries(files, config):
        try:
            made.append(make(checkout, files, config, named))
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)
    return tuple(made)


def load_nearest_config(checkout: Checkout, files: RepoFiles, asked: Asked) -> Config | None:
    """Return the config that holds for what was asked, or None if there is none. Raises `ConfigError`."""
    path = _path_of_config(checkout, files, asked)
    if path is None:
        return None
    from gitops_push.repo.config import load_config  # with the grammar of the file, which a repo without one needs not

    return load_config(files, path)


def _path_of_config(checkout: Checkout, files: RepoFiles, asked: Asked) -> str | None:
    if not asked.config:
        return find_config(files, asked.folder)
    try:
        return _from_root(checkout, files, asked.folder, asked.config)
    except BuildError as error:
        raise ConfigError(Problem(Code.CONFIG_UNREADABLE, item.message) for item in error.problems) from error


def named_entries(files: RepoFiles, config: Config) -> tuple[NamedEntry, ...]:
    """Return all environments of the config by name, sorted. Raises `ConfigError` if a name is there twice."""
    found: list[NamedEntry] = []
    problems: list[Problem] = []
    for entry in config.entries:
        try:
            found.extend(_expand(files, entry))
        except ConfigError as error:
            problems.extend(error.problems)
    problems.extend(_ambiguous(found))
    if problems:
        raise ConfigError(problems)
    return tuple(sorted(found, key=lambda named: named.name))


def find_named(files: RepoFiles, config: Config, name: str) -> NamedEntry | None:
    """Return the one environment of that name, or None. Raises `ConfigError` for two; problems of others are passed."""
    found = []
    for entry in config.entries:
        if not entry.is_pattern:
            found.extend([NamedEntry(name, entry)] if entry.name == name else [])
            continue
        try:
            found.extend(named for named in _expand(files, entry) if named.name == name)
        except ConfigError:
            if len(config.entries) == 1:
                raise
    problems = _ambiguous(found)
    if problems:
        raise ConfigError(problems)
    return found[0] if found else None


def make(checkout: Checkout, files: RepoFiles, config: Config, named: NamedEntry) -> Environment:
    """Return the environment of an entry. Raises `ConfigError` with all that is wrong with it."""
    from gitops_push.repo.settings import Maker, make_environment

    project = named.entry.project or project_of(checkout)
    return make_environment(Maker(files, config.clusters, named.name, project, named.entry, named.match))


def project_of(checkout: Checkout) -> str:
    """Return what identifies a repo without `project:`: host and path of its origin, else its folder's name.

    The same for https, ssh and with a token in the URL: `github.com/acme/shop-config`.
    """
    url = checkout.origin_url
    if not url:
        return checkout.root.name or "root"
    if "://" in url:
        parts = urlsplit(url)
        host, path = parts.hostname or "", parts.path
    else:
        host, colon, path = url.partition(":")
        host, path = (host.lower(), path) if colon else ("", url)
    return f"{host}/{path.strip('/').removesuffix('.git')}".strip("/")


def _in_its_own_namespace(environment: Environment, asked: str) -> Environment:
    """Return the environment; deploying it elsewhere than asked would be worse than not at all."""
    if asked in {"", environment.namespace}:
        return environment
    message = (
        f"environment {environment.name} has namespace {environment.namespace}; --namespace {asked} cannot move it"
    )
    raise UsageError(Problem(Code.USAGE, message, hint="leave the flag out, or give a path instead of a name"))


def _expand(files: RepoFiles, entry: Entry) -> list[NamedEntry]:
    if not entry.is_pattern:
        return [NamedEntry(entry.name, entry)]
    pattern = entry.layers[0]["match"]
    problem = _match_problem(entry, pattern)
    if problem:
        raise ConfigError(problem)
    try:
        matches = find_matches(files, entry.base, pattern)
    except BuildError as error:
        raise ConfigError(Problem(Code.CONFIG_INVALID_VALUE, str(error), entry.origin)) from error
    return [NamedEntry(fill(entry.name, match.values), entry, match) for match in matches]


def _match_problem(entry: Entry, pattern: str) -> Problem | None:
    missing = sorted(set(placeholders_in(entry.name)) - set(placeholders_in(pattern)))
    if missing:
        message = f"{entry.name!r} uses {{{missing[0]}}}, which is not in its match {pattern!r}"
        return Problem(Code.CONFIG_INVALID_VALUE, message, entry.origin)
    if any(len(placeholders_in(segment)) > _MAX_PLACEHOLDERS for segment in pattern.split("/")):
        message = f"match {pattern!r} has more than {_MAX_PLACEHOLDERS} placeholders in one name"
        return Problem(Code.CONFIG_INVALID_VALUE, message, entry.origin)
    return None


def _ambiguous(found: Iterable[NamedEntry]) -> list[Problem]:
    first: dict[str, NamedEntry] = {}
    problems = []
    for named in found:
        earlier = first.setdefault(named.name, named)
        if earlier is not named:
            message = f"environment {named.name!r} is there twice: {_described(earlier)}, and {_described(named)}"
            hint = "rename one, or put all placeholders of 'match' into the environment's name"
            problems.append(Problem(Code.CONFIG_INVALID_VALUE, message, named.entry.origin, hint=hint))
    return problems


def _described(named: NamedEntry) -> str:
    if named.match is NO_MATCH:
        return f"{named.entry.name!r} at {named.entry.origin}"
    return f"{named.entry.name!r} at {named.entry.origin} for {named.match.directory}"


def _path_in_repo(checkout: Checkout, files: RepoFiles, asked: Asked) -> str | None:
    """Return the path from the root, or None if nothing is there. Raises `ConfigError` for one out of the repo."""
    try:
        path = _from_root(checkout, files, asked.folder, asked.name_or_path)
        return path if files.is_file(path) or files.is_dir(path) else None
    except BuildError as error:
        raise ConfigError(Problem(Code.ENVIRONMENT_UNKNOWN, item.message) for item in error.problems) from error


def _from_root(checkout: Checkout, files: RepoFiles, folder: str, text: str) -> str:
    """Return a path of the command line relative to the root. Raises `BuildError` for one that is not in the repo."""
    if not text.startswith("/"):
        return files.resolve(folder, text)
    if not PurePath(text).is_relative_to(checkout.root):
        raise BuildError(Problem(Code.FILE_UNREADABLE, f"{text} is not in the repo {checkout.root}"))
    return files.resolve(".", str(PurePath(text).relative_to(checkout.root)))


def _unknown(files: RepoFiles, config: Config | None, asked: Asked) -> Problem:
    text = asked.name_or_path
    if config is None:
        hint = "give a path like ./apps/web/overlays/prod, or write a gitops-push.yaml with 'gitops-push init'"
        return Problem(Code.ENVIRONMENT_UNKNOWN, f"there is no gitops-push.yaml, and no path {text!r}", hint=hint)
    names = _all_names(files, config)
    message = f"there is no environment {text!r} in {config.files[0]}{did_you_mean(text, names)}, and no such path"
    hint = f"environments are: {', '.join(names)}" if names else "the file has no environments"
    return Problem(Code.ENVIRONMENT_UNKNOWN, message, Origin(config.files[0]), hint=hint)


def _all_names(files: RepoFiles, config: Config) -> Mapping[str, None]:
    try:
        return dict.fromkeys(named.name for named in named_entries(files, config))
    except ConfigError:
        return dict.fromkeys(entry.name for entry in config.entries)
