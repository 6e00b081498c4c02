"""What is checked before the first write, beyond the dry run: permissions it does not prove, and sizes.

All that is missing is told at once: one round trip of a pipeline costs minutes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from gitops_push.cluster.api import AccessQuestion, ApiFailure, ApiReader, ServedKind, ServedKinds
from gitops_push.cluster.inventory_store import CONFIG_MAP
from gitops_push.cluster.targets import Target
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, PlanError, Problem
from gitops_push.core.inventory import Inventory, to_config_map
from gitops_push.core.kinds import split_api_version
from gitops_push.core.plan import Action, Plan
from gitops_push.core.sizes import DATA_LIMIT_BYTES, OBJECT_LIMIT_BYTES

_ROOM_BYTES: Final = 16_384
"""For managedFields and what else the server adds."""


def check_permissions(reader: ApiReader, plan: Plan, inventory: Inventory, targets: Iterable[Target]) -> None:
    """Ask the server for every right that the dry run did not prove; `PlanError` with all that are missing.

    The rights are: the inventory, deletion of what is to be pruned, and writing what was not dry-run yet.
    """
    served = reader.served_kinds()
    questions = (
        *_inventory_questions(inventory),
        *_prune_questions(plan, served),
        *_deferred_questions(targets),
    )
    missing = [asked for group in _grouped(questions) for asked in _denied(reader, group)]
    if missing:
        raise PlanError([_missing(asked) for asked in missing])


def check_sizes(inventory: Inventory, targets: Iterable[Target]) -> None:
    """Refuse what etcd would refuse; `PlanError` with every object that is too large, and the inventory."""
    problems = [
        Problem(
            Code.BUDGET_EXCEEDED,
            f"{target.ref} has {size} bytes, an API server stores at most {OBJECT_LIMIT_BYTES} for an object",
            target.manifest.origin,
            target.ref,
        )
        for target in targets
        if (size := _size(target.body)) + _ROOM_BYTES > OBJECT_LIMIT_BYTES
    ]
    size = _size(to_config_map(inventory))
    if size + _ROOM_BYTES > DATA_LIMIT_BYTES:
        text = f"the inventory of {len(inventory.entries)} objects has {size} bytes, too many for a ConfigMap"
        problems.append(Problem(Code.BUDGET_EXCEEDED, text, ref=inventory.ref, hint="split the environment"))
    if problems:
        raise PlanError(problems)


def _inventory_questions(inventory: Inventory) -> Iterator[AccessQuestion]:
    verbs = ("get", "update") if inventory.resource_version else ("get", "create", "update")
    for verb in verbs:
        name = "" if verb == "create" else inventory.name
        yield AccessQuestion(verb, "", CONFIG_MAP.resource, inventory.namespace, name)


def _prune_questions(plan: Plan, served: ServedKinds) -> Iterator[AccessQuestion]:
    for change in plan.changes:
        kind = _kind(served, change.ref.group, change.ref.kind, change.api_version)
        if change.action is Action.PRUNE and kind:
            for verb in ("get", "delete"):
                yield AccessQuestion(verb, kind.group, kind.resource, change.ref.namespace, change.ref.name)


def _deferred_questions(targets: Iterable[Target]) -> Iterator[AccessQuestion]:
    for target in targets:
        kind, ref = target.kind, target.ref
        if target.deferred and kind:
            for verb in ("create", "patch"):
                yield AccessQuestion(
                    verb, kind.group, kind.resource, ref.namespace, "" if verb == "create" else ref.name
                )


def _kind(served: ServedKinds, group: str, kind: str, api_version: str) -> ServedKind | None:
    _, version = split_api_version(api_version)
    return served.find(group, kind, version) or served.find(group, kind)


def _grouped(questions: Iterable[AccessQuestion]) -> tuple[tuple[AccessQuestion, ...], ...]:
    """Return the questions that differ in the name only, together."""
    groups: dict[AccessQuestion, dict[AccessQuestion, None]] = {}
    for asked in questions:
        groups.setdefault(replace(asked, name=""), {})[asked] = None
    return tuple(tuple(group) for group in groups.values())


def _denied(reader: ApiReader, group: tuple[AccessQuestion, ...]) -> tuple[AccessQuestion, ...]:
    """A right without a name covers all names, so it is asked first: one question a kind instead of one an object."""
    general = replace(group[0], name="")
    if _allowed(reader, general):
        return ()
    return tuple(asked for asked in group if not asked.name or not _allowed(reader, asked))


def _allowed(reader: ApiReader, asked: AccessQuestion) -> bool:
    try:
        return reader.may_i(asked)
    except ApiFailure as failure:
        text = f"the API server does not tell what the credential may do: {failure.message}"
        raise ClusterError(Problem(Code.SERVER_ERROR, text)) from failure


def _missing(asked: AccessQuestion) -> Problem:
    resource = f"{asked.resource}.{asked.group}" if asked.group else asked.resource
    where = f" in namespace {asked.namespace}" if asked.namespace else " at the cluster scope"
    what = f"{resource}/{asked.name}" if asked.name else resource
    return Problem(
        Code.SERVER_FORBIDS,
        f"the credential may not {asked.verb} {what}{where}",
        hint=f"grant it the verb {asked.verb} on {resource}{where}",
    )


def _size(body: dict[str, Any]) -> int:
    return len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
