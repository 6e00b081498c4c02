"""Writes the first gitops-push.yaml for a repo: what was found in it, with comments for what only people know."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Final

from gitops_push.core.checkout import Checkout
from gitops_push.core.codes import Code
from gitops_push.core.environment import Cluster, DirectorySource, Environment, KustomizeSource
from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.origin import Origin
from gitops_push.repo.build import build_manifests
from gitops_push.repo.config_grammar import CLUSTER_NAME, ENVIRONMENT_NAME, PROJECT, RELATIVE_PATH
from gitops_push.repo.config_reader import matches
from gitops_push.repo.discovery import Candidate, CandidateKind, find_candidates, path_name
from gitops_push.repo.environments import project_of
from gitops_push.repo.placeholders import fill, find_matches
from gitops_push.system.files import RepoFiles

_OVERLAY_FOLDERS: Final = frozenset({"overlays", "environments", "envs", "stages"})
_STAGES: Final = frozenset(
    {"dev", "development", "test", "qa", "stage", "staging", "preprod", "prod", "production", "live"}
)
_GENERIC: Final = frozenset({"kustomize", "manifests", "k8s", "deploy", "apps", "app", "overlays", "base"})
_PRODUCTION: Final = frozenset({"prod", "production", "live"})
_PLAIN: Final = re.compile(r"(?!(?:true|false|null|yes|no|on|off|y|n)$)[a-z_][-a-z0-9_./]*", re.IGNORECASE)
_NAMESPACES: Final = ("{app}", "{env}", "{app}-{env}", "{env}-{app}")


@dataclass(frozen=True, slots=True)
class _Overlay:
    """A directory like `apps/web/overlays/prod`: app "web", stage "prod", match "apps/{app}/overlays/{env}"."""

    app: str
    stage: str
    match: str
    namespace: str
    path: str

    @property
    def name(self) -> str:
        return f"{self.app}-{self.stage}"


@dataclass(frozen=True, slots=True)
class _Block:
    """An entry of `environments` to be written, with the clusters that it uses; a pattern covers many paths."""

    name: str
    cluster: str
    namespace: str
    source: str
    stages: tuple[str, ...]
    covers: tuple[_Overlay, ...] = ()
    external: tuple[str, ...] = ()
    builds: bool = True
    is_empty: bool = False


def initial_config(checkout: Checkout, files: RepoFiles) -> str:
    """Return the text of a gitops-push.yaml for what is found in a repo. It loads as it stands."""
    candidates = find_candidates(files)
    found = _blocks(files, [item for item in candidates if _is_deployable(item)])
    blocks = [block for block in found if not block.is_empty]
    empty = [block.source.partition(": ")[2] for block in found if block.is_empty]
    lines = [*_head(checkout), "", *_clusters(blocks), "", *_environments(blocks), *_left_out(candidates, empty)]
    return "\n".join(lines) + "\n"


def _is_deployable(item: Candidate) -> bool:
    """Return whether it is worth an environment (no component, chart or base) and its path can be written."""
    deployable = item.kind in {CandidateKind.KUSTOMIZATION, CandidateKind.DIRECTORY} and not item.is_base
    return deployable and _is_writable(item.path)


def _is_writable(path: str) -> bool:
    return path.isprintable() and matches(path, RELATIVE_PATH.pattern)


def _blocks(files: RepoFiles, items: Sequence[Candidate]) -> list[_Block]:
    """Return the environments: a pattern where several apps share a layout, else one for each thing to deploy."""
    overlays = {item.path: overlay for item in items if (overlay := _overlay_of(item))}
    pattern = _pattern_block(files, list(overlays.values()))
    blocks = [pattern] if pattern else []
    covered = {overlay.path for block in blocks for overlay in block.covers}
    taken = {overlay.name for block in blocks for overlay in block.covers}
    rest = [item for item in items if item.path not in covered]
    short = Counter(_short_name(item, overlays) for item in rest)
    for item in rest:
        wanted = _short_name(item, overlays)
        name = _free_name(item, wanted if short[wanted] == 1 else "", taken)
        blocks.append(_single_block(files, item, overlays.get(item.path), name))
        taken.add(name)
    return blocks


def _overlay_of(item: Candidate) -> _Overlay | None:
    parts = item.path.split("/")
    in_folder = len(parts) > 2 and parts[-2] in _OVERLAY_FOLDERS
    staged = len(parts) > 1 and parts[-1] in _STAGES
    if item.kind is not CandidateKind.KUSTOMIZATION or not (in_folder or staged):
        return None
    at = len(parts) - (3 if in_folder else 2)
    match = "/".join((*parts[:at], "{app}", *parts[at + 1 : -1], "{env}"))
    return _Overlay(parts[at], parts[-1], match, item.namespace, item.path)


def _pattern_block(files: RepoFiles, overlays: Sequence[_Overlay]) -> _Block | None:
    """Return the one pattern that covers two or more apps, if all that it matches are overlays that were found."""
    for match in sorted({overlay.match for overlay in overlays}):
        members = {overlay.path: overlay for overlay in overlays if overlay.match == match}
        names = {overlay.name for overlay in members.values()}
        suitable = (
            len({overlay.app for overlay in members.values()}) > 1
            and len(names) == len(members)
            and all(_fits(name) for name in names)
            and all(matches(overlay.stage, CLUSTER_NAME.pattern) for overlay in members.values())
            and {found.directory for found in find_matches(files, ".", match)} == members.keys()
        )
        if suitable:
            covers = tuple(members.values())
            return _Block("{app}-{env}", "{env}", _common_namespace(covers), match, _stages(covers), covers)
    return None


def _stages(overlays: Sequence[_Overlay]) -> tuple[str, ...]:
    return tuple(sorted({overlay.stage for overlay in overlays}))


def _common_namespace(overlays: Sequence[_Overlay]) -> str:
    """Return the namespace with placeholders that gives what every kustomization says, else "default"."""
    for text in _NAMESPACES:
        filled = [fill(text, {"app": overlay.app, "env": overlay.stage}) == overlay.namespace for overlay in overlays]
        if all(filled):
            return text
    same = {overlay.namespace for overlay in overlays}
    return (same.pop() if len(same) == 1 else "") or "default"


def _single_block(files: RepoFiles, item: Candidate, overlay: _Overlay | None, name: str) -> _Block:
    staged = [part for part in item.path.split("/") if part in _STAGES]
    stage = overlay.stage if overlay and _fits(overlay.stage) else (staged or ["default"])[-1]
    kustomize = item.kind is CandidateKind.KUSTOMIZATION
    namespace = item.namespace or "default"
    problems = _build_problems(files, item, namespace)
    unknown = [problem.ref for problem in problems if problem.code is Code.UNKNOWN_NAMESPACE]
    external = tuple(sorted(ref.namespace for ref in unknown if ref))
    is_empty = any(problem.code is Code.EMPTY_SET for problem in problems)
    source = f"{'kustomize' if kustomize else 'directory'}: {_quoted(item.path)}"
    return _Block(name, stage, namespace, source, (stage,), (), external, len(external) == len(problems), is_empty)


def _build_problems(files: RepoFiles, item: Candidate, namespace: str) -> tuple[Problem, ...]:
    """Return what a build complains about, among it the namespaces that it needs from outside."""
    origin = Origin(item.path)
    kustomize = item.kind is CandidateKind.KUSTOMIZATION
    source = KustomizeSource(item.path, origin) if kustomize else DirectorySource(item.path, origin)
    environment = Environment("init", "init", Cluster(""), namespace, (source,), origin)
    try:
        build_manifests(Checkout(files.root), files, environment)
    except BuildError as error:
        return error.problems
    return ()


def _short_name(item: Candidate, overlays: Mapping[str, _Overlay]) -> str:
    """Return the name that people would say: the stage, with the app where there are several, or the folder."""
    overlay = overlays.get(item.path)
    if overlay:
        several = len({other.app for other in overlays.values()}) > 1
        return overlay.name if several and overlay.app not in _GENERIC else overlay.stage
    folder = item.path.rpartition("/")[2]
    return "" if folder in _GENERIC else folder


def _free_name(item: Candidate, short: str, taken: Container[str]) -> str:
    """Return a name that is not taken: the short one, if it is nobody else's, else one made of the path."""
    readable = re.sub(r"[^a-z0-9]+", "-", item.path.lower()).strip("-")
    hashed = path_name(item.path).removeprefix("path.")
    numbered = (f"environment-{number}" for number in count(1))
    return next(
        name for name in chain([short, readable or "all", hashed], numbered) if _fits(name) and name not in taken
    )


def _fits(name: str) -> bool:
    return matches(name, ENVIRONMENT_NAME.pattern)


def _head(checkout: Checkout) -> Iterator[str]:
    yield "# The environments of this repo. Every key is in the reference of gitops-push, docs/reference/config.md."
    yield "version: 1"
    project = project_of(checkout)
    if matches(project, PROJECT.pattern):
        yield "# Identifies, with an environment's name, what was deployed. Changing it later orphans that."
        yield f"project: {_quoted(project)}"


def _clusters(blocks: Sequence[_Block]) -> Iterator[str]:
    stages = sorted({stage for block in blocks for stage in block.stages})
    if not stages:
        yield "clusters: {}"
        return
    yield "clusters:"
    yield "  # env: the CI secret that holds the kubeconfig, plain or base64."
    yield "  # server: https://… beside it refuses a kubeconfig that points to another cluster."
    for stage in stages:
        variable = "KUBECONFIG_" + re.sub(r"[^A-Z0-9]+", "_", stage.upper()) if stage != "default" else "KUBECONFIG_CI"
        yield f"  {_quoted(stage)}:"
        yield f"    credentials: {{env: {variable}}}"


def _environments(blocks: Sequence[_Block]) -> Iterator[str]:
    if not blocks:
        yield "# Nothing to deploy was found: no kustomization and no directory of manifests."
        yield "environments: {}"
        return
    yield "environments:"
    yield "  # namespace: for objects that name none; the inventory of what was deployed lives there too."
    for block in blocks:
        yield from _environment(block)


def _environment(block: _Block) -> Iterator[str]:
    if block.covers:
        names = sorted(overlay.name for overlay in block.covers)
        yield f"  # One environment for each app and stage: {', '.join(names[:4])}{', …' if len(names) > 4 else ''}"
    yield f"  {_quoted(block.name)}:"
    if block.covers:
        yield f"    match: {_quoted(block.source)}"
    yield f"    cluster: {_quoted(block.cluster)}"
    yield f"    namespace: {_quoted(block.namespace)}"
    if not block.covers:
        yield "    sources:"
        yield f"      - {block.source}" + (
            "" if block.builds else "   # does not build yet; 'gitops-push build' says why"
        )
    if block.external:
        yield "    external:   # must exist already; never written"
        yield from (f"      - v1/Namespace/{name}" for name in block.external)
    if block.name in _PRODUCTION:
        yield "    protected: true   # apply asks for --confirm, and needs a clean checkout"


def _left_out(candidates: Sequence[Candidate], empty: Sequence[str]) -> Iterator[str]:
    if empty:
        yield ""
        yield f"# Left out, because there are no objects in them: {', '.join(empty)}"
    for kind, what in ((CandidateKind.CHART, "Charts"), (CandidateKind.DECLARATIONS, "Declared applications")):
        found = [item.path for item in candidates if item.kind is kind and _is_writable(item.path)]
        if found:
            yield ""
            folders = ", ".join("the top folder" if path == "." else path for path in found)
            yield f"# {what} were found, and are not supported yet: {folders}"
            if kind is CandidateKind.DECLARATIONS:
                yield "# What they deploy can be deployed all the same: give each path that they name an environment."


def _quoted(text: str) -> str:
    """Return the text as YAML: plain where every reader sees the same text, else in double quotes."""
    if _PLAIN.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
