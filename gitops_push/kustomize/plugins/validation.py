"""`validators`: transformers that may refuse the objects but not change them."""

from __future__ import annotations

from gitops_push.core.tree import Fields, Node, copy_tree
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.resource import Resource
from gitops_push.kustomize.steps import Transformer

_VALIDATED_BY = "validated-by"
"""The one label that a validator may leave on the objects."""


def validate(resources: ResourceSet, validator: Transformer, config: Resource) -> None:
    """Run the validator. Raises `BuildError` when it refuses the objects, or changes one."""
    before = [copy_tree(resource.body) for resource in resources]
    validator(resources)
    after = [_unlabelled(resource.body) for resource in resources]
    changed = next((number for number, body in enumerate(after[: len(before)]) if body != before[number]), None)
    if changed is None and len(before) == len(after):
        return
    which = list(resources)[changed].current_id() if changed is not None else "their number"
    raise invalid(
        f"validator shouldn't modify the resource map: {config.kind} {config.name} changed {which}", config.origin
    )


def _unlabelled(body: Fields) -> Node:
    body = copy_tree(body)
    metadata = body.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, Fields) else None
    if isinstance(labels, Fields):
        labels.pop(_VALIDATED_BY, None)
        if not labels and isinstance(metadata, Fields):
            del metadata["labels"]
    return body
