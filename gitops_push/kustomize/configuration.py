"""Which fields of which kinds the built-in transformers touch: kustomize's defaults, and what `configurations` add.

A layer starts with the defaults; the configurations of its bases, then its own, are merged in, each list as a set
(kustomize's builtinconfig.TransformerConfig).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from gitops_push.core.origin import Origin
from gitops_push.kustomize import fieldspecs as defaults
from gitops_push.kustomize.fieldspecs import FieldSpec, FieldSpecs, merge_fieldspecs
from gitops_push.kustomize.name_reference_table import REFERENCE_RULES, ReferenceRule
from gitops_push.kustomize.ordering import kind_rank
from gitops_push.kustomize.variable_reference_table import VARIABLE_REFERENCES


@dataclass(frozen=True, slots=True)
class TransformerConfig:
    """The fields of each transformer. `name_references` says which fields hold the names of which kinds.

    `labels` are fields that every item of `labels` sets, besides those that its options name.
    """

    name_prefix: FieldSpecs = ()
    name_suffix: FieldSpecs = ()
    namespace: FieldSpecs = ()
    common_labels: FieldSpecs = ()
    labels: FieldSpecs = ()
    template_labels: FieldSpecs = ()
    volume_claim_template_labels: FieldSpecs = ()
    common_annotations: FieldSpecs = ()
    name_reference: tuple[ReferenceRule, ...] = ()
    var_reference: FieldSpecs = ()
    images: FieldSpecs = ()
    replicas: FieldSpecs = ()


DEFAULT_CONFIG: Final = TransformerConfig(
    name_prefix=defaults.NAMES,
    name_suffix=defaults.NAMES,
    namespace=defaults.NAMESPACES,
    common_labels=defaults.COMMON_LABELS,
    template_labels=defaults.TEMPLATE_LABELS,
    volume_claim_template_labels=defaults.VOLUME_CLAIM_TEMPLATE_LABELS,
    common_annotations=defaults.COMMON_ANNOTATIONS,
    name_reference=REFERENCE_RULES,
    var_reference=VARIABLE_REFERENCES,
    images=defaults.IMAGES,
    replicas=defaults.REPLICAS,
)


NO_CONFIG: Final = TransformerConfig()


def merge_configs(base: TransformerConfig, added: TransformerConfig, origin: Origin) -> TransformerConfig:
    """Return both together. Raises `BuildError` at `origin` when they disagree about creating a missing field.

    A field that is known for some kinds swallows the same field for any kind: so a configuration of `namePrefix` with
    kinds takes the place of the default for all kinds, as in kustomize.
    """
    if added is base or added == NO_CONFIG:
        return base
    if added is DEFAULT_CONFIG and base is NO_CONFIG:
        return added
    specs = {
        field.name: _merged_specs(getattr(base, field.name), getattr(added, field.name), origin)
        for field in fields(TransformerConfig)
        if field.name != "name_reference"
    }
    rules = _merge_rules(base.name_reference, added.name_reference, origin)
    return TransformerConfig(name_reference=tuple(sorted(rules, key=_by_kind)), **specs)


def _merged_specs(base: FieldSpecs, added: FieldSpecs, origin: Origin) -> FieldSpecs:
    if added is base or not added:
        return base
    return tuple(sorted(merge_fieldspecs(base, added, origin), key=_by_kind))


def _merge_rules(
    base: tuple[ReferenceRule, ...], added: tuple[ReferenceRule, ...], origin: Origin
) -> tuple[ReferenceRule, ...]:
    merged = {(rule.group, rule.version, rule.kind): rule for rule in base}
    for rule in added:
        key = (rule.group, rule.version, rule.kind)
        known = merged.get(key)
        merged[key] = ReferenceRule(
            rule.kind, merge_fieldspecs(known.fields if known else (), rule.fields, origin), rule.group, rule.version
        )
    return tuple(merged.values())


def _by_kind(entry: FieldSpec | ReferenceRule) -> tuple[int, str]:
    return kind_rank(entry.kind), f"{entry.group or '~G'}_{entry.version or '~V'}_{entry.kind or '~K'}"
