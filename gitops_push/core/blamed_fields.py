"""Which field of a manifest is at fault when its pods do not run: the image, the probe, the request, the reference.

Only a guess at the best place to look, made from the code and the words of the cluster; where none fits, the container
or the pod spec stands for it. A container that the manifest has not (a webhook put it in) blames nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from gitops_push.core.causes import CauseCode
from gitops_push.core.diagnosis import Cause
from gitops_push.core.fieldpath import FieldPath, item_key, resolve, value_at
from gitops_push.core.objects import Manifest
from gitops_push.core.pod_specs import pod_spec_path

_QUOTED: Final = re.compile(r'"([^"]+)"')
_INSUFFICIENT: Final = re.compile(r"Insufficient ([a-z0-9./-]*[a-z0-9])")
_LACKING: Final = re.compile(r"^couldn.t find key \S+ in (?:Secret|ConfigMap) \S*?/?([^/\s]+)$")
_IMAGES: Final = frozenset({CauseCode.IMAGE_NOT_FOUND, CauseCode.IMAGE_PULL_FAILED})
_ENDINGS: Final = frozenset(
    {
        CauseCode.START_FAILED,
        CauseCode.CRASH_LOOP,
        CauseCode.CONTAINER_FAILED,
        CauseCode.JOB_FAILED,
        CauseCode.HOOK_FAILED,
    }
)


def with_origin(cause: Cause, manifest: Manifest) -> Cause:
    """Return the cause with the field at fault, and where the config repo sets it."""
    path = blamed_field(cause, manifest)
    steps = resolve(path, manifest.body)
    return replace(cause, field=path[: len(steps)], origin=manifest.origin_at(steps))


def blamed_field(cause: Cause, manifest: Manifest) -> FieldPath:
    """Return the path of the field at fault, or () where none can be named; the manifest may not have all of it."""
    base = pod_spec_path(manifest.ref.group, manifest.ref.kind)
    spec = value_at(base, manifest.body) if base else None
    if not isinstance(spec, Mapping):
        return ()
    if cause.container:
        container = _container(spec, cause.container)
        return (*base, *container, *_in_container(cause, value_at(container, spec))) if container else ()
    return _in_object(cause, manifest, base, spec)


def _in_container(cause: Cause, container: Any) -> FieldPath:
    if cause.code in _IMAGES:
        return ("image",)
    if cause.code is CauseCode.OOM_KILLED:
        return ("resources", "limits", "memory")
    if cause.code is CauseCode.CONTAINER_CONFIG:
        return _reference(container, cause.subject or cause.said)
    if cause.code is CauseCode.PROBE_FAILING and cause.probe:
        return (f"{cause.probe}Probe",)
    if cause.code in _ENDINGS:
        return next(((key,) for key in ("command", "args") if key in container), ())
    return ()


def _in_object(cause: Cause, manifest: Manifest, base: FieldPath, spec: Mapping[str, Any]) -> FieldPath:
    words = f"{cause.said} {cause.state} {cause.summary}"
    match cause.code:
        case CauseCode.UNSCHEDULABLE | CauseCode.NODE_PRESSURE:
            return (*base, *_placement(words, spec))
        case CauseCode.QUOTA_EXCEEDED:
            return ("spec", "replicas")
        case CauseCode.ADMISSION_DENIED if "serviceaccount" in words.lower():
            return (*base, "serviceAccountName")
        case CauseCode.MOUNT_FAILED:
            return (*base, *_volume(words, spec))
        case CauseCode.DEADLINE_EXCEEDED:
            return ("spec", "progressDeadlineSeconds" if manifest.ref.kind == "Deployment" else "activeDeadlineSeconds")
        case CauseCode.ADMISSION_DENIED | CauseCode.START_FAILED:
            return base
        case _:
            return ()


def _container(spec: Mapping[str, Any], name: str) -> FieldPath:
    for key in ("containers", "initContainers"):
        if any(isinstance(found, Mapping) and found.get("name") == name for found in _list(spec, key)):
            return (key, item_key({"name": name}))
    return ()


def _placement(words: str, spec: Mapping[str, Any]) -> FieldPath:
    """Return what kept a pod off the nodes: a request, a selector, a volume. The scheduler lists reasons by node."""
    if lacking := _INSUFFICIENT.search(words):
        return _request(lacking[1], spec)
    if "persistentvolumeclaim" in words.lower():
        return _volume(words, spec)
    keys = ("nodeSelector", "affinity") if "affinity" in words or "selector" in words else ("tolerations",)
    return next(((key,) for key in keys if key in spec), ())


def _request(resource: str, spec: Mapping[str, Any]) -> FieldPath:
    for container in _list(spec, "containers"):
        for kind in ("requests", "limits"):
            path: FieldPath = ("resources", kind, resource)
            if value_at(path, container) is not None:
                return ("containers", item_key({"name": container.get("name")}), *path)
    return ()


def _volume(words: str, spec: Mapping[str, Any]) -> FieldPath:
    """Return the volume whose name, or whose source's name, the words quote."""
    quoted = set(_QUOTED.findall(words))
    for index, volume in enumerate(_list(spec, "volumes")):
        names = {str(value) for _, value in _leaves(volume)}
        if quoted & names:
            return ("volumes", index)
    return ("volumes",) if "volumes" in spec else ()


def _reference(container: Mapping[str, Any], words: str) -> FieldPath:
    """Return the entry of `env` or `envFrom` that names what is missing."""
    lacking = _LACKING.search(words)
    names = set(_QUOTED.findall(words)) | ({lacking[1]} if lacking else set())
    for key in ("envFrom", "env"):
        for path, value in _leaves(container.get(key)):
            if len(path) > 1 and path[-1] == "name" and str(path[-2]).endswith("Ref") and value in names:
                return (key, *path)
    return ()


def _list(fields: Mapping[str, Any], key: str) -> Sequence[Any]:
    found = fields.get(key)
    return found if isinstance(found, list) else ()


def _leaves(node: Any, path: FieldPath = ()) -> Iterator[tuple[FieldPath, Any]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for index, value in enumerate(node):
            yield from _leaves(value, (*path, index))
    else:
        yield path, node
