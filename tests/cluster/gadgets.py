"""A definition whose custom resources have every kind of field that comparisons have trouble with."""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]

_TEXT: Body = {"type": "string"}
_INT_OR_STRING: Body = {"x-kubernetes-int-or-string": True}
_OPEN: Body = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_PART: Body = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": _TEXT, "size": {"type": "integer", "default": 1}, "note": _TEXT},
}
_SPEC: Body = {
    "parts": {
        "type": "array",
        "items": _PART,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    },
    "tags": {"type": "array", "items": _TEXT, "x-kubernetes-list-type": "set"},
    "steps": {"type": "array", "items": _TEXT},
    "labels": {"type": "object", "additionalProperties": _TEXT},
    "link": {
        "type": "object",
        "properties": {"kind": _TEXT, "name": _TEXT},
        "x-kubernetes-map-type": "atomic",
    },
    "mode": {**_TEXT, "default": "auto"},
    "text": _TEXT,
    "timeout": _TEXT,
    "interval": _TEXT,
    "count": {"type": "integer", "format": "int64"},
    "ratio": {"type": "number"},
    "cpu": _INT_OR_STRING,
    "memory": _INT_OR_STRING,
    "amount": _INT_OR_STRING,
    "free": _OPEN,
    "template": _OPEN,
}


_TOOTH: Body = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "integer"},
        "depth": {"type": "integer", "default": 7},
        "tags": {"type": "array", "items": _TEXT, "x-kubernetes-list-type": "set"},
    },
}
_RING: Body = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": _TEXT,
        "side": {**_TEXT, "default": "both"},
        "colour": {**_TEXT, "default": "grey"},
        "teeth": {
            "type": "array",
            "items": _TOOTH,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["id"],
        },
    },
}
_STEP: Body = {
    "type": "object",
    "properties": {
        "to": _TEXT,
        "weight": {"type": "integer", "default": 1},
        "match": {"type": "object", "additionalProperties": _TEXT},
    },
}
_LIMITS: Body = {"soft": {"type": "integer", "default": 3}, "hard": {"type": "integer"}}
_SPROCKET: Body = {
    "rings": {
        "type": "array",
        "items": _RING,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name", "side"],
    },
    "route": {"type": "array", "items": _STEP},
    "limits": {"type": "object", "default": {}, "properties": _LIMITS},
}


def gadget_definition(group: str) -> Body:
    """The CustomResourceDefinition of kind Gadget, with the status subresource."""
    return _definition(group, "Gadget", _SPEC)


def sprocket_definition(group: str) -> Body:
    """The CustomResourceDefinition of kind Sprocket: keyed lists in keyed lists, defaults at every depth."""
    return _definition(group, "Sprocket", _SPROCKET)


def _definition(group: str, kind: str, spec: Body) -> Body:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": spec}, "status": _OPEN}}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.lower()}s.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": f"{kind.lower()}s", "kind": kind},
            "versions": [version],
        },
    }
