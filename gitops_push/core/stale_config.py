"""Which running pods do not see that a ConfigMap or Secret changes: environment variables are read at their start.

A mounted file is updated in a running pod, so it never counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from gitops_push.core.fieldpath import FieldPath
from gitops_push.core.impact import at
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.pod_counts import RUNNING_KINDS, pod_count

_SOURCES: Final = {"ConfigMap": ("configMapRef", "configMapKeyRef"), "Secret": ("secretRef", "secretKeyRef")}
_RELOADERS: Final = ("reloader.stakater.com/", "configmap.reloader.", "secret.reloader.", "wave.pusher.com/")


def readers_of(workloads: Iterable[Body]) -> Mapping[ObjectRef, tuple[tuple[str, Body], ...]]:
    """Return who reads a ConfigMap or Secret into variables: (key, workload), the key "" for all keys."""
    found: dict[ObjectRef, list[tuple[str, Body]]] = {}
    for body in workloads:
        if (_group(body), str(body.get("kind"))) in RUNNING_KINDS and pod_count(body) and not _is_reloaded(body):
            for ref, key in _read_by(body):
                found.setdefault(ref, []).append((key, body))
    return {ref: tuple(readers) for ref, readers in found.items()}


def stale_notes(changed: Iterable[FieldPath], readers: Iterable[tuple[str, Body]]) -> tuple[str, ...]:
    """Return a note for each workload whose pods keep the old values of these changed fields."""
    keys = {str(path[1]) for path in changed if len(path) == 2 and path[0] in {"data", "stringData"}}
    names = [f"{body['kind']} {body['metadata']['name']}" for key, body in readers if _is_read(key, keys)]
    return tuple(f"running pods of {name} keep the old values until they restart" for name in dict.fromkeys(names))


def _is_read(key: str, changed: set[str]) -> bool:
    return key in changed if key else bool(changed)


def _read_by(body: Body) -> Iterator[tuple[ObjectRef, str]]:
    spec = at(body, "spec", "template", "spec") or {}
    namespace = str(at(body, "metadata", "namespace") or "")
    for container in spec.get("containers") or ():
        for kind, (whole, one) in _SOURCES.items():
            for source in container.get("envFrom") or ():
                if name := at(source, whole, "name"):
                    yield ObjectRef("", kind, namespace, str(name)), ""
            for variable in container.get("env") or ():
                if name := at(variable, "valueFrom", one, "name"):
                    yield ObjectRef("", kind, namespace, str(name)), str(at(variable, "valueFrom", one, "key"))


def _is_reloaded(body: Body) -> bool:
    """Return whether a controller may restart the pods when what they read changes."""
    metadata: list[Any] = [at(body, "metadata", "annotations"), at(body, "spec", "template", "metadata", "annotations")]
    return any(str(key).startswith(_RELOADERS) for annotations in metadata for key in annotations or ())


def _group(body: Body) -> str:
    return str(body.get("apiVersion", "")).rpartition("/")[0]
