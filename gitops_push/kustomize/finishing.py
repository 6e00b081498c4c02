"""What is done to each object at the very end."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items, Node, NonTextKey, as_origin, remove
from gitops_push.kustomize.errors import bad_manifest
from gitops_push.kustomize.marks import place_of
from gitops_push.kustomize.resource import Resource
from gitops_push.kustomize.written import WrittenText

_FORBIDDEN: Final = re.compile("[\x7f-\x84\x86-\x9f\ufffe\uffff]")
_NEXT_LINES: Final = re.compile(" *\x85[ \x85]*")
_LOST: Final = re.compile("[\x7f-\x9f\ufffe\uffff]")
_LOCAL_CONFIG: Final = "config.kubernetes.io/local-config"


def require_names(resources: Iterable[Resource]) -> None:
    """Raise for all objects that patches left without a kind or a name."""
    problems = [
        Problem(Code.MANIFEST_INVALID, f"missing {'metadata.name' if one.kind else 'kind'} after patches", one.origin)
        for one in resources
        if not one.kind or (not one.name and not one.kind.endswith("List"))
    ]
    if problems:
        raise BuildError(problems)


def is_local_config(resource: Resource) -> bool:
    """Return whether the object is for other tools only and is left out of the output."""
    annotations = resource.metadata.get("annotations")
    return isinstance(annotations, Fields) and str(annotations.get(_LOCAL_CONFIG, "false")).lower() != "false"


def finished_body(resource: Resource, written: WrittenText) -> Fields:
    """Return the body with all annotations as text, as they were written; an empty mapping of them is dropped."""
    annotations = resource.metadata.get("annotations")
    if isinstance(annotations, Fields):
        for key, value in annotations.items():
            if not isinstance(value, (dict, list)) and not (resource.rewritten and isinstance(value, str)):
                annotations[key] = written.text_at(annotations, key)
        if not annotations:
            remove(resource.metadata, "annotations")
    _require_writable(resource.body, resource)
    return resource.body


def _require_writable(node: Node, resource: Resource) -> None:
    """Do to texts what kustomize's last trip through JSON does to them, and raise for what does not survive it."""
    if isinstance(node, Fields):
        for key, value in node.items():
            if type(key) is NonTextKey or (not key.isprintable() and _LOST.search(key)):
                raise _unwritable_key(node, key, resource)
            if type(value) is str:
                if not value.isprintable() and _LOST.search(value):
                    node[key] = _folded(value, place_of(node, key), resource)
            elif isinstance(value, (dict, list)):
                _require_writable(value, resource)
    elif isinstance(node, Items):
        for index, value in enumerate(node):
            if type(value) is str:
                if not value.isprintable() and _LOST.search(value):
                    node[index] = _folded(value, place_of(node, index), resource)
            elif isinstance(value, (dict, list)):
                _require_writable(value, resource)


def _folded(text: str, place: Origin | None, resource: Resource) -> str:
    """Return the text with its next-line characters (U+0085) folded as line breaks in double quotes are."""
    found = _FORBIDDEN.search(text)
    if found:
        message = f"control characters are not allowed: U+{ord(found[0]):04X} (object {resource.current_id()})"
        raise bad_manifest(message, place or resource.origin, "remove it, or put the value into base64")
    return _NEXT_LINES.sub(lambda run: "\n" * (run[0].count("\x85") - 1) or " ", text)


def _unwritable_key(fields: Fields, key: str, resource: Resource) -> BuildError:
    mark = (fields.key_marks or {}).get(key)
    place = resource.origin if mark is None else as_origin(mark, fields.file)
    if type(key) is NonTextKey:
        message = f"json: unsupported type: the key {key} is no text (object {resource.current_id()})"
        return bad_manifest(message, place, f'write it in quotes: "{key}"')
    return bad_manifest(f"control characters are not allowed in a key (object {resource.current_id()})", place)
