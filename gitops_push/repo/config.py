"""Reads gitops-push.yaml and the files it includes into one `Config`; environments are made of it in `environments`.

The text is YAML as kustomize reads it (`yes` is a text, keys must be texts, a key twice is an error): nearest to YAML
1.2, which editors use. Everything wrong in all files is raised at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from gitops_push.core.codes import Code
from gitops_push.core.environment import Cluster, CredentialSource
from gitops_push.core.errors import BuildError, ConfigError, Problem
from gitops_push.core.origin import Origin
from gitops_push.core.suggestion import did_you_mean
from gitops_push.core.tree import Fields, Items, as_origin, origin_at
from gitops_push.documents.reader import Dialect, read_one
from gitops_push.repo.config_grammar import CONFIG
from gitops_push.repo.config_reader import grammar_problems
from gitops_push.repo.globs import find_files, is_glob
from gitops_push.repo.placeholders import placeholders_in
from gitops_push.system.files import RepoFiles

_MAX_FILES: Final = 1_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of `environments` as it is written.

    `name` may hold placeholders. `layers` are the mappings that a setting is looked for in: the entry itself, then the
    defaults of its file, then those of the files that include it. `base` is the folder that its paths count from,
    `project` is "" when no file names one.
    """

    name: str
    origin: Origin
    base: str
    project: str
    layers: tuple[Fields, ...] = field(repr=False)

    @property
    def is_pattern(self) -> bool:
        """Return whether this entry makes many environments."""
        return bool(placeholders_in(self.name))


@dataclass(frozen=True, slots=True)
class Config:
    """All configuration of a repo: `files` in the order of reading, the root file first."""

    files: tuple[str, ...]
    clusters: Mapping[str, Cluster]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class _ConfigFile:
    """One file that was read and found to be of the grammar, with what it inherits from those that include it."""

    path: str
    tree: Fields
    project: str
    defaults: tuple[Fields, ...]

    @property
    def base(self) -> str:
        return self.path.rpartition("/")[0] or "."


def load_config(files: RepoFiles, path: str) -> Config:
    """Return the configuration of a file and of all that it includes. Raises `ConfigError` with all problems."""
    problems: list[Problem] = []
    found = tuple(_read_all(files, path, problems))
    clusters = _merge(found, _clusters_of, "cluster", problems)
    entries = _merge(found, _entries_of, "environment", problems)
    problems.extend(_unknown_clusters(entries.values(), clusters))
    if problems:
        raise ConfigError(problems)
    return Config(tuple(item.path for item in found), clusters, tuple(entries.values()))


def _read_all(files: RepoFiles, path: str, problems: list[Problem]) -> Iterator[_ConfigFile]:
    """Yield the file and those it includes, each once. Adds to `problems`."""
    pending = [_Include(path, "", ())]
    seen = {path}
    while pending:
        asked = pending.pop(0)
        tree = _read_tree(files, asked.path, problems)
        if tree is None:
            continue
        defaults = (tree["defaults"], *asked.defaults) if "defaults" in tree else asked.defaults
        read = _ConfigFile(asked.path, tree, tree.get("project", asked.project), defaults)
        yield read
        for included in _included(files, read, problems):
            if included not in seen:
                seen.add(included)
                pending.append(_Include(included, read.project, read.defaults))
        if len(seen) > _MAX_FILES:
            problems.append(Problem(Code.BUDGET_EXCEEDED, f"more than {_MAX_FILES} files are included", Origin(path)))
            return


@dataclass(frozen=True, slots=True)
class _Include:
    path: str
    project: str
    defaults: tuple[Fields, ...]


def _read_tree(files: RepoFiles, path: str, problems: list[Problem]) -> Fields | None:
    try:
        document = read_one(files.read(path), path, Dialect.KUSTOMIZE)
    except BuildError as error:
        problems.extend(_as_config_problem(problem) for problem in error.problems)
        return None
    wrong = grammar_problems(document.value, path, CONFIG)
    problems.extend(wrong)
    return None if wrong else document.value


def _as_config_problem(problem: Problem) -> Problem:
    code = Code.CONFIG_UNREADABLE if problem.code is Code.FILE_UNREADABLE else problem.code
    return Problem(code, problem.message, problem.origin, problem.ref, problem.hint)


def _included(files: RepoFiles, read: _ConfigFile, problems: list[Problem]) -> Iterator[str]:
    for index, pattern in enumerate(read.tree.get("include", ())):
        origin = origin_at(read.tree, ("include", index))
        try:
            found = find_files(files, read.base, pattern)
        except BuildError as error:
            problems.extend(Problem(Code.CONFIG_INVALID_VALUE, item.message, origin) for item in error.problems)
            continue
        if not found:
            what = "no file matches" if is_glob(pattern) else "there is no file"
            problems.append(Problem(Code.CONFIG_INVALID_VALUE, f"{what} {pattern!r} of include", origin))
        yield from found


def _merge(
    found: Iterable[_ConfigFile],
    items_of: Callable[[_ConfigFile], Iterator[tuple[str, Origin, T]]],
    what: str,
    problems: list[Problem],
) -> dict[str, T]:
    """Return the named items of all files; a name in two files is a problem."""
    merged: dict[str, T] = {}
    places: dict[str, Origin] = {}
    for read in found:
        for name, origin, item in items_of(read):
            if name in merged:
                message = f"{what} {name!r} is defined twice: first at {places[name]}, again at {origin}"
                problems.append(Problem(Code.CONFIG_INVALID_VALUE, message, origin))
                continue
            merged[name], places[name] = item, origin
    return merged


def _clusters_of(read: _ConfigFile) -> Iterator[tuple[str, Origin, Cluster]]:
    for name, settings in read.tree.get("clusters", {}).items():
        yield name, key_origin(read.tree["clusters"], name), _cluster(name, settings, read.base)


def _cluster(name: str, settings: Fields, base: str) -> Cluster:
    return Cluster(
        name=name,
        server=settings.get("server", "").rstrip("/"),
        cluster_id=settings.get("clusterId", ""),
        context=settings.get("context", ""),
        credentials=_credentials(settings["credentials"], base) if "credentials" in settings else None,
    )


def _credentials(settings: Fields, base: str) -> CredentialSource | None:
    """Return where the credential is; a relative `file` then counts from the repo root, `~` is left as it is.

    None for `inCluster: false`, which names no place.
    """
    file = settings.get("file", "")
    if file and base != "." and not file.startswith(("/", "~")):
        file = f"{base}/{file}"
    account = settings.get("serviceAccountToken", {})
    source = CredentialSource(
        env=settings.get("env", ""),
        file=file,
        keyring=settings.get("keyring", ""),
        token_env=account.get("tokenEnv", ""),
        ca_env=account.get("caEnv", ""),
        in_cluster=settings.get("inCluster", False),
        exec=tuple(settings.get("exec", ())),
    )
    return None if source == CredentialSource(exec=source.exec) else source


def _entries_of(read: _ConfigFile) -> Iterator[tuple[str, Origin, Entry]]:
    for name, settings in read.tree.get("environments", {}).items():
        origin = key_origin(read.tree["environments"], name)
        yield name, origin, Entry(name, origin, read.base, read.project, (settings, *read.defaults))


def _unknown_clusters(entries: Iterable[Entry], clusters: Mapping[str, Cluster]) -> Iterator[Problem]:
    for entry in entries:
        layer = next((layer for layer in entry.layers if "cluster" in layer), None)
        name = layer["cluster"] if layer is not None else None
        if name and name not in clusters and not placeholders_in(name):
            yield unknown_cluster(entry.name, name, clusters, origin_at(layer, ("cluster",)))


def unknown_cluster(environment: str, name: str, clusters: Iterable[str], origin: Origin | None) -> Problem:
    """Return the problem of an environment whose cluster is not defined."""
    known = sorted(clusters)
    message = f"environment {environment!r} names the cluster {name!r}, which is not defined{did_you_mean(name, known)}"
    hint = f"defined are: {', '.join(known)}" if known else "add it to 'clusters'"
    return Problem(Code.CONFIG_INVALID_VALUE, message, origin, hint=hint)


def key_origin(fields: Fields, key: str) -> Origin:
    """Return where a key stands, or its value where only that is known."""
    if fields.key_marks and key in fields.key_marks:
        return as_origin(fields.key_marks[key], fields.file)
    return origin_at(fields, (key,)) or Origin(fields.file)


def list_of(layers: Iterable[Fields], key: str) -> Iterator[tuple[object, Origin]]:
    """Yield the items of a list setting of all layers, each with its place: lists of layers add up."""
    for layer in layers:
        items = layer.get(key, Items())
        for index, item in enumerate(items):
            yield item, origin_at(layer, (key, index)) or Origin(layer.file)
