"""What is sent for a manifest, and what of a live object is compared.

The server's own spelling is sent where it would otherwise find a difference that is none, at every run: each rule below
names its reason. A manifest that the server would refuse stays refused: nothing is mended here.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final

from gitops_push.core.fieldpath import FieldPath, resolve
from gitops_push.core.hooks import TRACKING_ID
from gitops_push.core.inventory import PART_OF_LABEL
from gitops_push.core.objects import Body, Manifest
from gitops_push.core.origin import Origin
from gitops_push.core.placeholders import remove_placeholders
from gitops_push.core.pod_specs import pod_specs_of, quantity_maps_of
from gitops_push.core.quantity import canonical_quantity
from gitops_push.core.secret_values import LAST_APPLIED

_SERVER_METADATA: Final = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
_NEVER_SENT: Final = frozenset({LAST_APPLIED, TRACKING_ID})
_SERVER_ANNOTATIONS: Final = frozenset({LAST_APPLIED, "deployment.kubernetes.io/revision"})


def body_to_send(manifest: Manifest, part_of_id: str) -> dict[str, Any]:
    """Return the object as it is sent, for dry run and apply alike: plain data, new in every container.

    `part_of_id` becomes the label that makes it a member of our ApplySet, on the object's own metadata only.
    """
    body = desired_state(manifest)
    metadata = body["metadata"]
    metadata["labels"] = {**(metadata.get("labels") or {}), PART_OF_LABEL: part_of_id}
    return body


def desired_state(manifest: Manifest) -> dict[str, Any]:
    """Return what a manifest asks for, spelled as the server does: the body to send without the label of membership."""
    body: dict[str, Any] = _without_nulls(manifest.body)
    body.pop("status", None)
    body["metadata"] = _own_metadata(body.get("metadata") or {})
    _complete_ports(body)
    _spell_quantities(body)
    remove_placeholders(body)
    special = _BY_KIND.get((manifest.ref.group, manifest.ref.kind))
    if special:
        special(body)
    return body


def origin_of(manifest: Manifest, path: FieldPath) -> Origin:
    """Return the line that set a field, or the nearest one around it. A Secret's data may come from `stringData`."""
    if manifest.ref.kind == "Secret" and path[:1] == ("data",):
        plain = resolve(("stringData", *path[1:]), manifest.body)
        if len(plain) == len(path):
            return manifest.origin_at(plain)
    return manifest.origin_at(resolve(path, manifest.body))


def comparable(body: Body) -> dict[str, Any]:
    """Return a live or merged object without what says nothing of its desired state (reference: cluster.md 1).

    Empty labels and annotations are as if they were not there.
    """
    metadata = {key: value for key, value in (body.get("metadata") or {}).items() if key not in _SERVER_METADATA}
    annotations = metadata.get("annotations") or {}
    metadata["annotations"] = {key: value for key, value in annotations.items() if key not in _SERVER_ANNOTATIONS}
    for name in ("labels", "annotations"):
        if not metadata.get(name):
            metadata.pop(name, None)
    rest = {key: value for key, value in body.items() if key not in {"metadata", "status"}}
    return {**rest, "metadata": metadata}


def content_of(body: Body) -> dict[str, Any]:
    """Return a comparable object without its identity (apiVersion, kind, name, namespace): what a new object brings."""
    compared = comparable(body)
    identity = {"name", "namespace"}
    metadata = {key: value for key, value in compared.pop("metadata").items() if key not in identity}
    rest = {key: value for key, value in compared.items() if key not in {"apiVersion", "kind"}}
    return {**rest, **({"metadata": metadata} if metadata else {})}


def _without_nulls(value: Any) -> Any:
    # A null in an apply takes the field's ownership for nothing (kubernetes#108234); items of lists are left alone.
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _own_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what the server sets, where a uid or resourceVersion would become a precondition, and other tools' marks.

    Empty annotations go, too: once others have set some, sending none would make the map itself ours.
    """
    kept = {key: value for key, value in metadata.items() if key not in _SERVER_METADATA}
    annotations = kept.get("annotations")
    if isinstance(annotations, Mapping):
        kept["annotations"] = {key: value for key, value in annotations.items() if key not in _NEVER_SENT}
        if not kept["annotations"]:
            del kept["annotations"]
    return kept


def _complete_ports(body: dict[str, Any]) -> None:
    """`protocol` is a merge key of ports: without it, server-side apply takes two ports for one (kubernetes#98576)."""
    for spec in pod_specs_of(body):
        for name in ("containers", "initContainers", "ephemeralContainers"):
            for container in _mappings(spec.get(name)):
                _set_protocol(container.get("ports"))
    if body.get("apiVersion") == "v1" and body.get("kind") == "Service":
        service = body.get("spec")
        _set_protocol(service.get("ports") if isinstance(service, Mapping) else None)


def _set_protocol(ports: object) -> None:
    for port in _mappings(ports):
        port.setdefault("protocol", "TCP")


def _spell_quantities(body: dict[str, Any]) -> None:
    """`1000m` is stored as `1`, and rewritten at every apply that says otherwise (kubernetes#116135)."""
    for quantities, key in quantity_maps_of(body):
        if key in quantities:
            quantities[key] = canonical_quantity(quantities[key])


def _secret(body: dict[str, Any]) -> None:
    """`stringData` cannot be read back, and removing a key from it removes nothing (kubernetes#108008)."""
    plain: Any = body.get("stringData", {})
    data: Any = body.get("data", {})
    if not isinstance(data, dict) or not isinstance(plain, dict):
        return
    texts = {key: value for key, value in plain.items() if isinstance(value, str)}
    encoded = {key: base64.b64encode(value.encode("utf-8", "surrogateescape")).decode() for key, value in texts.items()}
    data = {key: _one_line(value) for key, value in data.items()} | encoded
    if data:
        body["data"] = data
    left = {key: value for key, value in plain.items() if key not in texts}
    body.pop("stringData", None)
    if left:
        body["stringData"] = left


def _one_line(value: Any) -> Any:
    """Base64 may be wrapped in a manifest; the server stores it without line ends."""
    return "".join(value.split()) if isinstance(value, str) else value


def _cluster_role(body: dict[str, Any]) -> None:
    # The rules of an aggregated role are its controller's.
    if body.get("aggregationRule"):
        body.pop("rules", None)


_BY_KIND: Final[Mapping[tuple[str, str], Callable[[dict[str, Any]], None]]] = {
    ("", "Secret"): _secret,
    ("rbac.authorization.k8s.io", "ClusterRole"): _cluster_role,
}


def _mappings(items: object) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
