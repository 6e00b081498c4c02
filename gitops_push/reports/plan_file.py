"""The plan file: what `diff -o plan=FILE` saves and `apply --plan FILE` reads; its form is docs/plan.schema.json.

It holds no secret value: tags are those of `core.disclosure`, and values for people have a stand-in for what is secret.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeAlias

from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem, UsageError
from gitops_push.core.fielddiff import ABSENT, Shown
from gitops_push.core.objects import ObjectRef
from gitops_push.core.plan import Plan
from gitops_push.core.plan_digest import (
    FORMAT,
    BoundField,
    BoundObject,
    BoundPlan,
    Handover,
    bound,
    digest_of,
    object_digest,
)
from gitops_push.core.redaction import LEFT_OUT, Masked
from gitops_push.core.run import RunHeader
from gitops_push.reports.json_report import SCHEMA_VERSION, Data, owner_data, ref_data, time_text

LARGEST_BYTES: Final = 64 * 1024 * 1024

Mask: TypeAlias = Callable[[str], str]
"""Gives a text without secret values, the same in every run."""

_KEYED: Final = {True: "keyed", False: "left out"}


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan that was saved: what binds of it, and what is only recorded."""

    plan: BoundPlan
    digest: str
    commit: str
    planned_at: str

    @property
    def made(self) -> str:
        """Return when and from which commit it was made, for people."""
        commit = f" from commit {self.commit[:7]}" if self.commit else ""
        return f"made {self.planned_at}{commit}"


def plan_document(plan: Plan, header: RunHeader, mask: Mask) -> Data:
    """Return the plan file as data."""
    binding = bound(plan)
    return {
        "schemaVersion": SCHEMA_VERSION,
        "kind": "Plan",
        "digest": digest_of(binding),
        "digestFormat": FORMAT,
        "secretValues": _KEYED[binding.keyed],
        "version": header.version,
        "environment": binding.environment,
        "project": binding.project,
        "namespace": binding.namespace,
        "clusterId": binding.cluster_id,
        "cluster": mask(header.cluster),
        "server": mask(header.server),
        "commit": plan.commit,
        "plannedAt": time_text(plan.planned_at),
        "objects": [_object(found, mask) for found in binding.objects],
    }


def read_plan_file(text: str, file: str) -> SavedPlan:
    """Return the plan that a file holds. Raises `UsageError` for everything that is no whole plan file of this format.

    A file whose digest is not that of its content was edited or damaged.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        _refuse(file, "is no JSON: it is damaged, or something else" if text.strip() else "is empty")
    if not isinstance(data, dict) or data.get("kind") != "Plan":
        _refuse(file, "is no plan file; `gitops-push diff ENV -o plan=FILE` makes one")
    form = (data.get("schemaVersion"), data.get("digestFormat"))
    if form != (SCHEMA_VERSION, FORMAT):
        _refuse(
            file, f"has another format (schemaVersion {form[0]!r}, digestFormat {form[1]!r}) than this version reads"
        )
    try:
        saved = _saved(data)
    except (KeyError, TypeError, ValueError) as error:
        _refuse(file, f"is damaged ({type(error).__name__}: {error})")
    if digest_of(saved.plan) != saved.digest:
        _refuse(file, "was changed after it was made: its digest is not that of its content")
    return saved


def _object(found: BoundObject, mask: Mask) -> Data:
    return {
        **ref_data(found.ref),
        "apiVersion": found.api_version,
        "action": found.action,
        "fidelity": found.fidelity,
        "digest": object_digest(found),
        "manifest": found.content,
        "handovers": [{"what": h.what, "field": h.field, "manager": h.manager} for h in found.handovers],
        "fields": [_field(field, mask) for field in found.fields],
    }


def _field(field: BoundField, mask: Mask) -> Data:
    return {
        "path": mask(field.path),
        **{name: _shown(side, mask) for name, side in _sides(field) if side is not ABSENT},
        "beforeTag": field.tags[0],
        "afterTag": field.tags[1],
        **({"owner": owner_data(field.owner)} if field.owner else {}),
    }


def _sides(field: BoundField) -> tuple[tuple[str, Shown], tuple[str, Shown]]:
    return ("before", field.before), ("after", field.after)


def _shown(value: Any, mask: Mask) -> Any:
    """Return a value for people, without the tags that are new in every run."""
    if isinstance(value, Masked):
        return LEFT_OUT
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {mask(str(key)): _shown(item, mask) for key, item in value.items()}
    return [_shown(item, mask) for item in value] if isinstance(value, (list, tuple)) else value


def _saved(data: Mapping[str, Any]) -> SavedPlan:
    plan = BoundPlan(
        environment=_text(data["environment"]),
        project=_text(data["project"]),
        namespace=_text(data["namespace"]),
        cluster_id=_text(data["clusterId"]),
        keyed={name: keyed for keyed, name in _KEYED.items()}[_text(data["secretValues"])],
        objects=tuple(_bound_object(item) for item in _list(data["objects"])),
    )
    return SavedPlan(plan, _text(data["digest"]), _text(data["commit"]), _text(data["plannedAt"]))


def _bound_object(data: Mapping[str, Any]) -> BoundObject:
    ref = ObjectRef(*(_text(data[name]) for name in ("group", "objectKind", "namespace", "name")))
    found = BoundObject(
        ref=ref,
        api_version=_text(data["apiVersion"]),
        action=_text(data["action"]),
        fidelity=_text(data["fidelity"]),
        content=_text(data["manifest"]),
        handovers=tuple(_handover(each) for each in _list(data["handovers"])),
        fields=tuple(_bound_field(each) for each in _list(data["fields"])),
    )
    if object_digest(found) != data["digest"]:
        raise ValueError(f"the digest of {ref} is not that of its content")
    return found


def _handover(data: Mapping[str, Any]) -> Handover:
    return Handover(*(_text(data[name]) for name in ("what", "field", "manager")))


def _bound_field(data: Mapping[str, Any]) -> BoundField:
    tags = _text(data["beforeTag"]), _text(data["afterTag"])
    return BoundField(tags, _text(data["path"]), data.get("before", ABSENT), data.get("after", ABSENT))


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r:.40} where a list belongs")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} where a text belongs")
    return value


def _refuse(file: str, why: str) -> NoReturn:
    hint = "make a new one: gitops-push diff ENV -o plan=FILE"
    raise UsageError(Problem(Code.USAGE, f"the plan file {file} {why}", hint=hint))
