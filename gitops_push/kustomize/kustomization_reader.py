"""Turns a parsed kustomization file into a `Kustomization`, refusing what is unknown or not supported yet."""

from __future__ import annotations

from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields
from gitops_push.kustomize.configuration_reader import field_specs
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.helm.chart import read_charts
from gitops_push.kustomize.kustomization import (
    GeneratorEntry,
    GeneratorOptions,
    ImageEntry,
    Kustomization,
    KustomizationKind,
    LabelEntry,
    OpenApi,
    PatchEntry,
    Plugins,
    ReplicaEntry,
    Selector,
    SortOptions,
    VarEntry,
)
from gitops_push.kustomize.replacements.reading import read_replacement_entry
from gitops_push.kustomize.typed_fields import Text, TypedFields

_API_VERSIONS: Final = {
    KustomizationKind.KUSTOMIZATION: "kustomize.config.k8s.io/v1beta1",
    KustomizationKind.COMPONENT: "kustomize.config.k8s.io/v1alpha1",
}
_FIELDS: Final = (
    "apiVersion",
    "kind",
    "metadata",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "images",
    "imageTags",
    "replicas",
    "replacements",
    "vars",
    "sortOptions",
    "resources",
    "components",
    "bases",
    "configMapGenerator",
    "secretGenerator",
    "generatorOptions",
    "helmGlobals",
    "helmCharts",
    "helmChartInflationGenerator",
    "configurations",
    "crds",
    "openapi",
    "generators",
    "transformers",
    "validators",
    "buildMetadata",
)
_DEPRECATED: Final = {
    "bases": "resources",
    "commonLabels": "labels",
    "helmChartInflationGenerator": "helmCharts",
    "imageTags": "images",
    "patchesJson6902": "patches",
    "patchesStrategicMerge": "patches",
    "vars": "replacements",
}


def read_kustomization(fields: Fields, file: str) -> Kustomization:
    """Return the kustomization of a parsed file. Raises `BuildError` with everything that is wrong with it."""
    problems: list[Problem] = []
    top = TypedFields(fields, Origin(file, 1), problems)
    top.check_names(_FIELDS, "the kustomization")
    kind = _kind(top)
    options = _options(top.one("generatorOptions"))
    kustomization = Kustomization(
        file=file,
        kind=kind,
        resources=(*top.texts("resources"), *top.texts("bases")),
        components=top.texts("components"),
        namespace=top.text("namespace"),
        name_prefix=top.text("namePrefix"),
        name_suffix=top.text("nameSuffix"),
        labels=tuple(_label(entry) for entry in top.many("labels")),
        common_labels=top.pairs("commonLabels"),
        common_annotations=top.pairs("commonAnnotations"),
        images=tuple(read_image(entry) for entry in (*top.many("images"), *top.many("imageTags"))),
        replicas=tuple(read_replica(entry) for entry in top.many("replicas")),
        patches=tuple(read_patch(entry) for entry in top.many("patches")),
        patches_strategic_merge=top.texts("patchesStrategicMerge"),
        patches_json6902=tuple(read_patch(entry) for entry in top.many("patchesJson6902")),
        replacements=tuple(read_replacement_entry(entry) for entry in top.many("replacements")),
        vars=tuple(_var(entry) for entry in top.many("vars")),
        generators=tuple(
            read_generator(entry, kind_made)
            for kind_made, field in (("ConfigMap", "configMapGenerator"), ("Secret", "secretGenerator"))
            for entry in top.many(field)
        ),
        helm_charts=read_charts(top),
        generator_options=options,
        sort_options=_sort_options(top.one("sortOptions")),
        configurations=top.texts("configurations"),
        crds=top.texts("crds"),
        open_api=_open_api(top.one("openapi")),
        plugins=Plugins(top.texts("generators"), top.texts("transformers"), top.texts("validators")),
        build_metadata=top.texts("buildMetadata"),
        warnings=_deprecations(top),
    )
    _check_metadata(top)
    if problems:
        raise BuildError(problems)
    if not any(top.get(name) is not None for name in fields if name.lower() not in {"apiversion", "kind"}):
        raise invalid(f"{file} is empty: kustomization.yaml is empty", Origin(file), "add `resources:`")
    return kustomization


def _kind(top: TypedFields) -> KustomizationKind:
    text = top.text("kind")
    try:
        kind = KustomizationKind(text.value) if text else KustomizationKind.KUSTOMIZATION
    except ValueError:
        message = f"kind should be Kustomization or Component, not {text.value!r}" if text else ""
        top.problems.append(Problem(Code.KUSTOMIZATION_INVALID, message, top.place("kind")))
        return KustomizationKind.KUSTOMIZATION
    version = top.text("apiVersion")
    if version and version.value != _API_VERSIONS[kind]:
        message = f"apiVersion for {kind} should be {_API_VERSIONS[kind]}"
        top.problems.append(Problem(Code.KUSTOMIZATION_INVALID, message, version.origin))
    return kind


def _check_metadata(top: TypedFields) -> None:
    metadata = top.one("metadata")
    if metadata:
        metadata.check_names(("name", "namespace", "labels", "annotations"), "metadata")
        metadata.text("name"), metadata.text("namespace")  # for their types only
        metadata.pairs("labels"), metadata.pairs("annotations")


def _deprecations(top: TypedFields) -> tuple[str, ...]:
    """Return kustomize's own warnings, each with the place of the field."""
    return tuple(
        f"{top.key_place(old)}: # Warning: '{old}' is deprecated. Please use '{new}' instead. "
        f"{'[EXPERIMENTAL] ' if old == 'vars' else ''}Run 'kustomize edit fix' to update your Kustomization "
        "automatically."
        for old, new in _DEPRECATED.items()
        if top.get(old) is not None
    )


def _open_api(entry: TypedFields | None) -> OpenApi | None:
    return OpenApi(entry.origin, entry.text("path"), entry.text("version")) if entry else None


def _label(entry: TypedFields) -> LabelEntry:
    flags = ("includeSelectors", "includeTemplates", "includeVolumeClaimTemplates")
    entry.check_names(("pairs", *flags, "fields"), "labels")
    return LabelEntry(
        pairs=entry.pairs("pairs"),
        origin=entry.origin,
        include_selectors=entry.flag("includeSelectors"),
        include_templates=entry.flag("includeTemplates"),
        include_volume_claim_templates=entry.flag("includeVolumeClaimTemplates"),
        field_specs=field_specs(entry, "fields", "labels.fields"),
    )


def read_image(entry: TypedFields) -> ImageEntry:
    """Return an item of `images`."""
    entry.check_names(("name", "newName", "newTag", "tagSuffix", "digest"), "images")
    shown = next((name for name in ("newTag", "digest", "tagSuffix", "newName") if entry.get(name)), "name")
    return ImageEntry(
        name=entry.string("name"),
        origin=_at(entry, shown, "images"),
        new_name=entry.string("newName"),
        new_tag=entry.string("newTag"),
        digest=entry.string("digest"),
        tag_suffix=entry.string("tagSuffix"),
    )


def read_replica(entry: TypedFields) -> ReplicaEntry:
    """Return an item of `replicas`."""
    entry.check_names(("name", "count"), "replicas")
    return ReplicaEntry(entry.string("name"), entry.number("count"), _at(entry, "count", "replicas"))


def _var(entry: TypedFields) -> VarEntry:
    entry.check_names(("name", "objref", "fieldref"), "vars")
    ref, field = entry.one("objref") or _nothing(entry), entry.one("fieldref") or _nothing(entry)
    ref.check_names(("name", "apiVersion", "group", "version", "kind", "namespace"), "vars.objref")
    field.check_names(("fieldPath",), "vars.fieldref")
    return VarEntry(
        name=entry.string("name"),
        origin=entry.origin,
        object_name=ref.string("name"),
        api_version=ref.string("apiVersion"),
        group=ref.string("group"),
        version=ref.string("version"),
        kind=ref.string("kind"),
        namespace=ref.string("namespace"),
        field_path=field.string("fieldPath") or "metadata.name",
    )


def _nothing(entry: TypedFields) -> TypedFields:
    """Return an empty mapping in place of one that is absent."""
    return TypedFields(Fields(), entry.origin, entry.problems)


def read_patch(entry: TypedFields, text: str = "patch") -> PatchEntry:
    """Return an item of `patches` or `patchesJson6902`; `text` is the field with the patch itself."""
    entry.check_names(("path", "patch", "target", "options"), "patches")
    options, patch = entry.one("options"), entry.text(text)
    if options:
        options.check_names(("allowNameChange", "allowKindChange"), "patches.options")
    return PatchEntry(
        origin=entry.origin,
        path=entry.text("path"),
        patch=patch if patch and patch.value.strip() else None,
        target=read_selector(entry.one("target")),
        allow_name_change=options is not None and options.flag("allowNameChange"),
        allow_kind_change=options is not None and options.flag("allowKindChange"),
    )


def read_selector(entry: TypedFields | None) -> Selector | None:
    """Return the selector of a target, None where there is none."""
    if entry is None:
        return None
    names = ("group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector")
    entry.check_names(names, "target")
    return Selector(entry.origin, *(entry.string(name) for name in names))


def read_generator(entry: TypedFields, kind: str) -> GeneratorEntry:
    """Return an item of `configMapGenerator` or `secretGenerator`; `kind` is what it makes."""
    known = ("name", "namespace", "behavior", "literals", "files", "envs", "env", "options")
    entry.check_names((*known, "type") if kind == "Secret" else known, f"{kind[0].lower()}{kind[1:]}Generator")
    env = entry.text("env")
    return GeneratorEntry(
        kind=kind,
        name=entry.text("name") or Text("", entry.origin),
        origin=entry.origin,
        namespace=entry.text("namespace"),
        behavior=entry.string("behavior"),
        type=entry.text("type"),
        literals=entry.texts("literals"),
        files=entry.texts("files"),
        envs=(*entry.texts("envs"), *((env,) if env else ())),
        options=_options(entry.one("options")),
    )


def _options(entry: TypedFields | None) -> GeneratorOptions:
    if entry is None:
        return GeneratorOptions()
    entry.check_names(("labels", "annotations", "disableNameSuffixHash", "immutable"), "generator options")
    return GeneratorOptions(
        labels=entry.pairs("labels"),
        annotations=entry.pairs("annotations"),
        disable_name_suffix_hash=entry.flag("disableNameSuffixHash"),
        immutable=entry.flag("immutable"),
        origin=entry.place("immutable"),
    )


def _sort_options(entry: TypedFields | None) -> SortOptions | None:
    if entry is None:
        return None
    entry.check_names(("order", "legacySortOptions"), "sortOptions")
    order, kinds = entry.string("order"), entry.one("legacySortOptions")
    if order not in {"legacy", "fifo"}:
        entry.problems.append(
            Problem(
                Code.KUSTOMIZATION_INVALID,
                "the field 'sortOptions.order' must be one of [fifo, legacy]",
                entry.place("order"),
            )
        )
    if kinds is None:
        return SortOptions(order, entry.origin)
    kinds.check_names(("orderFirst", "orderLast"), "sortOptions.legacySortOptions")
    if order == "fifo":
        message = "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'"
        entry.problems.append(Problem(Code.KUSTOMIZATION_INVALID, message, kinds.origin))
    first, last = kinds.texts("orderFirst"), kinds.texts("orderLast")
    return SortOptions(order, entry.origin, tuple(t.value for t in first), tuple(t.value for t in last))


def _at(entry: TypedFields, name: str, step: str) -> Origin:
    place = entry.place(name)
    return Origin(place.file, place.line, place.column, step)
