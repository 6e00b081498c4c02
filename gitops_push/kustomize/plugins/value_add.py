"""ValueAddTransformer: one text into fields of many objects, or into one place of a file path in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Node
from gitops_push.documents.reader import Dialect
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.field_walk import Missing, visit_fields
from gitops_push.kustomize.fieldspecs import FieldSpec
from gitops_push.kustomize.kustomization import Selector
from gitops_push.kustomize.kustomization_reader import read_selector
from gitops_push.kustomize.marks import Container, set_at
from gitops_push.kustomize.patches.targets import select
from gitops_push.kustomize.plugins.settings import PluginSettings
from gitops_push.kustomize.resource import Resource, text_of
from gitops_push.kustomize.steps import Transformer
from gitops_push.kustomize.transformers.namespaces import NamespaceEntry, set_own_namespace
from gitops_push.kustomize.typed_fields import Text, TypedFields

_NAMESPACE: Final = "metadata/namespace"
_STEP: Final = "ValueAddTransformer"


@dataclass(frozen=True, slots=True)
class _Target:
    """A field of some objects; `position` counts the parts of a file path from 1, 0 replaces the whole value."""

    path: str
    origin: Origin
    selector: Selector | None
    position: int


def add_value(settings: PluginSettings) -> Transformer:
    """Return the transformer. Without a value it is the name of the kustomization's directory."""
    text = settings.text("value")
    value = Text(text.value.strip() or settings.loader.root.rpartition("/")[2], text.origin)
    targets = [_target(entry) for entry in _target_entries(settings)]
    if not targets:
        raise invalid("must specify at least one target", settings.config.origin, "add `targets:`")

    def add(resources: ResourceSet) -> None:
        for target in targets:
            found = select(resources, target.selector) if target.selector else list(resources)
            for resource in found:
                _add(resource, target, value)
        resources.forget_index()

    return add


def _target_entries(settings: PluginSettings) -> list[TypedFields]:
    entries = list(settings.fields.many("targets"))
    path = settings.fields.text("targetFilePath")
    if path is None:
        return entries
    document = settings.loader.first_document(path, Dialect.KUBECTL)
    if not isinstance(document, Fields):
        raise invalid(f"{path.value} must be a mapping with targets", path.origin)
    return [*entries, *TypedFields(document, path.origin, settings.problems).many("targets")]


def _target(entry: TypedFields) -> _Target:
    path, position = entry.string("fieldPath"), entry.number("filePathPosition")
    if not path:
        raise invalid("fieldPath cannot be empty", entry.origin)
    if position < 0:
        raise invalid(f"value of FilePathPosition ({position}) cannot be negative", entry.origin)
    return _Target(path, entry.origin, read_selector(entry.one("selector")), position)


def _add(resource: Resource, target: _Target, value: Text) -> None:
    origin = Origin(value.origin.file, value.origin.line, value.origin.column, _STEP)
    if target.path == _NAMESPACE:
        set_own_namespace(resource, NamespaceEntry(value), _STEP)
        return

    def put_value(container: Container, key: str | int) -> None:
        old: Node = container[key]  # type: ignore[index]
        if isinstance(old, (dict, list)):
            raise invalid(f"{target.path} of {resource.current_id()} must be a scalar", target.origin)
        set_at(container, key, _inserted(text_of(old), target.position, value.value), origin)

    visit_fields(resource.body, FieldSpec(target.path, create=True), put_value, Missing(str, origin))


def _inserted(path: str, position: int, part: str) -> str:
    """Return the file path with a part put in before the given position; an absolute path stays one."""
    if position == 0:
        return part
    root = "/" if path.startswith("/") else ""
    parts = [name for name in path.split("/") if name]
    parts.insert(min(position - 1, len(parts)), part)
    return root + "/".join(parts)
