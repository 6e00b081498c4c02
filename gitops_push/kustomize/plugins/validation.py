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
    """Run the validator. Raises `BuildError` when it refuses the objects, or changes one.

    It gets a set of its own of the same objects: what it adds or leaves out is not heeded, as in kustomize.
    """
    before = [copy_tree(resource.body) for resource in resources]
    validator(ResourceSet(resources))
    for resource, body in zip(resources, before, strict=True):
        if _unlabelled(resource.body) != body:
            message = f"validator shouldn't modify the resource map: {config.kind} {config.name} changed "
            raise invalid(f"{message}{resource.current_id()}", config.origin)


def _unlabelled(body: Fields) -> Node:
    body = copy_tree(body)
    metadata = body.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, Fields) else None
    if isinstance(labels, Fields) and _VALIDATED_BY in labels:
        del labels[_VALIDATED_BY]
        if not labels and isinstance(metadata, Fields):
            del metadata["labels"]
    return body
