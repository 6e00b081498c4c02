"""Turns parsed documents into objects: checks them, drops empty ones, takes lists apart."""

from __future__ import annotations

from collections.abc import Iterable

from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items, Node, put, remove, start_of
from gitops_push.documents.reader import Document
from gitops_push.kustomize.errors import bad_manifest
from gitops_push.kustomize.marks import place_of, with_step
from gitops_push.kustomize.resource import Resource, text_of


def resources_of(documents: Iterable[Document]) -> list[Resource]:
    """Return the objects of the documents; the items of a list come after all others, as in kustomize.

    Raises `BuildError` with every document that has no kind or no name.
    """
    waiting = [(document.value, Origin(document.file, document.start_line)) for document in documents]
    found: list[Resource] = []
    problems: list[Problem] = []
    for value, origin in waiting:  # grows while lists are taken apart
        if not value:
            continue
        try:
            inner = _list_items(value, origin)
            if inner is None:
                found.append(_resource(value, origin))
            else:
                waiting.extend(inner)
        except BuildError as error:
            problems.extend(error.problems)
    if problems:
        raise BuildError(problems)
    return found


def _list_items(value: Node, origin: Origin) -> list[tuple[Node, Origin]] | None:
    """Return the objects in a list such as ConfigMapList, None for everything else."""
    if not isinstance(value, Fields) or not text_of(value.get("kind")).endswith("List") or "items" not in value:
        return None
    items = value["items"]
    if items is None:
        return []
    if not isinstance(items, Items):
        raise bad_manifest(f"expected a list in items of {text_of(value['kind'])}", origin)
    for item in items:
        _settle_annotations(item, origin)
    return [(item, start_of(item) or origin) for item in items]


def _settle_annotations(item: Node, origin: Origin) -> None:
    """Make annotations of an item text by value: kustomize loses how they are written (`1.50`) in a list."""
    metadata = item.get("metadata") if isinstance(item, Fields) else None
    annotations = metadata.get("annotations") if isinstance(metadata, Fields) else None
    if not isinstance(annotations, Fields):
        return
    for key, value in annotations.items():
        if value is None or not isinstance(value, (Fields, Items)):
            text = "null" if value is None else text_of(value)
            put(annotations, key, text, with_step(place_of(annotations, key), "list", origin))


def _resource(value: Node, origin: Origin) -> Resource:
    if not isinstance(value, Fields):
        raise bad_manifest("a document is no Kubernetes object: it is not a mapping", origin)
    origin = start_of(value) or origin
    resource = Resource(value, origin)
    kind = resource.kind
    if not kind:
        raise bad_manifest("missing kind in an object", origin, "every object needs apiVersion, kind and metadata.name")
    if not resource.name and not kind.endswith("List"):
        hint = "give it a name; metadata.generateName is not enough, because a later run must find the object again"
        raise bad_manifest(f"missing metadata.name in a {kind}", origin, hint)
    if not resource.metadata.get("annotations", True):
        remove(resource.metadata, "annotations")
    return resource
