"""Reads the settings of one entry of the config into an `Environment`.

A setting is looked for in the entry, then in the defaults of its file, then in those of the including files. Lists of
objects and rules (`external`, `conflicts`, `ignore`, `sensitive`, `recreate`, `takeover`, `wait.rules`) add up over
these layers, those of the entry first; `prune` and `wait` are looked up key by key, all else is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from gitops_push.core.build_options import BuildOptions, HelmOptions, Reorder
from gitops_push.core.codes import Code
from gitops_push.core.durations import parse_duration
from gitops_push.core.environment import (
    AddedFields,
    Cluster,
    CommitOrder,
    ConflictAction,
    ConflictRule,
    Dependency,
    DirectorySource,
    Environment,
    FieldRule,
    FormerName,
    HelmSource,
    KustomizeSource,
    PruneRules,
    Source,
    WaitRule,
    WaitRules,
)
from gitops_push.core.errors import BuildError, ConfigError, Problem
from gitops_push.core.field_check import FieldCheck, condition_check
from gitops_push.core.fieldpath import parse_field_path
from gitops_push.core.kinds import BUILT_IN
from gitops_push.core.objects import ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, origin_at
from gitops_push.documents.json_text import canonical_json
from gitops_push.repo.config import Entry, list_of, unknown_cluster
from gitops_push.repo.config_grammar import CLUSTER_NAME, ENVIRONMENT_NAME, EXTERNAL, NAMESPACE, RELEASE_NAME
from gitops_push.repo.config_reader import matches
from gitops_push.repo.directory import kustomization_of
from gitops_push.repo.grammar import Text
from gitops_push.repo.placeholders import Match, fill, placeholders_in
from gitops_push.system.files import RepoFiles

_RULE_KEYS: Final = ("group", "kind", "namespace", "name", "manager", "field")
_VERSION: Final = re.compile(r"v[0-9]+(?:(?:alpha|beta)[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Maker:
    """All that an environment is made of; `problems` collects what is wrong while it is made."""

    files: RepoFiles
    clusters: Mapping[str, Cluster]
    name: str
    project: str
    entry: Entry
    match: Match
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, message: str, origin: Origin | None, hint: str | None = None) -> None:
        """Note a problem."""
        text = f"environment {self.name!r}: {message}"
        self.problems.append(Problem(Code.CONFIG_INVALID_VALUE, text, origin or self.entry.origin, hint=hint))

    def filled(self, text: str, kind: Text | None, origin: Origin | None) -> str:
        """Return a text with its placeholders filled in; notes unknown placeholders, and a result not of its kind."""
        if not self.entry.is_pattern:
            return text
        filled = fill(text, self.match.values)
        for name in placeholders_in(filled):
            known = ", ".join(f"{{{value}}}" for value in self.match.values)
            self.wrong(f"{{{name}}} is not in its match; there are {known}", origin)
            return filled
        if kind and not matches(filled, kind.pattern):
            self.wrong(f"{text!r} becomes {filled!r}, which is not {kind.what}", origin)
        return filled

    def layer_with(self, *path: str) -> Fields | None:
        """Return the first layer that holds a value at the path."""
        return next((layer for layer in self.entry.layers if _value(layer, path) is not None), None)

    def setting(self, default: Any, *path: str) -> Any:
        """Return the value at the path in the first layer that has one, else the default."""
        layer = self.layer_with(*path)
        return default if layer is None else _value(layer, path)


def make_environment(maker: Maker) -> Environment:
    """Return the environment. Raises `ConfigError` with all that is wrong with it."""
    if not matches(maker.name, ENVIRONMENT_NAME.pattern):
        maker.wrong(f"the name is not {ENVIRONMENT_NAME.what}", maker.entry.origin)
    namespace, namespace_origin = _namespace(maker)
    environment = Environment(
        name=maker.name,
        project=maker.project,
        cluster=_cluster(maker),
        namespace=namespace,
        sources=_sources(maker),
        origin=maker.entry.origin,
        external=_external(maker, namespace),
        protected=maker.setting(False, "protected"),
        commit_order=CommitOrder(maker.setting("ancestor", "commitOrder")),
        prune=_prune(maker),
        wait=_wait(maker),
        conflicts=tuple(_conflict_rule(maker, item, at) for item, at in list_of(maker.entry.layers, "conflicts")),
        added_fields=AddedFields(maker.setting("keep", "addedFields")),
        takeover=tuple(dict.fromkeys(str(item) for item, _ in list_of(maker.entry.layers, "takeover"))),
        ignore=_rules(maker, "ignore"),
        sensitive=_rules(maker, "sensitive"),
        recreate=_rules(maker, "recreate"),
        namespace_origin=namespace_origin,
        depends_on=tuple(dependencies_of(maker)),
        renamed_from=_former_name(maker),
    )
    if maker.problems:
        raise ConfigError(maker.problems)
    return environment


def dependencies_of(maker: Maker) -> Iterator[Dependency]:
    """Yield what an environment depends on, as its entry says; notes names that cannot be one."""
    for text, origin in list_of(maker.entry.layers, "dependsOn"):
        name = maker.filled(str(text), ENVIRONMENT_NAME, origin)
        if matches(name, ENVIRONMENT_NAME.pattern):
            yield Dependency(name, origin)


def _former_name(maker: Maker) -> FormerName | None:
    """Return what the environment was called before; never looked for in defaults, which are for many environments."""
    written = maker.entry.layers[0].get("renamedFrom")
    if written is None:
        return None
    parts = {"environment": written} if isinstance(written, str) else written
    former = FormerName(parts.get("environment", ""), parts.get("project", ""), parts.get("namespace", ""))
    if (former.environment or maker.name, former.project or maker.project) == (maker.name, maker.project) and (
        not former.namespace or former.namespace == maker.setting("", "namespace")
    ):
        maker.wrong("renamedFrom says what it is called now", origin_at(maker.entry.layers[0], ("renamedFrom",)))
    return former


def parse_external(text: str) -> ObjectRef:
    """Return the ref of `v1/Namespace/shop` or `apps/v1/Deployment/shop/web`, which must be of the grammar."""
    parts = text.split("/")
    group = "" if _VERSION.fullmatch(parts[0]) else parts.pop(0)
    _, kind, *place = parts
    return ObjectRef(group, kind, place[0] if len(place) == 2 else "", place[-1])


def _value(layer: Fields, path: Iterable[str]) -> Any:
    value: Any = layer
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _namespace(maker: Maker) -> tuple[str, Origin | None]:
    layer = maker.layer_with("namespace")
    if layer is None:
        hint = "add 'namespace: NAME': objects that name none go there, and so does the inventory"
        maker.wrong("it has no namespace", None, hint)
        return "", None
    origin = origin_at(layer, ("namespace",))
    return maker.filled(layer["namespace"], NAMESPACE, origin), origin


def _cluster(maker: Maker) -> Cluster:
    layer = maker.layer_with("cluster")
    if layer is None:
        return Cluster("")
    origin = origin_at(layer, ("cluster",))
    name = maker.filled(layer["cluster"], CLUSTER_NAME, origin)
    if name in maker.clusters:
        return maker.clusters[name]
    maker.problems.append(unknown_cluster(maker.name, name, maker.clusters, origin))
    return Cluster(name)


def _sources(maker: Maker) -> tuple[Source, ...]:
    settings = maker.entry.layers[0]
    if "sources" not in settings:
        directory, origin = maker.match.directory, origin_at(settings, ("match",)) or maker.entry.origin
        if kustomization_of(maker.files, directory):
            return (KustomizeSource(directory, origin),)
        return (DirectorySource(directory, origin),)
    return tuple(_source(maker, settings, index) for index in range(len(settings["sources"])))


def _source(maker: Maker, settings: Fields, index: int) -> Source:
    item = settings["sources"][index]
    if "helm" in item:
        return _helm_source(maker, item["helm"], origin_at(settings, ("sources", index, "helm")) or maker.entry.origin)
    key = "kustomize" if "kustomize" in item else "directory"
    written = item[key] if isinstance(item[key], Fields) else Fields({"path": item[key]})
    origin = origin_at(settings, ("sources", index, key)) or maker.entry.origin
    path = _existing_path(maker, maker.filled(written["path"], None, origin), origin)
    if key == "directory":
        return DirectorySource(path, origin, item.get("recursive", False))
    if path and maker.files.is_dir(path) and not kustomization_of(maker.files, path):
        maker.wrong(f"{path} has no kustomization", origin, f"to read it as plain manifests, write 'directory: {path}'")
    builder = written.get("builder", "native")
    return KustomizeSource(path, origin, _build_options(maker, written), "" if builder == "native" else builder)


def _helm_source(maker: Maker, written: Fields, origin: Origin) -> HelmSource:
    path = _existing_path(maker, maker.filled(written["chart"], None, origin), origin)
    if path and maker.files.is_dir(path) and not maker.files.is_file(f"{path}/Chart.yaml"):
        maker.wrong(f"{path} has no Chart.yaml", origin, "name the directory of a chart, or an archive of one")
    filled = [maker.filled(value, None, origin) for value in written.get("values", ())]
    inline = written.get("valuesInline")
    return HelmSource(
        path=path,
        origin=origin,
        release_name=maker.filled(written["releaseName"], RELEASE_NAME, origin),
        namespace=maker.filled(written.get("namespace", ""), NAMESPACE, origin) if "namespace" in written else "",
        values=tuple(_existing_path(maker, value, origin) for value in filled),
        inline=canonical_json(inline).decode() if inline else "",
        kube_version=written.get("kubeVersion", ""),
        api_versions=tuple(written.get("apiVersions", ())),
        crds=written.get("crds", True),
        hooks=written.get("hooks", True),
        tests=written.get("tests", False),
    )


def _build_options(maker: Maker, written: Fields) -> BuildOptions:
    functions = tuple(maker.files.resolve(maker.entry.base, path) for path in written.get("enableExec", ()))
    return BuildOptions(
        reorder=Reorder(written.get("reorder", Reorder.LEGACY)),
        restricted=written.get("loadRestrictor") != "none",
        enable_helm=written.get("enableHelm", False),
        enable_exec=bool(functions),
        enable_alpha_plugins=bool(functions),
        exec_functions=functions,
        helm=HelmOptions(
            kube_version=written.get("helmKubeVersion", ""), api_versions=tuple(written.get("helmApiVersions", ()))
        ),
        git_outside=written.get("gitOutside", False),
    )


def _existing_path(maker: Maker, written: str, origin: Origin) -> str:
    try:
        path = maker.files.resolve(maker.entry.base, written)
        if maker.files.is_dir(path) or maker.files.is_file(path):
            return path
        maker.wrong(f"there is no {path}", origin, "paths count from the folder of the file that they are written in")
    except BuildError as error:
        maker.wrong(str(error), origin)
    return ""


def _external(maker: Maker, namespace: str) -> tuple[ObjectRef, ...]:
    refs = []
    for text, origin in list_of(maker.entry.layers, "external"):
        filled = maker.filled(str(text), EXTERNAL, origin)
        if not matches(filled, EXTERNAL.pattern):
            continue
        ref = parse_external(filled)
        if BUILT_IN.get((ref.group, ref.kind)) and not ref.namespace:
            ref = ObjectRef(ref.group, ref.kind, namespace, ref.name)
        refs.append(ref)
    return tuple(dict.fromkeys(refs))


def _prune(maker: Maker) -> PruneRules:
    most = maker.setting("20%", "prune", "max")
    percent = isinstance(most, str)
    return PruneRules(
        enabled=maker.setting(True, "prune", "enabled"),
        max_count=None if percent else int(most),
        max_percent=int(most.removesuffix("%")) if percent else None,
        kinds=tuple(maker.setting((), "prune", "kinds")),
    )


def _wait(maker: Maker) -> WaitRules:
    found = (list_of([layer["wait"]], "rules") for layer in maker.entry.layers if "wait" in layer)
    return WaitRules(
        timeout_seconds=parse_duration(maker.setting("5m", "wait", "timeout")) or 0.0,
        soak_seconds=parse_duration(maker.setting("", "wait", "soak")) or 0.0,
        rules=tuple(_wait_rule(maker, item, origin) for rules in found for item, origin in rules),
    )


def _wait_rule(maker: Maker, item: Any, origin: Origin) -> WaitRule:
    lists = [name for name in ("ready", "failed", "progressing") if name in item]
    if "field" in item and not lists:
        maker.wrong("a rule of wait with a field needs ready, failed or progressing beside it", origin)
    if item.get("skip") and (others := [name for name in ("field", "conditions", "timeout") if name in item]):
        maker.wrong(f"a rule of wait that skips objects says nothing else; it has {' and '.join(others)}", origin)
    conditions = (_condition_check(found) for found in item.get("conditions", ()))
    values = {name: tuple(item[name]) for name in lists}
    fields = (FieldCheck(item["field"], **values),) if "field" in item else ()
    parts = asdict(_rule(maker, item, origin))
    return WaitRule(
        **parts,
        checks=(*fields, *conditions),
        timeout_seconds=parse_duration(item.get("timeout", "")),
        skip=item.get("skip"),
    )


def _condition_check(item: Fields) -> FieldCheck:
    ready, failed, progressing = (
        tuple(status.capitalize() for status in item.get(key, default))
        for key, default in (("ready", ("True",)), ("failed", ()), ("progressing", ()))
    )
    return condition_check(item["type"], ready, failed, progressing)


def _rules(maker: Maker, key: str) -> tuple[FieldRule, ...]:
    return tuple(_rule(maker, item, origin) for item, origin in list_of(maker.entry.layers, key))


def _conflict_rule(maker: Maker, item: Any, origin: Origin) -> ConflictRule:
    parts = asdict(_rule(maker, item, origin))
    return ConflictRule(**parts, action=ConflictAction(item["action"]))


def _rule(maker: Maker, item: Any, origin: Origin) -> FieldRule:
    if "field" in item:
        try:
            parse_field_path(item["field"])
        except ValueError as error:
            maker.wrong(f"{item['field']!r} is no field path: {error}", origin_at(item, ("field",)) or origin)
    return FieldRule(**{name: item.get(name, "") for name in _RULE_KEYS})
