"""Selects the objects that a replacement is for, by every name, namespace and kind that they ever had."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.kustomization import ReplacementSource, ReplacementTarget, Selector
from gitops_push.kustomize.patches.go_regex import compile_go_regex
from gitops_push.kustomize.patches.label_selector import parse_label_selector
from gitops_push.kustomize.patches.targets import LONGEST_NAME, candidates, metadata_texts
from gitops_push.kustomize.resource import DEFAULT_NAMESPACE, Resource, ResourceId

_IDENTITY = ("group", "version", "kind", "namespace", "name")


def sources(resources: ResourceSet, source: ReplacementSource) -> list[Resource]:
    """Return the objects that a source names, each text literally; no namespace and "default" are the same."""
    found = resources.with_any_name(source.name) if source.name else list(resources)
    return [one for one in found if any(_is_source(identity, source) for identity in _identities(one))]


def _is_source(identity: ResourceId, source: ReplacementSource) -> bool:
    return (
        source.name in {"", identity.name}
        and (not source.namespace or source.namespace == (identity.namespace or DEFAULT_NAMESPACE))
        and source.group in {"", identity.group}
        and source.version in {"", identity.version}
        and source.kind in {"", identity.kind}
    )


def selected(resources: ResourceSet, target: ReplacementTarget, select: Selector) -> Iterator[Resource]:
    """Yield the objects that a target selects and does not reject, in order. Raises `BuildError` for broken patterns.

    The objects are those of the moment of the call; each is judged when its turn comes, after those before it changed.
    """
    is_selected = _Pattern(select)
    rejected = [_Pattern(reject) for reject in target.reject]

    def is_meant(resource: Resource) -> bool:
        if not is_selected.has_pairs(resource):
            return False
        if any(one.has_selector and one.has_pairs(resource) for one in rejected):
            return False
        identities = _identities(resource)
        if any(one.has_identity and one.is_any(identities) for one in rejected):
            return False
        return is_selected.is_any(identities)

    return (resource for resource in list(candidates(resources, select.name)) if resource.body and is_meant(resource))


def _identities(resource: Resource) -> list[ResourceId]:
    """Return all identities, the current one with the namespace as it is written."""
    return [resource.current_id()._replace(namespace=resource.namespace), *resource.earlier_ids()]


class _Pattern:
    """A selector that is ready to be compared."""

    def __init__(self, selector: Selector) -> None:
        self._patterns: list[tuple[str, re.Pattern[str]]] = [
            (field, compile_go_regex(f"^(?:{text})$", selector.origin))
            for field in _IDENTITY
            if (text := getattr(selector, field))
        ]
        self._labels = parse_label_selector(selector.label_selector, selector.origin)
        self._annotations = parse_label_selector(selector.annotation_selector, selector.origin)
        self.has_identity = bool(self._patterns)
        self.has_selector = bool(selector.label_selector or selector.annotation_selector)

    def has_pairs(self, resource: Resource) -> bool:
        """Return whether the labels and the annotations match."""
        return self._annotations(metadata_texts(resource, "annotations")) and self._labels(
            metadata_texts(resource, "labels")
        )

    def is_any(self, identities: list[ResourceId]) -> bool:
        """Return whether one of the identities matches."""
        return any(self._is(identity) for identity in identities)

    def _is(self, identity: ResourceId) -> bool:
        return all(
            len(text := getattr(identity, field)) <= LONGEST_NAME and pattern.search(text)
            for field, pattern in self._patterns
        )
