"""Reads `crds`: OpenAPI definitions whose extensions say which fields hold names, labels and annotations.

The files map type names ("com.example.v1.MyKind") to schemas, as kube-openapi prints them; they are not
CustomResourceDefinition manifests. Extensions: x-kubernetes-annotation, -label-selector, -identity, and
-object-ref-api-version with -object-ref-kind and, optionally, -object-ref-name-key (kustomize's LoadConfigFromCRDs).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from gitops_push.core.tree import Fields, Node
from gitops_push.documents.reader import Dialect
from gitops_push.kustomize.configuration import TransformerConfig, merge_configs
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.fieldspecs import FieldSpec
from gitops_push.kustomize.loader import Loader
from gitops_push.kustomize.name_reference_table import ReferenceRule
from gitops_push.kustomize.typed_fields import Text

_OBJECT_FIELDS: Final = frozenset({"kind", "apiVersion", "metadata"})
_MOST_FIELDS: Final = 100_000
_PREFIX: Final = "x-kubernetes-"
_TARGETS: Final = {"annotation": "annotations", "label-selector": "labels", "identity": "names"}


@dataclass(slots=True)
class _Found:
    """The fields that a type of a file names, by what they hold; `visited` counts them, against endless nesting."""

    types: Fields
    entry: Text
    visited: int = 0
    annotations: list[FieldSpec] = field(default_factory=list)
    labels: list[FieldSpec] = field(default_factory=list)
    names: list[FieldSpec] = field(default_factory=list)
    references: list[ReferenceRule] = field(default_factory=list)

    def config(self) -> TransformerConfig:
        return TransformerConfig(
            common_annotations=tuple(self.annotations),
            common_labels=tuple(self.labels),
            name_prefix=tuple(self.names),
            name_reference=tuple(self.references),
        )


def read_crds(entries: tuple[Text, ...], loader: Loader) -> TransformerConfig:
    """Return the fields that the definitions of all files name. Raises `BuildError` for a file that has none."""
    config = TransformerConfig()
    for entry in entries:
        for definition in _definitions(entry, loader):
            config = merge_configs(config, definition, entry.origin)
    return config


def _definitions(entry: Text, loader: Loader) -> Iterator[TransformerConfig]:
    types = loader.first_document(entry, Dialect.KUBECTL)
    if not isinstance(types, Fields):
        raise invalid(
            f"unable to parse open API definition from '{entry.value}': it is not a mapping of types",
            entry.origin,
            "`crds` takes OpenAPI definitions; list CustomResourceDefinition manifests under `resources`",
        )
    for name, definition in types.items():
        if _properties(definition).keys() >= _OBJECT_FIELDS:
            found = _Found(types, entry)
            _collect(found, name, (), name.rpartition(".")[2], frozenset())
            yield found.config()


def _collect(found: _Found, name: str, path: tuple[str, ...], kind: str, above: frozenset[str]) -> None:
    """Collect the fields of a type and of those that it refers to; a type within itself is entered once."""
    for key, schema in _properties(found.types.get(name)).items():
        here = (*path, key)
        found.visited += 1
        if found.visited > _MOST_FIELDS:
            raise invalid(f"{kind} of '{found.entry.value}' has more than {_MOST_FIELDS:,} fields", found.entry.origin)
        for extension, target in _TARGETS.items():
            if isinstance(schema.get(_PREFIX + extension), str):
                getattr(found, target).append(FieldSpec("/".join(here), kind=kind))
        version, referred = (schema.get(f"{_PREFIX}object-ref-{part}") for part in ("api-version", "kind"))
        if isinstance(version, str) and isinstance(referred, str):
            key_name = schema.get(f"{_PREFIX}object-ref-name-key")
            spec = FieldSpec("/".join((*here, key_name if isinstance(key_name, str) else "name")), kind=kind)
            found.references.append(ReferenceRule(referred, (spec,), version=version))
        other = schema.get("$ref")
        if isinstance(other, str) and other not in above:
            _collect(found, other, here, kind, above | {name})


def _properties(definition: Node) -> dict[str, Fields]:
    schema = definition.get("Schema") if isinstance(definition, Fields) else None
    properties = schema.get("properties") if isinstance(schema, Fields) else None
    if not isinstance(properties, Fields):
        return {}
    return {key: value for key, value in properties.items() if isinstance(value, Fields)}
