"""What kustomize remembers of an object, as the annotations that functions see and pass on."""

from __future__ import annotations

from typing import Final

from gitops_push.core.tree import Fields, copy_tree, put, remove
from gitops_push.documents.writer import to_yaml
from gitops_push.kustomize.resource import NO_NAMESPACE, EarlierName, Resource, text_of
from gitops_push.kustomize.written import WrittenText

_INTERNAL: Final = "internal.config.kubernetes.io/"
_NAMES: Final = f"{_INTERNAL}previousNames"
_NAMESPACES: Final = f"{_INTERNAL}previousNamespaces"
_KINDS: Final = f"{_INTERNAL}previousKinds"
_PREFIXES: Final = f"{_INTERNAL}prefixes"
_SUFFIXES: Final = f"{_INTERNAL}suffixes"
_BEHAVIOR: Final = f"{_INTERNAL}generatorBehavior"
_HASH: Final = f"{_INTERNAL}needsHashSuffix"
_HELM: Final = f"{_INTERNAL}helm-generated"
_ID: Final = "kustomize.config.k8s.io/id"
_TRANSPORT: Final = frozenset(
    {
        "config.kubernetes.io/index",
        "config.kubernetes.io/path",
        "config.kubernetes.io/package",
        "config.k8s.io/id",
        _ID,
    }
)


def remember(resource: Resource, index: int, written: WrittenText) -> Fields:
    """Return a copy of the body with the history of the object, and its place in the list, as annotations.

    All annotations are texts then, as they are written, as at the end of a build.
    """
    body: Fields = copy_tree(resource.body)
    metadata = body.setdefault("metadata", Fields())
    annotations = metadata.get("annotations")
    if not isinstance(annotations, Fields):
        annotations = Fields()
        put(metadata, "annotations", annotations, resource.origin)
    for key, value in annotations.items():
        if not isinstance(value, (dict, list)) and not (resource.rewritten and isinstance(value, str)):
            annotations[key] = written.text_at(annotations, key)
    for name, value in {**_history(resource), **_place(resource, index)}.items():
        put(annotations, name, value, resource.origin)
    return body


def _history(resource: Resource) -> dict[str, str]:
    known = {
        _NAMES: ",".join(past.name for past in resource.earlier),
        _NAMESPACES: ",".join(past.namespace for past in resource.earlier),
        _KINDS: ",".join(past.kind for past in resource.earlier),
        _PREFIXES: ",".join(resource.prefixes),
        _SUFFIXES: ",".join(resource.suffixes),
        _BEHAVIOR: resource.behavior,
        _HASH: "enabled" if resource.hashed else "",
        _HELM: "true" if resource.from_helm else "",
    }
    return {name: value for name, value in known.items() if value}


def _place(resource: Resource, index: int) -> dict[str, str]:
    now = resource.current_id()
    namespace = "" if now.namespace == NO_NAMESPACE or not resource.namespace else resource.namespace
    identity = {"group": now.group, "kind": now.kind, "name": now.name, "namespace": namespace, "version": now.version}
    return {
        _ID: to_yaml(Fields({key: value for key, value in identity.items() if value})),
        "config.kubernetes.io/index": str(index),
        f"{_INTERNAL}index": str(index),
        "config.k8s.io/id": str(index + 1),
        f"{_INTERNAL}id": str(index + 1),
    }


def recall(resource: Resource) -> None:
    """Take the history of an object out of the annotations that a function passed on."""
    annotations = resource.metadata.get("annotations")
    if not isinstance(annotations, Fields):
        return
    names, namespaces, kinds = (_words(annotations, name) for name in (_NAMES, _NAMESPACES, _KINDS))
    resource.earlier = [EarlierName(*past) for past in zip(namespaces, names, kinds, strict=False)]
    resource.prefixes, resource.suffixes = _words(annotations, _PREFIXES), _words(annotations, _SUFFIXES)
    resource.behavior = text_of(annotations.get(_BEHAVIOR, ""))
    resource.hashed = annotations.get(_HASH) == "enabled"
    resource.from_helm = annotations.get(_HELM) == "true"
    for name in [name for name in annotations if name in _TRANSPORT or name.startswith(_INTERNAL)]:
        remove(annotations, name)
    forget(resource)


def forget(resource: Resource) -> None:
    """Remove the annotations if none are left."""
    if resource.metadata.get("annotations") == {}:
        remove(resource.metadata, "annotations")


def _words(annotations: Fields, name: str) -> list[str]:
    text = text_of(annotations.get(name, ""))
    return text.split(",") if text else []
