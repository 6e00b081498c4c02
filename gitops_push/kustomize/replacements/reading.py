"""Reads the entries of `replacements`, of a kustomization or of a file that it names."""

from __future__ import annotations

from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.tree import Fields, Items, Node, start_of
from gitops_push.documents.reader import Dialect
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.kustomization import (
    FieldOptions,
    Replacement,
    ReplacementEntry,
    ReplacementSource,
    ReplacementTarget,
    Selector,
)
from gitops_push.kustomize.loader import Loader
from gitops_push.kustomize.marks import place_of
from gitops_push.kustomize.typed_fields import Text, TypedFields

_IDENTITY = ("group", "version", "kind", "name", "namespace")
_DEFAULT_PATH = "metadata.name"


def read_replacement_entry(entry: TypedFields) -> ReplacementEntry:
    """Return an item of `replacements`; what is wrong with it is added to the problems of `entry`."""
    entry.check_names(("path", "source", "targets", "sourceValue"), "replacements")
    return ReplacementEntry(entry.text("path"), _replacement(entry))


def loaded_replacements(entry: ReplacementEntry, loader: Loader) -> tuple[Replacement, ...]:
    """Return the replacements of an entry, those of its file where it names one. Raises `BuildError`."""
    inline = entry.replacement
    if entry.path is None:
        return (inline,)
    if inline.source is not None or inline.targets:
        raise invalid("cannot specify both path and inline replacement", entry.path.origin, "remove one of them")
    documents = loader.documents(entry.path, Dialect.KUBECTL)
    return _of_file(documents[0].value if documents else None, entry.path)


def _of_file(value: Node, path: Text) -> tuple[Replacement, ...]:
    if not isinstance(value, (Fields, Items)):
        raise invalid(
            f"unsupported replacement type encountered within replacement path: {path.value}",
            path.origin,
            "the file holds one replacement (a mapping), or a list of them",
        )
    problems: list[Problem] = []
    whole = Items([value]) if isinstance(value, Fields) else value
    found = [
        _replacement(TypedFields(item, place_of(whole, index) or start_of(item) or path.origin, problems))
        for index, item in enumerate(whole)
        if isinstance(item, Fields)
    ]
    if len(found) < len(whole):
        raise invalid(f"each replacement in {path.value} must be a mapping", path.origin)
    if problems:
        raise BuildError(problems)
    return tuple(found)


def _replacement(entry: TypedFields) -> Replacement:
    value, source = entry.get("sourceValue"), entry.one("source")
    entry.text("sourceValue")  # for its type
    targets = tuple(_target(target) for target in entry.many("targets"))
    return Replacement(
        origin=entry.origin,
        source=None if source is None else _source(source),
        source_value=Text(value, entry.place("sourceValue")) if isinstance(value, str) else None,
        targets=None if entry.get("targets") is None else targets,
    )


def _source(entry: TypedFields) -> ReplacementSource:
    entry.check_names((*_IDENTITY, "fieldPath", "options"), "replacements.source")
    group, version, kind, name, namespace = (entry.string(field) for field in _IDENTITY)
    return ReplacementSource(
        entry.origin,
        group,
        version,
        kind,
        name,
        namespace,
        field_path=entry.string("fieldPath") or _DEFAULT_PATH,
        options=_options(entry.one("options")),
        label=_label(group, version, kind, name, namespace),
    )


def _label(group: str, version: str, kind: str, name: str, namespace: str) -> str:
    kinds = f"{kind or '[noKind]'}.{version or '[noVer]'}.{group or '[noGrp]'}"
    return f"{kinds}/{name or '[noName]'}.{namespace or '[noNs]'}"


def _target(entry: TypedFields) -> ReplacementTarget:
    entry.check_names(("select", "reject", "fieldPaths", "options"), "replacements.targets")
    select = entry.one("select")
    return ReplacementTarget(
        origin=entry.origin,
        select=None if select is None else _selector(select),
        reject=tuple(_selector(reject) for reject in entry.many("reject")),
        field_paths=tuple(path.value for path in entry.texts("fieldPaths")) or (_DEFAULT_PATH,),
        options=_options(entry.one("options")),
    )


def _selector(entry: TypedFields) -> Selector:
    names = (*_IDENTITY, "labelSelector", "annotationSelector")
    entry.check_names(names, "replacements.targets.select")
    return Selector(entry.origin, *(entry.string(name) for name in names))


def _options(entry: TypedFields | None) -> FieldOptions:
    if entry is None:
        return FieldOptions()
    entry.check_names(("delimiter", "index", "encoding", "create"), "options")
    entry.text("encoding")  # known, and without effect in kustomize
    return FieldOptions(entry.string("delimiter"), entry.number("index"), entry.flag("create"))
