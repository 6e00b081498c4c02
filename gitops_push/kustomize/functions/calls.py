"""Runs KRM functions that are programs of the repo: a ResourceList goes in and comes out.

What kustomize remembers of an object goes with it as annotations, so a function that passes them on keeps the object's
history, and one that drops them (or prints something new) does not: exactly as in kustomize.
Source: api/internal/plugins/fnplugin and utils; https://github.com/kubernetes-sigs/kustomize, KRM functions
specification v1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from gitops_push.core.tree import Fields, Items, Node, copy_tree, put, remove, start_of
from gitops_push.documents.reader import Dialect, Document, read_documents
from gitops_push.documents.writer import to_yaml
from gitops_push.kustomize.accumulator import ResourceSet, duplicate
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.functions.memory import forget, recall, remember
from gitops_push.kustomize.functions.spec import program_of
from gitops_push.kustomize.kept_places import keep_places
from gitops_push.kustomize.loader import Loader
from gitops_push.kustomize.manifests import resources_of
from gitops_push.kustomize.programs import FunctionCall
from gitops_push.kustomize.resource import Resource, ResourceId, text_of

_LOCAL_CONFIG: Final = "config.kubernetes.io/local-config"
_NEEDS_HASH: Final = "kustomize.config.k8s.io/needs-hash"
_BEHAVIOR: Final = "kustomize.config.k8s.io/behavior"
_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})


def generate_with(config: Resource, loader: Loader) -> list[Resource]:
    """Return the objects that a function makes of its configuration. Raises `BuildError`."""
    made = _call(config, [_configuration(config)], loader)
    for resource in made:
        _take_options(resource)
    return made


def transform_with(resources: ResourceSet, config: Resource, loader: Loader) -> None:
    """Replace the objects by what a function makes of them: by identity, changed, added or removed."""
    made = _call(
        config, [remember(resource, index, loader.written) for index, resource in enumerate(resources)], loader
    )
    by_id = {resource.current_id(): resource for resource in resources}
    seen: dict[ResourceId, Resource] = {}
    added = []
    for resource in made:
        identity = resource.current_id()
        if identity in seen:
            raise duplicate(identity, seen[identity].origin, resource.origin)
        seen[identity] = resource
        if identity in by_id:
            keep_places(by_id[identity].body, resource.body)
            resource.origin = by_id[identity].origin
            by_id[identity].take_over(resource)
        else:
            added.append(resource)
    resources.keep({resource for identity, resource in by_id.items() if identity in seen})
    for resource in added:
        resources.append(resource)


def _call(config: Resource, items: Iterable[Fields], loader: Loader) -> list[Resource]:
    """Run the function and return its objects, with what it passed on of their history."""
    parts = (
        {"apiVersion": "config.kubernetes.io/v1"},
        {"kind": "ResourceList"},
        {"items": Items(items)},
        {"functionConfig": _configuration(config)},
    )
    content = "".join(to_yaml(Fields(part)) for part in parts)  # the order of kustomize: some functions are sed scripts
    call = FunctionCall(config, program_of(config, loader), loader.root, content.encode())
    output = loader.programs.run_function(call)
    file = f"{loader.root}/{config.name} (output of the function)".removeprefix("./")
    loader.written.hold(file, output.decode("utf-8", "replace"))
    documents = read_documents(output, file, Dialect.KUSTOMIZE, usage=loader.usage)
    resources = resources_of(_unwrapped(documents, loader))
    for resource in resources:
        recall(resource)
    return resources


def _unwrapped(documents: Iterable[Document], loader: Loader) -> list[Document]:
    """Return the objects of the output: the items of a ResourceList, or plain documents. Results become warnings."""
    found = []
    for document in documents:
        value = document.value
        if not isinstance(value, Fields) or value.get("kind") != "ResourceList":
            found.append(document)
            continue
        loader.warnings.extend(_results(value))
        items = value.get("items")
        if isinstance(items, Items):
            found.extend(replace(document, value=item, start_line=_line(item, document)) for item in items)
    return found


def _line(item: Node, document: Document) -> int:
    origin = start_of(item)
    return origin.line if origin else document.start_line


def _results(value: Fields) -> Iterable[str]:
    results = value.get("results")
    for one in results if isinstance(results, Items) else ():
        if isinstance(one, Fields):
            yield f"function: {text_of(one.get('severity')) or 'info'}: {text_of(one.get('message'))}"


def _configuration(config: Resource) -> Fields:
    """Return the function's configuration, marked so that a generator that passes it on does not deploy it."""
    body: Fields = copy_tree(config.body)
    metadata = body.get("metadata")
    if not isinstance(metadata, Fields):
        raise invalid("the configuration of a function has no metadata", config.origin)
    annotations = metadata.get("annotations")
    put(metadata, "annotations", annotations if isinstance(annotations, Fields) else Fields(), config.origin)
    put(metadata["annotations"], _LOCAL_CONFIG, "true", config.origin)
    return body


def _take_options(resource: Resource) -> None:
    """Read what a generator asks for by annotations: a content hash, merging into an object that is there."""
    annotations = resource.metadata.get("annotations")
    if not isinstance(annotations, Fields):
        return
    wanted = text_of(annotations.get(_NEEDS_HASH, "false"))
    if wanted not in _TRUE | _FALSE:
        raise invalid(f'the annotation "{_NEEDS_HASH}" contains an invalid value ("{wanted}")', resource.origin)
    resource.hashed = wanted in _TRUE
    resource.behavior = text_of(annotations.get(_BEHAVIOR, ""))
    for name in (_NEEDS_HASH, _BEHAVIOR):
        remove(annotations, name)
    forget(resource)
