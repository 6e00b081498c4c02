"""Reads `configurations`: files that add fields to the built-in transformers."""

from __future__ import annotations

from typing import Final

from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.tree import Fields, start_of
from gitops_push.documents.reader import Dialect
from gitops_push.kustomize.configuration import TransformerConfig, merge_configs
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.fieldspecs import FieldSpec, FieldSpecs
from gitops_push.kustomize.loader import Loader
from gitops_push.kustomize.name_reference_table import ReferenceRule
from gitops_push.kustomize.typed_fields import Text, TypedFields

_SPECS: Final = {
    "namePrefix": "name_prefix",
    "nameSuffix": "name_suffix",
    "namespace": "namespace",
    "commonLabels": "common_labels",
    "labels": "labels",
    "templateLabels": "template_labels",
    "volumeClaimTemplateLabels": "volume_claim_template_labels",
    "commonAnnotations": "common_annotations",
    "varReference": "var_reference",
    "images": "images",
    "replicas": "replicas",
}
_GVK: Final = ("group", "version", "kind")


def read_configurations(entries: tuple[Text, ...], loader: Loader) -> TransformerConfig:
    """Return what all files add together. Raises `BuildError` with everything that is wrong with them."""
    config = TransformerConfig()
    for entry in entries:
        config = merge_configs(config, _read(entry, loader), entry.origin)
    return config


def field_specs(entry: TypedFields, name: str, where: str) -> FieldSpecs:
    """Return a list of field specs; unknown fields of one are a problem."""
    return tuple(_field_spec(item, where) for item in entry.many(name))


def _read(entry: Text, loader: Loader) -> TransformerConfig:
    value = loader.first_document(entry, Dialect.KUBECTL)
    if value is None:
        return TransformerConfig()
    if not isinstance(value, Fields):
        raise invalid(f"{entry.value} must be a mapping of transformers to fields", entry.origin)
    problems: list[Problem] = []
    top = TypedFields(value, start_of(value) or entry.origin, problems)
    top.check_names((*_SPECS, "nameReference"), "the configuration")
    specs = {target: field_specs(top, name, name) for name, target in _SPECS.items()}
    rules = tuple(_rule(item) for item in top.many("nameReference"))
    if problems:
        raise BuildError(problems)
    return TransformerConfig(name_reference=rules, **specs)


def _rule(entry: TypedFields) -> ReferenceRule:
    entry.check_names((*_GVK, "fieldSpecs"), "nameReference")
    fields = field_specs(entry, "fieldSpecs", "nameReference.fieldSpecs")
    return ReferenceRule(entry.string("kind"), fields, entry.string("group"), entry.string("version"))


def _field_spec(entry: TypedFields, where: str) -> FieldSpec:
    entry.check_names(("path", "create", *_GVK), where)
    return FieldSpec(entry.string("path"), entry.flag("create"), *(entry.string(name) for name in _GVK))
