"""`namespace`: metadata.namespace of all that is not certainly cluster-scoped, and the fields that must follow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gitops_push.core.errors import BuildError
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items, Node
from gitops_push.documents.writer import to_yaml
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.field_walk import Missing, visit_fields
from gitops_push.kustomize.fieldspecs import FieldSpec, FieldSpecs
from gitops_push.kustomize.marks import Container, set_at
from gitops_push.kustomize.resource import Resource, text_of
from gitops_push.kustomize.scopes import is_cluster_scoped
from gitops_push.kustomize.typed_fields import Text

_METADATA_NAMESPACE: Final = FieldSpec("metadata/namespace", create=True)
_BINDINGS: Final = frozenset({"RoleBinding", "ClusterRoleBinding"})


class Subjects(StrEnum):
    """Which subjects of role bindings get the namespace; others follow their ServiceAccount by its name reference."""

    DEFAULT_ONLY = "defaultOnly"
    ALL_ACCOUNTS = "allServiceAccounts"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class NamespaceEntry:
    """The namespace to write. With `unset_only` fields that have a value keep it."""

    namespace: Text
    subjects: Subjects = Subjects.DEFAULT_ONLY
    unset_only: bool = False


def set_namespace(resources: ResourceSet, entry: NamespaceEntry, specs: FieldSpecs) -> None:
    """Write the namespace into all objects. Raises when two objects become one by it."""
    place = entry.namespace.origin
    origin = Origin(place.file, place.line, place.column, "namespace")
    for resource in resources:
        if resource.from_helm:
            continue
        resource.remember_id()
        _Setter(resource, entry, origin).set_all(specs)
    resources.forget_index()
    resources.require_unique("namespace transformation", origin)


def set_own_namespace(resource: Resource, entry: NamespaceEntry, step: str) -> None:
    """Write the namespace into one object, without a note of its earlier one."""
    place = entry.namespace.origin
    _Setter(resource, entry, Origin(place.file, place.line, place.column, step)).set_all(())


@dataclass(frozen=True, slots=True)
class _Setter:
    """Writes the namespace into one object."""

    resource: Resource
    entry: NamespaceEntry
    origin: Origin

    def set_all(self, specs: FieldSpecs) -> None:
        resource = self.resource
        missing = Missing(str, self.origin)
        if not is_cluster_scoped(resource.api_version, resource.kind):
            visit_fields(resource.body, _METADATA_NAMESPACE, self.set_field, missing)
        if resource.kind in _BINDINGS:
            self.set_subjects()
        for spec in resource.selected(specs):
            if not self.is_handled(spec):
                visit_fields(resource.body, spec, self.set_field, missing)

    def is_handled(self, spec: FieldSpec) -> bool:
        """Return whether the field is not for field specs: the object's own, and a name that is no namespace."""
        return (
            spec.path == _METADATA_NAMESPACE.path
            or (spec.path == "metadata/name" and self.resource.api_version != "v1")
            or (spec.kind in _BINDINGS and spec.path == "subjects/namespace")
        )

    def set_field(self, container: Container, key: str | int) -> None:
        value: Node = container[key]  # type: ignore[index]
        if isinstance(value, (dict, list)):
            raise self.not_a_scalar(str(key), value)
        if not (self.entry.unset_only and text_of(value)):
            set_at(container, key, self.entry.namespace.value, self.origin)

    def not_a_scalar(self, field: str, value: Node) -> BuildError:
        """Return the error in kustomize's words; what is in a Secret is not shown."""
        kind = "SequenceNode" if isinstance(value, list) else "MappingNode"
        shown = "" if self.resource.kind == "Secret" else f": node contents:\n{to_yaml(value).rstrip()}"
        return invalid(
            f"namespace field specs must target scalar nodes: considering field '{field}' of object "
            f"{self.resource.current_id()}: wrong node kind: expected ScalarNode but got {kind}{shown}",
            self.entry.namespace.origin,
            "name a field with a text in `fieldSpecs`",
        )

    def set_subjects(self) -> None:
        subjects = self.resource.body.get("subjects")
        if subjects is None or self.entry.subjects is Subjects.NONE:
            return
        if not isinstance(subjects, Items):
            raise invalid(f"subjects of {self.resource.current_id()} must be a list", self.resource.origin)
        field, value = (
            ("name", "default") if self.entry.subjects is Subjects.DEFAULT_ONLY else ("kind", "ServiceAccount")
        )
        for subject in subjects:
            if isinstance(subject, Fields) and subject.get(field) == value:
                subject.setdefault("namespace", "")
                self.set_field(subject, "namespace")
