"""A kustomization file as frozen values, each with its place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gitops_push.core.origin import Origin
from gitops_push.kustomize.fieldspecs import FieldSpec
from gitops_push.kustomize.helm.chart import HelmChart
from gitops_push.kustomize.typed_fields import Pair, Text


class KustomizationKind(StrEnum):
    """What a kustomization file is: its own root, or a component that works on the objects of whoever lists it."""

    KUSTOMIZATION = "Kustomization"
    COMPONENT = "Component"


@dataclass(frozen=True, slots=True)
class LabelEntry:
    """An item of `labels`."""

    pairs: tuple[Pair, ...]
    origin: Origin
    include_selectors: bool = False
    include_templates: bool = False
    include_volume_claim_templates: bool = False
    field_specs: tuple[FieldSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """An item of `images`. `origin` is the place of the value that will be seen: tag, digest, suffix or name."""

    name: str
    origin: Origin
    new_name: str = ""
    new_tag: str = ""
    digest: str = ""
    tag_suffix: str = ""


@dataclass(frozen=True, slots=True)
class ReplicaEntry:
    """An item of `replicas`; `origin` is the place of the count."""

    name: str
    count: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class Selector:
    """Which objects a patch is for. All texts but the two selectors are anchored regular expressions; "" is any."""

    origin: Origin
    group: str = ""
    version: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    label_selector: str = ""
    annotation_selector: str = ""


@dataclass(frozen=True, slots=True)
class PatchEntry:
    """An item of `patches` or `patchesJson6902`: a file or a text, and what it is for."""

    origin: Origin
    path: Text | None = None
    patch: Text | None = None
    target: Selector | None = None
    allow_name_change: bool = False
    allow_kind_change: bool = False


@dataclass(frozen=True, slots=True)
class GeneratorOptions:
    """`generatorOptions`, or the `options` of one generator."""

    labels: tuple[Pair, ...] = ()
    annotations: tuple[Pair, ...] = ()
    disable_name_suffix_hash: bool = False
    immutable: bool = False
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class GeneratorEntry:
    """An item of `configMapGenerator` or `secretGenerator`. `kind` is ConfigMap or Secret; `type` of a Secret only."""

    kind: str
    name: Text
    origin: Origin
    namespace: Text | None = None
    behavior: str = ""
    type: Text | None = None
    literals: tuple[Text, ...] = ()
    files: tuple[Text, ...] = ()
    envs: tuple[Text, ...] = ()
    options: GeneratorOptions = GeneratorOptions()


@dataclass(frozen=True, slots=True)
class SortOptions:
    """`sortOptions`: "legacy" with the kinds that come first and last (None: kustomize's own), or "fifo"."""

    order: str
    origin: Origin
    first: tuple[str, ...] | None = None
    last: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class FieldOptions:
    """Which part of a text is meant, counted between delimiters, and whether a missing field is made."""

    delimiter: str = ""
    index: int = 0
    create: bool = False


@dataclass(frozen=True, slots=True)
class ReplacementSource:
    """The one object that a value is taken from; its texts are literal, "" is any. `label` names it in messages."""

    origin: Origin
    group: str = ""
    version: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    field_path: str = "metadata.name"
    options: FieldOptions = FieldOptions()
    label: str = ""


@dataclass(frozen=True, slots=True)
class ReplacementTarget:
    """The fields that a value is written to. `select` is None where the file does not have it."""

    origin: Origin
    select: Selector | None
    reject: tuple[Selector, ...] = ()
    field_paths: tuple[str, ...] = ("metadata.name",)
    options: FieldOptions = FieldOptions()


@dataclass(frozen=True, slots=True)
class Replacement:
    """A value, from an object or written out, and its targets; `targets` is None where the file does not have it."""

    origin: Origin
    source: ReplacementSource | None = None
    source_value: Text | None = None
    targets: tuple[ReplacementTarget, ...] | None = None


@dataclass(frozen=True, slots=True)
class ReplacementEntry:
    """An item of `replacements`: one replacement, or a file with one or a list of them."""

    path: Text | None
    replacement: Replacement


@dataclass(frozen=True, slots=True)
class VarEntry:
    """An item of `vars`: a name, the object (before its changes) and the field that hold its value."""

    name: str
    origin: Origin
    object_name: str = ""
    api_version: str = ""
    group: str = ""
    version: str = ""
    kind: str = ""
    namespace: str = ""
    field_path: str = "metadata.name"

    @property
    def label(self) -> str:
        """Return the var for messages."""
        return (
            f"{{{self.name} {self.api_version or self.version} {self.kind} {self.object_name} {{{self.field_path}}}}}"
        )


@dataclass(frozen=True, slots=True)
class OpenApi:
    """`openapi`: a file with the schema that replaces the built-in one, or the version of the built-in one."""

    origin: Origin
    path: Text | None = None
    version: Text | None = None


@dataclass(frozen=True, slots=True)
class Plugins:
    """`generators`, `transformers` and `validators`: files, directories or texts with the configurations of plugins."""

    generators: tuple[Text, ...] = ()
    transformers: tuple[Text, ...] = ()
    validators: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Kustomization:
    """One kustomization file. `resources` includes the deprecated `bases`, `images` the deprecated `imageTags`."""

    file: str
    kind: KustomizationKind
    resources: tuple[Text, ...] = ()
    components: tuple[Text, ...] = ()
    namespace: Text | None = None
    name_prefix: Text | None = None
    name_suffix: Text | None = None
    labels: tuple[LabelEntry, ...] = ()
    common_labels: tuple[Pair, ...] = ()
    common_annotations: tuple[Pair, ...] = ()
    images: tuple[ImageEntry, ...] = ()
    replicas: tuple[ReplicaEntry, ...] = ()
    patches: tuple[PatchEntry, ...] = ()
    patches_strategic_merge: tuple[Text, ...] = ()
    patches_json6902: tuple[PatchEntry, ...] = ()
    replacements: tuple[ReplacementEntry, ...] = ()
    vars: tuple[VarEntry, ...] = ()
    generators: tuple[GeneratorEntry, ...] = ()
    helm_charts: tuple[HelmChart, ...] = ()
    generator_options: GeneratorOptions = GeneratorOptions()
    sort_options: SortOptions | None = None
    configurations: tuple[Text, ...] = ()
    crds: tuple[Text, ...] = ()
    open_api: OpenApi | None = None
    plugins: Plugins = Plugins()
    build_metadata: tuple[Text, ...] = ()
    warnings: tuple[str, ...] = ()
