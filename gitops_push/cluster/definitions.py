"""What the definitions of a set say about the objects that the server cannot judge by them yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gitops_push.cluster.targets import Target
from gitops_push.core.crd_schema import Findings, definitions_of
from gitops_push.core.definition_check import findings_of
from gitops_push.core.objects import ObjectRef
from gitops_push.core.plan import Change, Fidelity


def check_by_definitions(targets: Iterable[Target], changing: frozenset[ObjectRef]) -> Mapping[ObjectRef, Findings]:
    """Return the findings about each object that waits for the run, or whose definition the run changes.

    The server itself judges all others by the same definition.
    """
    every = tuple(targets)
    definitions = definitions_of(target.manifest for target in every)
    found: dict[ObjectRef, Findings] = {}
    for target in every:
        definition = definitions.get((target.ref.group, target.ref.kind))
        if definition is not None and (target.deferred or definition.ref in changing):
            findings = findings_of(target.manifest, target.body, definition)
            found |= {target.ref: findings} if findings else {}
    return found


def proven_by_schema(change: Change, findings: Findings | None) -> Change:
    """Return a change that only this client has predicted as proven by its definition, if there is one."""
    if findings is None or change.fidelity is not Fidelity.CLIENT:
        return change
    return replace(change, fidelity=Fidelity.SCHEMA, unchecked=findings.unchecked)
