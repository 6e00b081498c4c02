"""A schema that a kustomization brings with `openapi: {path: …}`: it takes the place of the built-in one.

Of the definitions only what a merge needs is read: x-kubernetes-group-version-kind, properties, items,
additionalProperties, $ref, x-kubernetes-patch-strategy with its merge key, and x-kubernetes-list-map-keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from gitops_push.core.tree import Fields, Items, Node
from gitops_push.kustomize.patches.merge_schema import MergeSchema, definition_of, schema_of
from gitops_push.kustomize.resource import text_of

_STRATEGY: Final = "x-kubernetes-patch-strategy"
_MERGE_KEY: Final = "x-kubernetes-patch-merge-key"
_MAP_KEYS: Final = "x-kubernetes-list-map-keys"
_KINDS: Final = "x-kubernetes-group-version-kind"
_LOCAL: Final = "#/definitions/"
_LONGEST_CHAIN: Final = 100


@dataclass(frozen=True, slots=True)
class Definitions:
    """The definitions of a document, and whether those of Kubernetes come first."""

    own: Fields = field(repr=False)
    with_built_in: bool


@dataclass(frozen=True, slots=True)
class OpenApiSchema:
    """One schema of a document of definitions; `node` has no $ref."""

    node: Fields = field(repr=False)
    definitions: Definitions = field(repr=False)

    @property
    def keys(self) -> tuple[str, ...] | None:
        """Return the keys of a list that is merged, () for a set, None for every other value."""
        strategy = self.node.get(_STRATEGY)
        if not isinstance(strategy, str) or "merge" not in strategy.split(","):
            return None
        several = self.node.get(_MAP_KEYS)
        if isinstance(several, Items):
            return tuple(text_of(key) for key in several)
        key = self.node.get(_MERGE_KEY)
        return (key,) if isinstance(key, str) else ()

    def field(self, name: str) -> MergeSchema | None:
        """Return the schema of a field of the mapping; additional properties share one."""
        properties = self.node.get("properties")
        if isinstance(properties, Fields) and name in properties:
            return self._resolved(properties[name])
        return self._resolved(self.node.get("additionalProperties"))

    def items(self) -> MergeSchema | None:
        """Return the schema of the items of the list."""
        return self._resolved(self.node.get("items"))

    def _resolved(self, node: Node) -> MergeSchema | None:
        for _ in range(_LONGEST_CHAIN):
            if not isinstance(node, Fields):
                return None
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return OpenApiSchema(node, self.definitions)
            name = reference.removeprefix(_LOCAL)
            known = definition_of(name) if self.definitions.with_built_in else None
            if known is not None:
                return known
            node = self.definitions.own.get(name)
        return None


class OpenApiSchemas:
    """The schemas of a document, by kind; `with_built_in` those of Kubernetes are kept."""

    def __init__(self, document: Fields, *, with_built_in: bool) -> None:
        own = document.get("definitions")
        self._definitions = Definitions(own if isinstance(own, Fields) else Fields(), with_built_in)
        self._by_kind = {
            kind: definition
            for definition in self._definitions.own.values()
            if isinstance(definition, Fields)
            for kind in _kinds_of(definition)
        }

    def schema_of(self, api_version: str, kind: str) -> MergeSchema | None:
        """Return the schema of a kind, None if it is not known."""
        known = schema_of(api_version, kind) if self._definitions.with_built_in else None
        node = self._by_kind.get((api_version, kind))
        return known if known is not None or node is None else OpenApiSchema(node, self._definitions)


def _kinds_of(definition: Fields) -> list[tuple[str, str]]:
    kinds = definition.get(_KINDS)
    if not isinstance(kinds, Items):
        return []
    found = []
    for one in kinds:
        if isinstance(one, Fields):
            group, version, kind = (text_of(one.get(name)) for name in ("group", "version", "kind"))
            found.append((f"{group}/{version}" if group else version, kind))
    return found
