"""Puts each object into its namespace, or takes it out of one: which it is depends on the scope of its kind.

Done twice. The build does it with what is known offline (`core.kinds.scopes_of`); an object of a kind that is not
known there keeps what it says: with a namespace it counts as namespaced, without one its ref has namespace "". The
planner does it again with what the server's discovery says, before it looks any object up, and checks the refs for
duplicates again (`core.validation.duplicate_problems`). The digest of the set stays the one of the build, so that it
does not depend on a server.

Rules: a namespaced object without a namespace gets the environment's. A cluster-scoped object with one loses it, as
the API server does (kustomize's `namespace:` also puts it into custom resources that are cluster-scoped).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gitops_push.core.kinds import split_api_version
from gitops_push.core.objects import Body, Manifest, ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, put, remove

IsNamespaced = Callable[[str, str], bool | None]
"""(group, kind) -> whether its objects live in a namespace; None when that is not known."""


def settle_scope(manifest: Manifest, namespace: str, namespace_origin: Origin, is_namespaced: IsNamespaced) -> Manifest:
    """Return the manifest with the namespace it will be sent with, the same one if nothing changes.

    `namespace_origin` is the line that names the environment's namespace; it becomes the origin of a namespace that is
    filled in. The body is not changed but copied as far as needed.
    """
    ref = manifest.ref
    namespaced = is_namespaced(ref.group, ref.kind)
    if namespaced is None or namespaced == bool(ref.namespace):
        return manifest
    settled = namespace if namespaced else ""
    body = _with_namespace(manifest.body, settled, replace(namespace_origin, step="namespace"))
    return replace(manifest, ref=replace(ref, namespace=settled), body=body)


def ref_of(body: Body) -> ObjectRef:
    """Return the ref of a body with kind and metadata.name, in the namespace that it names.

    Of a hook whose name the server makes up, the name is what it begins with.
    """
    group, _ = split_api_version(body.get("apiVersion") or "")
    metadata = body["metadata"]
    return ObjectRef(group, body["kind"], metadata.get("namespace") or "", name_of(metadata))


def name_of(metadata: Mapping[str, Any]) -> str:
    """Return the name of an object, or what its generated name begins with."""
    name: str = metadata["name"] if "name" in metadata else metadata["generateName"]
    return name


def _with_namespace(body: Body, namespace: str, origin: Origin) -> Body:
    changed, metadata = _shallow(body), _shallow(body["metadata"])
    if namespace:
        put(metadata, "namespace", namespace, origin)
    else:
        remove(metadata, "namespace")
    changed["metadata"] = metadata
    return changed


def _shallow(body: Body) -> Fields:
    file, start = (body.file, body.start) if isinstance(body, Fields) else ("", 0)
    copied = Fields(body, file=file, start=start)
    if isinstance(body, Fields):
        copied.marks = body.marks.copy()
        copied.key_marks = body.key_marks
    return copied
