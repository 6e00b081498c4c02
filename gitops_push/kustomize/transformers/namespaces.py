"""`namespace`: metadata.namespace of all that is not certainly cluster-scoped, and the fields that must follow."""

from __future__ import annotations

from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.field_walk import Missing, visit_fields
from gitops_push.kustomize.fieldspecs import NAMESPACES, FieldSpec
from gitops_push.kustomize.marks import Container, set_at
from gitops_push.kustomize.resource import Resource, split_api_version
from gitops_push.kustomize.scopes import is_cluster_scoped
from gitops_push.kustomize.typed_fields import Text

_METADATA_NAMESPACE = FieldSpec("metadata/namespace", create=True)
_METADATA_NAME = FieldSpec("metadata/name", create=True)


def set_namespace(resources: ResourceSet, namespace: Text) -> None:
    """Write the namespace into all objects. Raises when two objects become one by it."""
    origin = Origin(namespace.origin.file, namespace.origin.line, namespace.origin.column, "namespace")
    for resource in resources:
        if resource.from_helm:
            continue
        resource.remember_id()
        _set(resource, namespace.value, origin)
    resources.forget_index()
    resources.require_unique("namespace transformation", origin)


def _set(resource: Resource, namespace: str, origin: Origin) -> None:
    def put_namespace(container: Container, key: str | int) -> None:
        if isinstance(container[key], (dict, list)):  # type: ignore[index]
            raise invalid(f"namespace field {key!r} of {resource.current_id()} must be a scalar", resource.origin)
        set_at(container, key, namespace, origin)

    missing = Missing(str, origin)
    api_version, kind = resource.api_version, resource.kind
    if not is_cluster_scoped(api_version, kind):
        visit_fields(resource.body, _METADATA_NAMESPACE, put_namespace, missing)
    if (api_version, kind) == ("v1", "Namespace"):
        visit_fields(resource.body, _METADATA_NAME, put_namespace, missing)
    if kind in {"RoleBinding", "ClusterRoleBinding"}:
        _set_default_subjects(resource, namespace, origin)
    for spec in NAMESPACES:
        if spec.selects(*split_api_version(api_version), kind):
            visit_fields(resource.body, spec, put_namespace, missing)


def _set_default_subjects(resource: Resource, namespace: str, origin: Origin) -> None:
    """Set the namespace of subjects named "default"; others follow their ServiceAccount through its name references."""
    subjects = resource.body.get("subjects")
    if subjects is None:
        return
    if not isinstance(subjects, Items):
        raise invalid(f"subjects of {resource.current_id()} must be a list", resource.origin)
    for subject in subjects:
        if isinstance(subject, Fields) and subject.get("name") == "default":
            set_at(subject, "namespace", namespace, origin)
