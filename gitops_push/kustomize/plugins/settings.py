"""The configuration of one plugin while it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.tree import Fields
from gitops_push.kustomize.configuration_reader import field_specs
from gitops_push.kustomize.fieldspecs import FieldSpecs
from gitops_push.kustomize.loader import Loader
from gitops_push.kustomize.resource import Resource
from gitops_push.kustomize.steps import Transformer
from gitops_push.kustomize.typed_fields import Text, TypedFields

T = TypeVar("T")


class PluginSettings:
    """The fields of a configuration by type. Unknown ones are ignored, as kustomize does."""

    def __init__(self, config: Resource, loader: Loader) -> None:
        self.config = config
        self.loader = loader
        self.problems: list[Problem] = []
        self.fields = TypedFields(config.body, config.origin, self.problems, lenient=True)

    def read(self, reader: Callable[[PluginSettings], T]) -> T:
        """Return the plugin that the reader makes of the configuration. Raises `BuildError` with all problems."""
        plugin = reader(self)
        if self.problems:
            raise BuildError(self.problems)
        return plugin

    def part(self, name: str) -> TypedFields:
        """Return a mapping field, an empty one if it is absent."""
        empty = TypedFields(Fields(), self.config.origin, self.problems, lenient=True)
        return self.fields.one(name) or empty

    def specs(self) -> FieldSpecs:
        """Return `fieldSpecs`."""
        return field_specs(self.fields, "fieldSpecs", f"fieldSpecs of {self.config.kind}")

    def text(self, name: str) -> Text:
        """Return a string field, empty if it is absent."""
        return self.fields.text(name) or Text("", self.config.origin)


Generator: TypeAlias = Callable[[], list[Resource]]
"""Makes objects. Raises `BuildError`."""

PluginReader: TypeAlias = Callable[[PluginSettings], Transformer]
GeneratorReader: TypeAlias = Callable[[PluginSettings], Generator]
