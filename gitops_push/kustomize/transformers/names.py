"""`namePrefix` and `nameSuffix`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gitops_push.core.origin import Origin
from gitops_push.core.tree import Node
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.field_walk import Missing, visit_fields
from gitops_push.kustomize.fieldspecs import FieldSpec, FieldSpecs
from gitops_push.kustomize.marks import Container, set_at
from gitops_push.kustomize.resource import Resource, ResourceId, text_of
from gitops_push.kustomize.typed_fields import Text

_NAME: Final = "metadata/name"


def add_prefix(resources: ResourceSet, prefix: Text, specs: FieldSpecs) -> None:
    """Put the prefix before the name of every object but those whose names mean something elsewhere.

    `specs` name the fields to change; the object's own name is one of them.
    """
    origin = _origin(prefix, "namePrefix")
    for resource in _renamed(resources):
        for spec in _selected(specs, resource):
            if spec.path == _NAME:
                resource.prefixes.append(prefix.value)
                _remember(resource, prefix)
            _change(resource, spec, lambda name: prefix.value + name, origin)
    resources.forget_index()


def add_suffix(resources: ResourceSet, suffix: Text, specs: FieldSpecs) -> None:
    """Put the suffix after the name of every object but those whose names mean something elsewhere; as `add_prefix`."""
    origin = _origin(suffix, "nameSuffix")
    for resource in _renamed(resources):
        for spec in _selected(specs, resource):
            if spec.path == _NAME:
                resource.suffixes.append(suffix.value)
                _remember(resource, suffix)
            _change(resource, spec, lambda name: name + suffix.value, origin)
    resources.forget_index()


def _renamed(resources: ResourceSet) -> list[Resource]:
    return [resource for resource in resources if not _keeps_its_name(resource.original_id())]


def _selected(specs: FieldSpecs, resource: Resource) -> FieldSpecs:
    first = resource.original_id()
    return tuple(spec for spec in resource.selected(specs) if spec.selects(first.group, first.version, first.kind))


def _keeps_its_name(identity: ResourceId) -> bool:
    if identity.kind == "APIService":
        return identity.group == "apiregistration.k8s.io"
    return identity.kind in {"CustomResourceDefinition", "Namespace"}


def _remember(resource: Resource, affix: Text) -> None:
    if affix.value:
        resource.remember_id()


def _change(resource: Resource, spec: FieldSpec, change: Callable[[str], str], origin: Origin) -> None:
    def on_field(container: Container, key: str | int) -> None:
        value: Node = container[key]  # type: ignore[index]
        if isinstance(value, (dict, list)):
            raise invalid(f"{spec.path} of {resource.current_id()} must be a text, to be renamed", resource.origin)
        changed = change("null" if value is None and resource.rewritten else text_of(value))
        if changed != value:
            set_at(container, key, changed, origin)

    visit_fields(resource.body, spec, on_field, Missing(str, origin))


def _origin(text: Text, step: str) -> Origin:
    return Origin(text.origin.file, text.origin.line, text.origin.column, step)
