"""The transformers that the fields of a kustomization ask for, in kustomize's fixed order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.collecting import for_each
from gitops_push.kustomize.configuration import TransformerConfig
from gitops_push.kustomize.fieldspecs import FieldSpecs
from gitops_push.kustomize.kustomization import Kustomization
from gitops_push.kustomize.loader import Loader
from gitops_push.kustomize.patches.apply import apply_json_entry, apply_patch, apply_strategic_entries
from gitops_push.kustomize.replacements.apply import apply_replacements
from gitops_push.kustomize.resource import Resource
from gitops_push.kustomize.transformers.images import set_images
from gitops_push.kustomize.transformers.metadata_pairs import add_pairs, label_specs
from gitops_push.kustomize.transformers.names import add_prefix, add_suffix
from gitops_push.kustomize.transformers.namespaces import NamespaceEntry, set_namespace
from gitops_push.kustomize.transformers.replicas import set_replicas
from gitops_push.kustomize.typed_fields import Pair

Transformer: TypeAlias = Callable[[ResourceSet], None]
"""Changes the objects of a layer in place. Raises `BuildError`."""


class Step(NamedTuple):
    """A transformer of a layer, and the kind of the built-in plugin that it is.

    Kustomize has a transformer for each item of some fields: `times` counts them. `config` configures a plugin.
    """

    kind: str
    transform: Transformer
    times: int = 1
    config: Resource | None = None


def field_steps(spec: Kustomization, config: TransformerConfig, loader: Loader) -> Iterator[Step]:
    """Yield the steps; those of fields that are not there are left out."""
    written = loader.written
    if spec.patches_strategic_merge:
        yield Step(
            "PatchStrategicMergeTransformer",
            lambda resources: apply_strategic_entries(resources, spec.patches_strategic_merge, loader),
        )
    if spec.patches:
        yield Step(
            "PatchTransformer",
            lambda resources: for_each(spec.patches, lambda entry: apply_patch(resources, entry, loader)),
            len(spec.patches),
        )
    yield from _name_steps(spec, config)
    yield from _pair_steps(spec, config, loader)
    if spec.patches_json6902:
        yield Step(
            "PatchJson6902Transformer",
            lambda resources: for_each(spec.patches_json6902, lambda entry: apply_json_entry(resources, entry, loader)),
            len(spec.patches_json6902),
        )
    if spec.replicas:
        yield Step(
            "ReplicaCountTransformer",
            lambda resources: for_each(
                spec.replicas, lambda entry: set_replicas(resources, entry, config.replicas, written)
            ),
            len(spec.replicas),
        )
    if spec.images:
        yield Step(
            "ImageTagTransformer",
            lambda resources: set_images(resources, spec.images, config.images, loader.warnings),
            len(spec.images),
        )
    if spec.replacements:
        yield Step("ReplacementTransformer", lambda resources: apply_replacements(resources, spec.replacements, loader))


def _name_steps(spec: Kustomization, config: TransformerConfig) -> Iterator[Step]:
    namespace, prefix, suffix = spec.namespace, spec.name_prefix, spec.name_suffix
    if namespace:
        entry = NamespaceEntry(namespace)
        yield Step("NamespaceTransformer", lambda resources: set_namespace(resources, entry, config.namespace))
    if prefix:
        yield Step("PrefixTransformer", lambda resources: add_prefix(resources, prefix, config.name_prefix))
    if suffix:
        yield Step("SuffixTransformer", lambda resources: add_suffix(resources, suffix, config.name_suffix))


def _pair_steps(spec: Kustomization, config: TransformerConfig, loader: Loader) -> Iterator[Step]:
    written = loader.written

    def pairs_step(kind: str, pairs: tuple[Pair, ...], specs: FieldSpecs, field: str) -> Step:
        return Step(kind, lambda resources: add_pairs(resources, pairs, specs, field, written))

    for label in spec.labels:
        yield pairs_step("LabelTransformer", label.pairs, label_specs(label, config), "labels")
    if spec.labels or spec.common_labels:
        yield pairs_step("LabelTransformer", spec.common_labels, config.common_labels, "commonLabels")
    if spec.common_annotations:
        yield pairs_step(
            "AnnotationsTransformer", spec.common_annotations, config.common_annotations, "commonAnnotations"
        )
