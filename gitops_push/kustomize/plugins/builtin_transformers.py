"""Kustomize's built-in transformers, as plugins: each reads its configuration and returns what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.fieldspecs import FieldSpecs
from gitops_push.kustomize.hashing import add_hashes
from gitops_push.kustomize.kustomization_reader import read_image, read_patch, read_replica
from gitops_push.kustomize.patches.apply import apply_json_entry, apply_patch, apply_strategic_entries
from gitops_push.kustomize.plugins.settings import PluginReader, PluginSettings
from gitops_push.kustomize.plugins.value_add import add_value
from gitops_push.kustomize.replacements.apply import apply_replacements
from gitops_push.kustomize.replacements.reading import read_replacement_entry
from gitops_push.kustomize.steps import Transformer
from gitops_push.kustomize.transformers.images import set_images
from gitops_push.kustomize.transformers.metadata_pairs import add_pairs
from gitops_push.kustomize.transformers.names import add_prefix, add_suffix
from gitops_push.kustomize.transformers.namespaces import NamespaceEntry, Subjects, set_namespace
from gitops_push.kustomize.transformers.replicas import set_replicas
from gitops_push.kustomize.typed_fields import Text

_AddAffix = Callable[[ResourceSet, Text, FieldSpecs], None]


def _pairs(field: str, kind: str) -> PluginReader:
    def read(settings: PluginSettings) -> Transformer:
        pairs, specs, written = settings.fields.pairs(field), settings.specs(), settings.loader.written
        return lambda resources: add_pairs(resources, pairs, specs, kind, written)

    return read


def _affix(field: str, add: _AddAffix) -> PluginReader:
    def read(settings: PluginSettings) -> Transformer:
        if settings.fields.get("fieldSpecs") is None:
            raise invalid("fieldSpecs is not expected to be nil", settings.config.origin, "add `fieldSpecs:`")
        affix, specs = settings.text(field), settings.specs()
        return lambda resources: add(resources, affix, specs)

    return read


def _both_affixes(settings: PluginSettings) -> Transformer:
    prefix, suffix = _affix("prefix", add_prefix)(settings), _affix("suffix", add_suffix)(settings)

    def add(resources: ResourceSet) -> None:
        prefix(resources)
        suffix(resources)

    return add


def _namespace(settings: PluginSettings) -> Transformer:
    metadata = settings.fields.one("metadata")
    namespace = metadata.text("namespace") if metadata else None
    entry = NamespaceEntry(
        namespace or settings.text("namespace"), _subjects(settings), settings.fields.flag("unsetOnly")
    )
    specs = settings.specs()
    return lambda resources: set_namespace(resources, entry, specs) if namespace else None


def _subjects(settings: PluginSettings) -> Subjects:
    mode = settings.text("setRoleBindingSubjects")
    try:
        return Subjects(mode.value or Subjects.DEFAULT_ONLY)
    except ValueError:
        choices = '"defaultOnly", "none" or "allServiceAccounts"'
        raise invalid(
            f'invalid value "{mode.value}" for setRoleBindingSubjects: must be one of {choices}', mode.origin
        ) from None


def _image(settings: PluginSettings) -> Transformer:
    entry, specs, warnings = read_image(settings.part("imageTag")), settings.specs(), settings.loader.warnings
    return lambda resources: set_images(resources, (entry,), specs, warnings)


def _replica(settings: PluginSettings) -> Transformer:
    entry, specs, written = read_replica(settings.part("replica")), settings.specs(), settings.loader.written
    return lambda resources: set_replicas(resources, entry, specs, written)


def _patch(settings: PluginSettings) -> Transformer:
    entry = read_patch(settings.fields)
    return lambda resources: apply_patch(resources, entry, settings.loader)


def _json_patch(settings: PluginSettings) -> Transformer:
    entry = read_patch(settings.fields, text="jsonOp")
    return lambda resources: apply_json_entry(resources, entry, settings.loader)


def _strategic_patches(settings: PluginSettings) -> Transformer:
    paths, inline = settings.fields.texts("paths"), settings.fields.text("patches")
    if not paths and not inline:
        raise invalid("empty file path and empty patch content", settings.config.origin, "add `paths:` or `patches:`")
    entries = (*paths, *((inline,) if inline else ()))
    return lambda resources: apply_strategic_entries(resources, entries, settings.loader)


def _replacements(settings: PluginSettings) -> Transformer:
    entries = tuple(read_replacement_entry(entry) for entry in settings.fields.many("replacements"))
    return lambda resources: apply_replacements(resources, entries, settings.loader)


def _hash(_: PluginSettings) -> Transformer:
    return add_hashes


TRANSFORMERS: Final[Mapping[str, PluginReader]] = {
    "AnnotationsTransformer": _pairs("annotations", "AnnotationsTransformer"),
    "HashTransformer": _hash,
    "ImageTagTransformer": _image,
    "LabelTransformer": _pairs("labels", "LabelTransformer"),
    "NamespaceTransformer": _namespace,
    "PatchJson6902Transformer": _json_patch,
    "PatchStrategicMergeTransformer": _strategic_patches,
    "PatchTransformer": _patch,
    "PrefixSuffixTransformer": _both_affixes,
    "PrefixTransformer": _affix("prefix", add_prefix),
    "SuffixTransformer": _affix("suffix", add_suffix),
    "ReplacementTransformer": _replacements,
    "ReplicaCountTransformer": _replica,
    "ValueAddTransformer": add_value,
}
