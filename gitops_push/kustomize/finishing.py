"""What is done to each object at the very end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.tree import Fields, remove
from gitops_push.kustomize.resource import Resource
from gitops_push.kustomize.written import WrittenText

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
    return resource.body
