"""The parts that Kubernetes itself gives its form: metadata, and objects inside of an object."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from gitops_push.core.crd_schema.faults import Fault, Path
from gitops_push.core.crd_schema.schema import EMPTY, Schema, field_schema, is_embedded, items
from gitops_push.core.objects import Body
from gitops_push.core.suggestion import did_you_mean


def embedded_faults(body: Body, schema: Schema) -> Iterator[Fault]:
    """Yield what is wrong with the metadata of an object, and with the objects in it."""
    yield from _metadata_faults(body.get("metadata"), ("metadata",))
    yield from _inner_faults(body, schema, ())


def _inner_faults(value: Any, schema: Schema, path: Path) -> Iterator[Fault]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _object_faults(item, items(schema) or EMPTY, (*path, index))
    elif isinstance(value, dict):
        for name, item in value.items():
            inner = field_schema(schema, name)
            if inner is not None:
                yield from _object_faults(item, inner, (*path, name))


def _object_faults(value: Any, schema: Schema, path: Path) -> Iterator[Fault]:
    if is_embedded(schema) and isinstance(value, dict):
        for name in ("apiVersion", "kind"):
            if name not in value:
                yield Fault((*path, name), "is required: this is an object of Kubernetes")
            elif not (isinstance(value[name], str) and value[name]):
                yield Fault((*path, name), "must be a text")
        yield from _metadata_faults(value.get("metadata"), (*path, "metadata"))
    yield from _inner_faults(value, schema, path)


def _metadata_faults(metadata: Any, path: Path) -> Iterator[Fault]:
    """Yield the fields of metadata that are not known or of another type; null is as good as nothing."""
    if metadata is None:
        return
    if not isinstance(metadata, dict):
        yield Fault(path, "must be a mapping")
        return
    for name, value in metadata.items():
        if name not in _METADATA:
            yield Fault((*path, name), f"is not known{did_you_mean(name, _METADATA)}")
        elif value is not None and not _METADATA[name](value):
            yield Fault((*path, name), "has the wrong type")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(item, (str, type(None))) for item in value.values())


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_METADATA: Final[Mapping[str, Callable[[Any], bool]]] = {
    "annotations": _are_texts,
    "creationTimestamp": _is_text,
    "deletionGracePeriodSeconds": _is_number,
    "deletionTimestamp": _is_text,
    "finalizers": _is_list,
    "generateName": _is_text,
    "generation": _is_number,
    "labels": _are_texts,
    "managedFields": _is_list,
    "name": _is_text,
    "namespace": _is_text,
    "ownerReferences": _is_list,
    "resourceVersion": _is_text,
    "selfLink": _is_text,
    "uid": _is_text,
}
