"""The content hash at the end of the names of generated ConfigMaps and Secrets (kustomize's api/hasher)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from gitops_push.core.origin import Origin
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.resource import Resource, text_of

_ALPHABET: Final = str.maketrans("013ae", "ghkmt")
_ESCAPES: Final = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029"))
_OPTIONAL: Final = {"ConfigMap": "binaryData", "Secret": "stringData"}


def add_hashes(resources: ResourceSet) -> None:
    """Append the hash to the names of all objects that ask for one."""
    for resource in resources:
        if resource.hashed:
            resource.remember_id()
            resource.unhashed_name = resource.name
            origin = Origin(resource.origin.file, resource.origin.line, resource.origin.column, "name hash")
            resource.set_name(f"{resource.name}-{content_hash(resource)}", origin)
    resources.forget_index()


def content_hash(resource: Resource) -> str:
    """Return the ten characters. The name is not part of what is hashed, the kind and all data are."""
    kind, body = resource.kind, resource.body
    if kind not in _OPTIONAL:
        raise invalid(f"cannot hash the content of a {kind}, only of a ConfigMap or a Secret", resource.origin)
    content: dict[str, Any] = {"kind": kind, "name": "", "data": _data(body, "data")}
    if kind == "Secret":
        content["type"] = _data(body, "type")
    optional = _OPTIONAL[kind]
    if isinstance(body.get(optional), (dict, list)):
        content[optional] = _data(body, optional)
    return hashlib.sha256(go_json(content).encode()).hexdigest()[:10].translate(_ALPHABET)


def go_json(value: object) -> str:
    """Return the text that Go's encoding/json makes: compact, keys sorted, HTML characters escaped."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    for character, escape in _ESCAPES:
        text = text.replace(character, escape)
    return text


def _data(body: Mapping[str, Any], field: str) -> object:
    """Return a mapping as it is; kustomize reads a list as null, and null, which a JSON patch can set, as its text."""
    value = body.get(field, "")
    if isinstance(value, (dict, list)):
        return value if isinstance(value, dict) else None
    return "null" if value is None else text_of(value)
