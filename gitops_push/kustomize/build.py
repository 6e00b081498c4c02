"""The entry point: builds the kustomization of a directory.

A kustomization is built depth first: resources and bases, generators, components (each with its whole pipeline, on
the objects
so far), then this file's transformers in kustomize's fixed order. Names are hashed and references followed once, at
the root.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from gitops_push.core.build_options import KUSTOMIZE_DEFAULTS, BuildOptions, Reorder
from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields
from gitops_push.documents.reader import Dialect
from gitops_push.kustomize.accumulation import in_kustomizes_words
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.finishing import finished_body, is_local_config, require_names
from gitops_push.kustomize.generators import generate
from gitops_push.kustomize.hashing import add_hashes
from gitops_push.kustomize.helm_generator import generate_chart
from gitops_push.kustomize.kustomization import Kustomization, KustomizationKind
from gitops_push.kustomize.kustomization_reader import read_kustomization
from gitops_push.kustomize.loader import Loader
from gitops_push.kustomize.manifests import resources_of
from gitops_push.kustomize.name_references import fix_references
from gitops_push.kustomize.ordering import in_legacy_order
from gitops_push.kustomize.patches.apply import apply_json_entry, apply_patch, apply_strategic_entries
from gitops_push.kustomize.programs import NO_PROGRAMS, Programs
from gitops_push.kustomize.replacements.apply import apply_replacements
from gitops_push.kustomize.resource import Resource
from gitops_push.kustomize.transformers.images import set_images
from gitops_push.kustomize.transformers.metadata_pairs import (
    add_common_annotations,
    add_common_labels,
    add_labels,
    add_managed_by_label,
)
from gitops_push.kustomize.transformers.names import add_prefix, add_suffix
from gitops_push.kustomize.transformers.namespaces import set_namespace
from gitops_push.kustomize.transformers.replicas import set_replicas
from gitops_push.kustomize.typed_fields import Text
from gitops_push.kustomize.variable_reference_table import VARIABLE_REFERENCES
from gitops_push.kustomize.vars import absorb_vars, gather_vars, resolve_vars
from gitops_push.kustomize.written import WrittenText
from gitops_push.system.files import RepoFiles

__all__ = ["BuildOptions", "BuiltObject", "BuiltSet", "Reorder", "build_kustomization"]

MAX_DEPTH: Final = 100
"""How deep bases may be nested."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BuiltObject:
    """An object of the output. `unhashed_name` is its name before the content hash was added, else ""."""

    body: Fields = field(repr=False)
    origin: Origin
    unhashed_name: str = ""


@dataclass(frozen=True, slots=True)
class BuiltSet:
    """What a build gives: the objects in the order of the output, and lines for people."""

    objects: tuple[BuiltObject, ...]
    warnings: tuple[str, ...] = ()


def build_kustomization(
    files: RepoFiles, path: str, options: BuildOptions = KUSTOMIZE_DEFAULTS, programs: Programs = NO_PROGRAMS
) -> BuiltSet:
    """Build the kustomization in a directory of the repo, given relative to its root.

    Raises `BuildError` with all problems that were found: unknown and unsupported fields with their lines, files that
    are missing or outside, remote sources, patches without a target, objects that are there twice. Reads files only.
    """
    directory = files.resolve(".", path)
    if not files.is_dir(directory):
        raise invalid(f"{path} is not a directory with a kustomization", Origin(path))
    loader = Loader(
        files, WrittenText(files), files.real_path(directory), restricted=options.restricted, programs=programs
    )
    root = _Layer(loader, _read(loader))
    resources = root.accumulate(ResourceSet())
    add_hashes(resources)
    fix_references(resources)
    unused = resolve_vars(resources, resources.vars, VARIABLE_REFERENCES, loader.written, loader.usage)
    if unused:
        loader.warnings.append(f"well-defined vars that were never replaced: {','.join(unused)}")
    require_names(resources)
    if options.managed_by_label:
        add_managed_by_label(resources, Origin(root.kustomization.file, 1), loader.written)
    kept = [resource for resource in resources if not is_local_config(resource)]
    return BuiltSet(
        tuple(_built(resource, loader) for resource in _ordered(kept, root, options)),
        tuple(dict.fromkeys(loader.warnings)),
    )


def _read(loader: Loader, asked: Origin | None = None) -> Kustomization:
    file = loader.kustomization_file(asked)
    documents = loader.documents(Text(file.rpartition("/")[2], Origin(file)), Dialect.KUBECTL)
    value = documents[0].value if documents else Fields()
    if not isinstance(value, Fields):
        raise invalid("a kustomization must be a mapping", Origin(file, 1))
    return read_kustomization(value, file)


def _ordered(resources: list[Resource], root: _Layer, options: BuildOptions) -> list[Resource]:
    sort_options = root.kustomization.sort_options
    if sort_options is None and options.reorder is Reorder.NONE:
        return resources
    if sort_options is not None and sort_options.order == "fifo":
        return resources
    return list(ResourceSet(in_legacy_order(resources, sort_options)))


def _built(resource: Resource, loader: Loader) -> BuiltObject:
    return BuiltObject(finished_body(resource, loader.written), resource.origin, resource.unhashed_name)


@dataclass(frozen=True, slots=True)
class _Layer:
    """One kustomization file being applied."""

    loader: Loader
    kustomization: Kustomization

    def accumulate(self, resources: ResourceSet) -> ResourceSet:
        """Return the objects of this layer: those given, and its own, transformed."""
        self.loader.warnings.extend(self.kustomization.warnings)
        _for_each(self.kustomization.resources, lambda entry: self._add(resources, entry))
        for generator in self.kustomization.generators:
            generate(resources, generator, self.kustomization.generator_options, self.loader)
        for chart in self.kustomization.helm_charts:
            generate_chart(resources, chart, self.kustomization.namespace, self.loader)
        for component in self.kustomization.components:
            resources = self._enter(component, KustomizationKind.COMPONENT).accumulate(resources)
        self._transform(resources)
        gather_vars(resources.vars, self.kustomization.vars, resources)
        return resources

    def _add(self, resources: ResourceSet, entry: Text) -> None:
        """Add what an entry of `resources` names: the objects of a file, or of a base."""
        found = self._objects_of(entry)
        for resource in found:
            resources.append(resource)
        if isinstance(found, ResourceSet):
            absorb_vars(resources.vars, found.vars.values())

    def _objects_of(self, entry: Text) -> Iterable[Resource]:
        try:
            if self.loader.is_file(entry):
                return resources_of(self.loader.documents(entry, Dialect.KUSTOMIZE))
            base = self._enter(entry, KustomizationKind.KUSTOMIZATION)
        except BuildError as error:
            raise in_kustomizes_words(error, entry, self.loader) from error
        return base.accumulate(ResourceSet())

    def _enter(self, entry: Text, wanted: KustomizationKind) -> _Layer:
        loader = self.loader.enter(entry)
        if len(loader.visited) > MAX_DEPTH:
            raise invalid(f"bases are nested more than {MAX_DEPTH} levels deep", entry.origin)
        kustomization = _read(loader, entry.origin)
        if kustomization.kind is not wanted:
            other = "components" if wanted is KustomizationKind.KUSTOMIZATION else "resources"
            expected = (
                f"expected kind != '{kustomization.kind}'" if other == "components" else f"expected kind '{wanted}'"
            )
            raise invalid(
                f"{expected} for path '{loader.shown_root}' but got '{kustomization.kind}'",
                entry.origin,
                f"list it under {other} instead",
            )
        return _Layer(loader, kustomization)

    def _transform(self, resources: ResourceSet) -> None:
        spec, loader = self.kustomization, self.loader
        apply_strategic_entries(resources, spec.patches_strategic_merge, loader)
        _for_each(spec.patches, lambda entry: apply_patch(resources, entry, loader))
        resources.drop_deleted()
        if spec.namespace:
            set_namespace(resources, spec.namespace)
        if spec.name_prefix:
            add_prefix(resources, spec.name_prefix)
        if spec.name_suffix:
            add_suffix(resources, spec.name_suffix)
        for label in spec.labels:
            add_labels(resources, label, loader.written)
        add_common_labels(resources, spec.common_labels, loader.written)
        add_common_annotations(resources, spec.common_annotations, loader.written)
        _for_each(spec.patches_json6902, lambda entry: apply_json_entry(resources, entry, loader))
        _for_each(spec.replicas, lambda entry: set_replicas(resources, entry, loader.written))
        set_images(resources, spec.images, loader.warnings)
        apply_replacements(resources, spec.replacements, loader)


def _for_each(entries: Iterable[T], action: Callable[[T], None]) -> None:
    """Do it for all entries, and raise the problems of all of them together; a budget that is used up ends it at once.

    Otherwise bases that use each other's bases twice, 25 deep, would fail 2^25 times.
    """
    problems: list[Problem] = []
    for entry in entries:
        try:
            action(entry)
        except BuildError as error:
            problems.extend(error.problems)
            if any(problem.code is Code.BUDGET_EXCEEDED for problem in error.problems):
                break
    if problems:
        raise BuildError(problems)
