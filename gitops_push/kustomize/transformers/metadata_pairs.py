"""`labels`, `commonLabels` and `commonAnnotations`: the same pairs into mappings of many objects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Node
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.configuration import TransformerConfig
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.field_walk import Missing, visit_fields
from gitops_push.kustomize.fieldspecs import (
    METADATA_LABELS,
    FieldSpec,
    FieldSpecs,
    merge_fieldspecs,
)
from gitops_push.kustomize.kustomization import LabelEntry
from gitops_push.kustomize.marks import Container
from gitops_push.kustomize.quotes import reads_as_no_text
from gitops_push.kustomize.resource import Resource, split_api_version
from gitops_push.kustomize.typed_fields import Pair
from gitops_push.kustomize.written import WrittenText

MANAGED_BY: Final = Pair("app.kubernetes.io/managed-by", "kustomize-v5.8.2", Origin(""))
"""What `--enable-managedby-label` adds; the version is that of the kustomize whose output this is."""


def add_managed_by_label(resources: ResourceSet, origin: Origin, written: WrittenText) -> None:
    """Label every object as made by kustomize; `origin` is the place that asks for it."""
    add_pairs(resources, (replace(MANAGED_BY, origin=origin),), METADATA_LABELS, "managedByLabel", written)


def label_specs(entry: LabelEntry, config: TransformerConfig) -> FieldSpecs:
    """Return the fields that an item of `labels` sets: metadata, and templates and selectors where it says so."""
    specs = merge_fieldspecs(entry.field_specs, config.labels, entry.origin)
    if entry.include_selectors:
        return merge_fieldspecs(specs, config.common_labels, entry.origin)
    if entry.include_templates:
        specs = merge_fieldspecs(specs, config.template_labels, entry.origin)
    if entry.include_volume_claim_templates:
        specs = merge_fieldspecs(specs, config.volume_claim_template_labels, entry.origin)
    return merge_fieldspecs(specs, METADATA_LABELS, entry.origin)


def add_pairs(
    resources: ResourceSet, pairs: Iterable[Pair], specs: FieldSpecs, step: str, written: WrittenText
) -> None:
    """Set labels or annotations in the mappings that `specs` name; `step` is the field or plugin that asks for it."""
    marked = [
        (pair.key, pair.value, Origin(pair.origin.file, pair.origin.line, pair.origin.column, step))
        for pair in sorted(pairs, key=lambda pair: pair.key)
    ]
    if not marked:
        return
    missing = Missing(Fields, marked[0][2])
    by_kind: dict[tuple[str, str], list[FieldSpec]] = {}
    for resource in resources:
        known = (resource.api_version, resource.kind)
        if known not in by_kind:
            by_kind[known] = [spec for spec in specs if spec.selects(*split_api_version(known[0]), known[1])]
        for target, name in _add_to_object(resource, marked, by_kind[known], missing):
            written.noted.note(target, name, reads_as_no_text(target[name]))


def _add_to_object(
    resource: Resource, marked: list[tuple[str, str, Origin]], specs: list[FieldSpec], missing: Missing
) -> list[tuple[Fields, str]]:
    """Set the pairs, and return the places that are new."""
    added: list[tuple[Fields, str]] = []
    targets: list[Fields] = []

    def on_field(container: Container, key: str | int) -> None:
        target: Node = container[key]  # type: ignore[index]
        if not isinstance(target, Fields):
            raise invalid(
                f"{key} of {resource.current_id()} must be a mapping, to take labels or annotations", resource.origin
            )
        targets.append(target)

    for spec in specs:
        visit_fields(resource.body, spec, on_field, missing)
    for name, value, origin in marked:
        new = [(target, name) for target in targets if name not in target]
        for target in targets:
            resource.shared.set(target, name, value, origin)
        resource.shared.add(new)
        added += new
    return added
