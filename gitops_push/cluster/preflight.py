"""What is checked before the first write, beyond the dry run: the rights that it does not prove, and the inventory.

All that is missing is told at once: one round trip of a pipeline costs minutes. A run without changes asks nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from gitops_push.cluster.access import denied
from gitops_push.cluster.api import AccessQuestion, ApiReader
from gitops_push.cluster.deploy_request import DeployRequest
from gitops_push.cluster.inventory_store import check_has_place
from gitops_push.cluster.rights import Need, needs_of, resources
from gitops_push.core.codes import Code
from gitops_push.core.errors import PlanError, Problem
from gitops_push.core.inventory import Inventory
from gitops_push.core.inventory_record import record_problem

_MOST_NAMES: Final = 5


def check_before_writing(
    request: DeployRequest, inventory: Inventory, reader: ApiReader, *, place_comes_with_set: bool
) -> tuple[str, ...]:
    """Raise `PlanError` with all that stands in the way of a deployment whose first write is `inventory`.

    Returns what it will have to do without, for people. Reads and dry-runs only: an access review for each verb,
    resource and namespace, and for each name where the general one is denied; and one dry run of an inventory that is
    new, unless the namespace is new as well.
    """
    resource_of = resources(reader.served_kinds(), request.manifests.manifests)
    missing = _missing(reader, tuple(needs_of(request, inventory, resource_of)), request.options.concurrency)
    problems = [*_denials(need for need in missing if not need.without), *filter(None, [record_problem(inventory)])]
    if not (inventory.resource_version or place_comes_with_set):
        problems += _place_problems(inventory, reader)
    if problems:
        raise PlanError(problems)
    return tuple(_losses(missing))


def _missing(reader: ApiReader, needs: tuple[Need, ...], concurrency: int) -> tuple[Need, ...]:
    """Return the needs that are not met; without its substitute, too, a right is one that nothing goes without."""
    refused = denied(reader, (need.asked for need in needs), concurrency)
    unmet = [need for need in needs if need.asked in refused]
    also_refused = denied(reader, (need.instead for need in unmet if need.instead), concurrency)
    return tuple(replace(need, without="") if need.instead in also_refused else need for need in unmet)


def _denials(missing: Iterable[Need]) -> Iterator[Problem]:
    """Yield a problem for each resource and place, with the verbs, and the line of the first object that needs them."""
    for needs in _grouped(missing):
        first = next((need.change for need in needs if need.change), None)
        origin, ref = (first.origin, first.ref) if first else (None, None)
        asked, verbs = needs[0].asked, _verbs(needs)
        role = f"apiGroups: [{asked.group!r}], resources: [{_path(asked)}], verbs: [{verbs}]"
        yield Problem(
            Code.SERVER_FORBIDS,
            f"the credential may not {verbs} {_resource(asked)} {_where(asked)}{_names(needs)}",
            origin,
            ref,
            f"give its role the rule {{{role}}}",
        )


def _losses(missing: Iterable[Need]) -> Iterator[str]:
    """Yield a line for each thing that the run does without."""
    by_loss: dict[str, list[Need]] = {}
    for need in missing:
        by_loss.setdefault(need.without, []).append(need)
    for without, needs in by_loss.items():
        rights = (f"{_verbs(group)} {_resource(group[0].asked)} {_where(group[0].asked)}" for group in _grouped(needs))
        yield f"the credential may not {'; '.join(rights)}: {without}"


def _grouped(needs: Iterable[Need]) -> Iterator[list[Need]]:
    """Yield the needs of one resource in one place that lack the same verbs, in the order of their first ones."""
    for_one: dict[tuple[AccessQuestion, object], list[Need]] = {}
    for need in needs:
        subject = need.change.ref if need.change else need.asked.name
        for_one.setdefault((replace(need.asked, verb="", name=""), subject), []).append(need)
    alike: dict[tuple[AccessQuestion, str], list[Need]] = {}
    for (where, _), group in for_one.items():
        alike.setdefault((where, _verbs(group)), []).extend(group)
    yield from alike.values()


def _verbs(needs: Iterable[Need]) -> str:
    return ", ".join(dict.fromkeys(need.asked.verb for need in needs))


def _names(needs: Iterable[Need]) -> str:
    names = list(dict.fromkeys(need.asked.name for need in needs if need.asked.name))
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f": {', '.join(names[:_MOST_NAMES])}{more}" if names else ""


def _resource(asked: AccessQuestion) -> str:
    path = _path(asked)
    return f"{path}.{asked.group}" if asked.group else path


def _path(asked: AccessQuestion) -> str:
    return f"{asked.resource}/{asked.subresource}" if asked.subresource else asked.resource


def _where(asked: AccessQuestion) -> str:
    return f"in namespace {asked.namespace}" if asked.namespace else "at the cluster scope"


def _place_problems(inventory: Inventory, reader: ApiReader) -> tuple[Problem, ...]:
    try:
        check_has_place(reader, inventory)
    except PlanError as error:
        return error.problems
    return ()
