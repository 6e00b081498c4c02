"""`namePrefix` and `nameSuffix`."""

from __future__ import annotations

from gitops_push.core.origin import Origin
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.resource import Resource, ResourceId
from gitops_push.kustomize.typed_fields import Text


def add_prefix(resources: ResourceSet, prefix: Text) -> None:
    """Put the prefix before the name of every object but those whose names mean something elsewhere."""
    origin = _origin(prefix, "namePrefix")
    for resource in _renamed(resources):
        resource.prefixes.append(prefix.value)
        _rename(resource, prefix.value + resource.name, origin)
    resources.forget_index()


def add_suffix(resources: ResourceSet, suffix: Text) -> None:
    """Put the suffix after the name of every object but those whose names mean something elsewhere."""
    origin = _origin(suffix, "nameSuffix")
    for resource in _renamed(resources):
        resource.suffixes.append(suffix.value)
        _rename(resource, resource.name + suffix.value, origin)
    resources.forget_index()


def _renamed(resources: ResourceSet) -> list[Resource]:
    return [resource for resource in resources if not _keeps_its_name(resource.original_id())]


def _keeps_its_name(identity: ResourceId) -> bool:
    if identity.kind == "APIService":
        return identity.group == "apiregistration.k8s.io"
    return identity.kind in {"CustomResourceDefinition", "Namespace"}


def _rename(resource: Resource, name: str, origin: Origin) -> None:
    resource.remember_id()
    if "name" in resource.metadata:
        resource.set_name(name, origin)


def _origin(text: Text, step: str) -> Origin:
    return Origin(text.origin.file, text.origin.line, text.origin.column, step)
