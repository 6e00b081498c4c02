"""Selects the objects that a patch is for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gitops_push.core.tree import Fields
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.kustomization import Selector
from gitops_push.kustomize.patches.go_regex import compile_go_regex
from gitops_push.kustomize.patches.label_selector import parse_label_selector
from gitops_push.kustomize.resource import Resource, split_api_version, text_of

LONGEST_NAME: Final = 253  # of Kubernetes; matching takes time by powers of the length
_LITERAL: Final = re.compile(r"[\w-]+\Z", re.ASCII)


def select(resources: ResourceSet, selector: Selector) -> list[Resource]:
    """Return the objects that the selector matches by their first or their current name and namespace, in order.

    Raises `BuildError` for a broken regular expression or label selector, also when there is nothing to match.
    """
    patterns = {
        text: compile_go_regex(f"^(?:{text})$", selector.origin)
        for text in (selector.group, selector.version, selector.kind, selector.name, selector.namespace)
        if text
    }
    labels = parse_label_selector(selector.label_selector, selector.origin)
    annotations = parse_label_selector(selector.annotation_selector, selector.origin)

    def is_selected(resource: Resource) -> bool:
        return (
            _is_named(resource, selector, patterns)
            and _is_kind(resource, selector, patterns)
            and labels(metadata_texts(resource, "labels"))
            and annotations(metadata_texts(resource, "annotations"))
        )

    return [resource for resource in candidates(resources, selector.name) if resource.body and is_selected(resource)]


def candidates(resources: ResourceSet, name: str) -> Iterable[Resource]:
    """Return the objects that can match: those of one name where the name is plain, so that no patch scans all."""
    return resources.with_any_name(name) if _LITERAL.match(name) else list(resources)


def _is_named(resource: Resource, selector: Selector, patterns: dict[str, re.Pattern[str]]) -> bool:
    first, now = resource.original_id(), resource.current_id()
    return _any(patterns, selector.namespace, first.namespace, now.namespace) and _any(
        patterns, selector.name, first.name, now.name
    )


def _is_kind(resource: Resource, selector: Selector, patterns: dict[str, re.Pattern[str]]) -> bool:
    group, version = split_api_version(resource.api_version)
    return (
        _any(patterns, selector.group, group)
        and _any(patterns, selector.version, version)
        and _any(patterns, selector.kind, resource.kind)
    )


def _any(patterns: dict[str, re.Pattern[str]], pattern: str, *texts: str) -> bool:
    return not pattern or any(len(text) <= LONGEST_NAME and patterns[pattern].search(text) for text in texts)


def metadata_texts(resource: Resource, field: str) -> dict[str, str]:
    """Return the labels or the annotations of an object as texts."""
    pairs = resource.metadata.get(field)
    return {key: text_of(value) for key, value in pairs.items()} if isinstance(pairs, Fields) else {}
