"""`replicas`: the replica count of workloads, found by any name they ever had."""

from __future__ import annotations

from gitops_push.core.tree import Fields
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.field_walk import Missing, visit_fields
from gitops_push.kustomize.fieldspecs import FieldSpec, FieldSpecs
from gitops_push.kustomize.kustomization import ReplicaEntry
from gitops_push.kustomize.marks import Container, set_at
from gitops_push.kustomize.resource import Resource, shown_kind
from gitops_push.kustomize.written import WrittenText


def set_replicas(resources: ResourceSet, entry: ReplicaEntry, specs: FieldSpecs, written: WrittenText) -> None:
    """Set the replica count of the workloads with this name. Raises when there are none of the kinds of `specs`."""
    found = [
        (resource, spec)
        for resource in resources.with_any_name(entry.name)
        for spec in specs
        if _has_id(resource, entry.name, spec)
    ]
    if not found:
        kinds = " ".join(shown_kind(spec.group, spec.version, spec.kind) for spec in specs)
        raise invalid(
            f"resource with name {entry.name} does not match a config with the following GVK [{kinds}]",
            entry.origin,
            "name a workload of this kustomization, or remove the entry",
        )
    for resource, spec in found:
        _set(resource, spec, entry, written)


def _has_id(resource: Resource, name: str, spec: FieldSpec) -> bool:
    return any(one.name == name and spec.selects(one.group, one.version, one.kind) for one in resource.all_ids())


def _set(resource: Resource, spec: FieldSpec, entry: ReplicaEntry, written: WrittenText) -> None:
    def put_count(container: Container, key: str | int) -> None:
        old = container[key]  # type: ignore[index]
        quoted = bool(old) and isinstance(container, Fields) and written.is_quoted(container, str(key))
        set_at(container, key, str(entry.count) if quoted else entry.count, entry.origin)

    if spec.kind == resource.kind:
        visit_fields(resource.body, spec, put_count, Missing(str, entry.origin))
