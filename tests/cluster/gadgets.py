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


def gadget_definition(group: str) -> Body:
    """The CustomResourceDefinition of kind Gadget, with the status and scale subresources."""
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": _SPEC}, "status": _OPEN}}
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
        "metadata": {"name": f"gadgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "gadgets", "kind": "Gadget"},
            "versions": [version],
        },
    }
