"""Judges the custom resources of a set by the definitions that come with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gitops_push.core.codes import Code
from gitops_push.core.crd_schema import Definition, Fault, Findings, check_object, definitions_of
from gitops_push.core.crd_schema.faults import Path
from gitops_push.core.crd_schema.numbers import replicas_fault
from gitops_push.core.errors import Problem
from gitops_push.core.fieldpath import Segment, format_field_path, item_key, value_at
from gitops_push.core.normalization import body_to_send
from gitops_push.core.objects import Body, Manifest

Definitions = Mapping[tuple[str, str], Definition]
"""By the (group, kind) that they define."""


def findings_of(manifest: Manifest, body: Body, definition: Definition) -> Findings | None:
    """Return what a definition says about an object, None if it has no schema; `body` is what is sent for it."""
    if not definition.serves(manifest.version):
        message = f"is not served by {definition.ref.kind} {definition.ref.name} of the set"
        return Findings((Fault(("apiVersion",), message),))
    schema = definition.schema_of(manifest.version)
    if schema is None:
        return None
    found = check_object(body, schema)
    converted = ("conversion by a webhook not checked",) if definition.is_converted_by_webhook(manifest.version) else ()
    return Findings(
        (*found.faults, *_scale_faults(body, definition.replicas_path(manifest.version))),
        (*found.unchecked, *converted),
    )


def schema_problems(manifest: Manifest, findings: Findings) -> tuple[Problem, ...]:
    """Return the problems of an object, each at the line of its field. They may quote values: mask them."""
    return tuple(_problem(manifest, fault) for fault in findings.faults)


def check_set(manifests: Iterable[Manifest]) -> tuple[tuple[Problem, ...], tuple[str, ...]]:
    """Return the problems of all custom resources whose definition is in the set, and what could not be checked."""
    every = tuple(manifests)
    definitions = definitions_of(every)
    problems: list[Problem] = []
    unchecked: dict[str, None] = {}
    for manifest in every:
        definition = definitions.get((manifest.ref.group, manifest.ref.kind))
        findings = findings_of(manifest, body_to_send(manifest, ""), definition) if definition else None
        if definition and findings:
            problems += schema_problems(manifest, findings)
            unchecked |= {f"{definition.ref.kind} {definition.ref.name}: {line}": None for line in findings.unchecked}
    return tuple(problems), tuple(unchecked)


def _scale_faults(body: Body, path: Path) -> tuple[Fault, ...]:
    wrong = replicas_fault(value_at(path, body)) if path else ""
    return (Fault(path, wrong),) if wrong else ()


def _problem(manifest: Manifest, fault: Fault) -> Problem:
    field = format_field_path(_named(fault.path, manifest.body))
    message = f"{manifest.ref}: {field} {fault.message}"
    return Problem(Code.SCHEMA_INVALID, message, manifest.origin_at(fault.path), manifest.ref)


def _named(path: Path, value: Any) -> tuple[Segment, ...]:
    """Return the path with the items of lists by their name, where they have one."""
    named: list[Segment] = []
    for step in path:
        value = _step(value, step)
        name = value.get("name") if isinstance(step, int) and isinstance(value, Mapping) else None
        named.append(item_key({"name": name}) if isinstance(name, str) else step)
    return tuple(named)


def _step(value: Any, step: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    return value[step] if isinstance(value, list) and isinstance(step, int) and step < len(value) else None
