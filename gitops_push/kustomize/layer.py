"""One kustomization file of a build: what it gathers, generates and transforms.

Resources and bases come first, depth first; then configurations, generators, components (each with its whole pipeline,
on the objects so far), this file's transformers, and its validators (kustomize's accumulateTarget).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gitops_push.core.errors import BuildError
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields
from gitops_push.documents.reader import Dialect
from gitops_push.kustomize.accumulation_errors import in_kustomizes_words
from gitops_push.kustomize.build_metadata import (
    Configured,
    Provenance,
    configured_plugin,
    note_file,
    note_generator,
    note_transformer,
)
from gitops_push.kustomize.collecting import for_each
from gitops_push.kustomize.configuration import DEFAULT_CONFIG, NO_CONFIG, merge_configs
from gitops_push.kustomize.configuration_reader import read_configurations
from gitops_push.kustomize.crd_references import read_crds
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.gathered import Gathered
from gitops_push.kustomize.generators import absorb, generate
from gitops_push.kustomize.helm.generator import generate_chart
from gitops_push.kustomize.kustomization import Kustomization, KustomizationKind
from gitops_push.kustomize.kustomization_reader import read_kustomization
from gitops_push.kustomize.loader import Loader
from gitops_push.kustomize.manifests import resources_of
from gitops_push.kustomize.plugins.configs import plugin_configs
from gitops_push.kustomize.plugins.registry import generator_of, transformer_of
from gitops_push.kustomize.plugins.validation import validate
from gitops_push.kustomize.resource import Resource
from gitops_push.kustomize.steps import Step, field_steps
from gitops_push.kustomize.typed_fields import Text
from gitops_push.kustomize.vars import gather_vars

MAX_DEPTH: Final = 100
"""How deep bases may be nested."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A kustomization file being applied. `provenance` is that of its directory, where build metadata is kept."""

    loader: Loader
    kustomization: Kustomization
    provenance: Provenance | None = None

    def accumulate(self, gathered: Gathered) -> Gathered:
        """Return `gathered` with what this layer adds to it and makes of it. Raises `BuildError`."""
        spec, loader = self.kustomization, self.loader
        loader.warnings.extend(spec.warnings)
        loader.schemas.choose(spec.open_api, lambda path: loader.first_document(path, Dialect.KUBECTL))
        for_each(spec.resources, lambda entry: self._add(gathered, entry))
        self._configure(gathered)
        self._generate(gathered)
        for component in spec.components:
            self._enter(component, KustomizationKind.COMPONENT).accumulate(gathered)
            gathered.config = merge_configs(NO_CONFIG, gathered.config, component.origin)  # as one of another base
        for step in self._steps(gathered):
            step.transform(gathered.resources)
            if self.provenance is not None:
                self._note(gathered, step)
            gathered.resources.drop_deleted()
        for config in self._plugin_configs(spec.plugins.validators):
            validate(gathered.resources, transformer_of(config, loader), config)
        gather_vars(gathered.vars, spec.vars, gathered.resources)
        return gathered

    def _add(self, gathered: Gathered, entry: Text) -> None:
        """Add what an entry of `resources` names: the objects of a file, or of a base."""
        found = self._found(entry)
        if isinstance(found, Layer):
            gathered.absorb(found.accumulate(Gathered()), entry.origin)
            return
        for resource in found:
            if self.provenance is not None:
                note_file(resource, self.provenance.at(entry))
            gathered.resources.append(resource)
            self.loader.schemas.meet(resource.api_version, resource.kind)

    def _found(self, entry: Text) -> Layer | list[Resource]:
        """Return the base, or else the objects of the file, that an entry of `resources` names."""
        try:
            if self.loader.is_file(entry):
                return resources_of(self.loader.documents(entry, Dialect.KUSTOMIZE))
            return self._enter(entry, KustomizationKind.KUSTOMIZATION)
        except BuildError as error:
            raise in_kustomizes_words(error, entry, self.loader) from error

    def _configure(self, gathered: Gathered) -> None:
        spec, here = self.kustomization, Origin(self.kustomization.file, 1)
        own = merge_configs(DEFAULT_CONFIG, read_configurations(spec.configurations, self.loader), here)
        for config in (own, read_crds(spec.crds, self.loader)):
            gathered.config = merge_configs(gathered.config, config, here)

    def _generate(self, gathered: Gathered) -> None:
        spec, loader = self.kustomization, self.loader
        for entry in spec.generators:
            made = generate(entry, spec.generator_options, loader)
            self._absorb(gathered, [made], self._configured(f"{entry.kind}Generator"))
        for chart in spec.helm_charts:
            charted = generate_chart(chart, spec.namespace, loader)
            self._absorb(gathered, charted, self._configured("HelmChartInflationGenerator"))
        for config in self._plugin_configs(spec.plugins.generators):
            self._absorb(gathered, generator_of(config, loader)(), configured_plugin(config))

    def _absorb(self, gathered: Gathered, made: Iterable[Resource], by: Configured | None) -> None:
        for resource in made:
            note_generator(resource, by)
            absorb(gathered.resources, resource, self.loader.written)

    def _note(self, gathered: Gathered, step: Step) -> None:
        by = configured_plugin(step.config) if step.config else self._configured(step.kind)
        for _ in range(step.times):
            note_transformer(gathered.resources, by)

    def _configured(self, kind: str) -> Configured | None:
        """Return a built-in generator or transformer as a field of this file configures it."""
        if self.provenance is None:
            return None
        return Configured(self._here(self.provenance), "builtin", kind)

    def _here(self, directory: Provenance) -> Provenance:
        file = self.kustomization.file
        return directory.at(Text(file.rpartition("/")[2], Origin(file)))

    def _steps(self, gathered: Gathered) -> Iterable[Step]:
        """Return this file's transformers; plugins are configured before the first of them runs."""
        spec, loader = self.kustomization, self.loader
        plugins = [
            Step(config.kind, transformer_of(config, loader), config=config)
            for config in self._plugin_configs(spec.plugins.transformers)
        ]
        return (*field_steps(spec, gathered.config, loader), *plugins)

    def _plugin_configs(self, entries: tuple[Text, ...]) -> Iterable[Resource]:
        def accumulate(paths: Iterable[Text]) -> Iterable[Resource]:
            gathered = Gathered()
            for_each(paths, lambda path: self._add(gathered, path))
            return gathered.resources

        here = self._here(self.provenance) if self.provenance else None
        return plugin_configs(entries, self.loader, accumulate, here)

    def _enter(self, entry: Text, wanted: KustomizationKind) -> Layer:
        loader = self.loader.enter(entry)
        if len(loader.visited) > MAX_DEPTH:
            raise invalid(f"bases are nested more than {MAX_DEPTH} levels deep", entry.origin)
        kustomization = load_kustomization(loader, entry.origin)
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
        provenance = self.provenance.at(entry) if self.provenance is not None else None
        return Layer(loader, kustomization, provenance)


def load_kustomization(loader: Loader, asked: Origin | None = None) -> Kustomization:
    """Return the kustomization in the loader's root, which the entry at `asked` names.

    Raises `BuildError` with all that is wrong with it.
    """
    file = loader.kustomization_file(asked)
    value = loader.first_document(Text(file.rpartition("/")[2], Origin(file)), Dialect.KUBECTL)
    if value is None:
        value = Fields()
    if not isinstance(value, Fields):
        raise invalid("a kustomization must be a mapping", Origin(file, 1))
    return read_kustomization(value, file)
