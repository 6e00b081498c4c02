"""Makes the plan: what apply would do to each object, as the server itself predicts it. Never writes.

Requests for N objects in L kinds and namespaces: discovery, L lists, N dry runs; one GET for each external object; one
more dry run for each object that is to be taken over, two for each that is to be recreated; those of hooks that run
(`cluster.hook_plan`). Only an object that changes meanwhile costs more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from gitops_push.cluster.adoption import with_previews
from gitops_push.cluster.api import ApiFailure, ApiReader
from gitops_push.cluster.definitions import check_by_definitions, proven_by_schema
from gitops_push.cluster.deletions import plan_deletions
from gitops_push.cluster.dry_run import READ_AGAIN
from gitops_push.cluster.hook_plan import plan_hooks
from gitops_push.cluster.inventory_store import check_still_absent
from gitops_push.cluster.planned import Planned, plan_answered, plan_new, plan_unverified
from gitops_push.cluster.recreation import plan_recreations
from gitops_push.cluster.rejections import Refusal, kind_of_refusal, one_for_each_namespace, problems_of
from gitops_push.cluster.sealing import sealed
from gitops_push.cluster.survey import PlanRequest, Survey, survey
from gitops_push.cluster.targets import Target
from gitops_push.core.codes import Code
from gitops_push.core.crd_schema import definitions_of
from gitops_push.core.definition_check import schema_problems
from gitops_push.core.errors import PlanError, Problem, RefusedError
from gitops_push.core.inventory import Inventory
from gitops_push.core.membership import check_not_lost, unknown_members
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.plan import Action, Change, Fidelity, Plan, in_order
from gitops_push.core.prune import hash_predecessors
from gitops_push.core.stale_config import readers_of, stale_notes

__all__ = ["PlanRequest", "make_plan"]

_UPDATING = frozenset({Action.UPDATE, Action.RECREATE, Action.TAKE_OVER})
_BINDINGS = frozenset({"RoleBinding", "ClusterRoleBinding"})


def make_plan(request: PlanRequest, reader: ApiReader) -> Plan:
    """Return the plan of an environment.

    Raises `PlanError` with every object that the server rejects, `RefusedError` for conflicts with other managers and
    for more deletions than one run may make, `ClusterError` when the live objects cannot be read.
    """
    started = request.clock()
    found = survey(request, reader)
    try:
        check_not_lost(request.inventory, {**found.live.labelled, **found.live.objects})
    except RefusedError:
        check_still_absent(reader, request.inventory)
        raise
    found = with_previews(request, found, reader)
    planned, problems = _plan_set(request, found, reader)
    pruned = plan_deletions(request, found)
    depends_on = _dependencies(found.targets, _changing(planned))
    hooks = plan_hooks(request, found, (*(one.change for one in planned), *pruned), depends_on, reader)
    conflicts = tuple(conflict for one in planned for conflict in one.conflicts)
    if found.problems or problems or hooks.problems:
        wrong = one_for_each_namespace((*problems, *hooks.problems))
        raise PlanError((*found.problems, *wrong, *conflicts))
    if conflicts:
        raise RefusedError(conflicts)
    changes = (*_with_stale_notes(found, [one.change for one in planned]), *pruned, *hooks.blocked)
    return Plan(
        environment=request.environment.name,
        project=request.inventory.project,
        commit=request.manifests.commit,
        cluster_id=request.cluster_id,
        manifest_digest=request.manifests.public_digest,
        planned_at=request.now,
        changes=in_order(sealed(request, found, changes)),
        seconds=request.clock() - started,
        dry_run=request.dry_run,
        namespace=request.inventory.namespace,
        keyed=bool(request.key),
        proven=found.proven,
        notes=(*_renaming(request.inventory), *unknown_members(found.live.labelled)),
        hooks=hooks.runs,
        attempt=hooks.attempt,
        hook_entries=hooks.entries,
    )


def _renaming(inventory: Inventory) -> Iterator[str]:
    if inventory.former:
        yield (
            f"takes over the inventory {inventory.former}: every object gets the label of {inventory.place}, and "
            "the old record is deleted last"
        )


def _plan_set(request: PlanRequest, found: Survey, reader: ApiReader) -> tuple[list[Planned], list[Problem]]:
    """Return the changes of all objects of the set, and the problems of those that the server rejects."""
    planned: list[Planned] = []
    rejected: list[tuple[Target, ApiFailure]] = []
    problems: list[Problem] = []
    for target in found.targets:
        asked = found.asked.get(target.ref)
        if asked is None:
            planned.append(_plan_unasked(request, found, target))
        elif asked.merged is not None:
            answered = plan_answered(request, found, target, asked, asked.merged)
            planned.append(_with_predecessor(request, found, target, answered))
        elif asked.failure is not None:
            rejected.append((target, asked.failure))
        else:
            problems.append(_moved(target))
    changing = _changing(planned)
    more, refused = _plan_rejected(request, found, rejected, changing, reader)
    return _by_definitions(found, [*planned, *more], [*problems, *refused], changing)


def _by_definitions(
    found: Survey, planned: Iterable[Planned], problems: Iterable[Problem], changing: frozenset[ObjectRef]
) -> tuple[list[Planned], list[Problem]]:
    """Return all of it with what the definitions of the set say about the objects that wait for them."""
    findings = check_by_definitions(found.targets, changing)
    wrong = (p for t in found.targets if t.ref in findings for p in schema_problems(t.manifest, findings[t.ref]))
    proven = [replace(one, change=proven_by_schema(one.change, findings.get(one.change.ref))) for one in planned]
    return proven, [*problems, *(found.redactor.mask_problem(problem) for problem in wrong)]


def _plan_rejected(
    request: PlanRequest,
    found: Survey,
    rejected: Iterable[tuple[Target, ApiFailure]],
    changing: frozenset[ObjectRef],
    reader: ApiReader,
) -> tuple[list[Planned], list[Problem]]:
    """Return recreations, the rejections that are not final as unverified changes, and the others as problems."""
    comes_with_set = _dependencies(found.targets, changing)
    in_set = frozenset(target.ref for target in found.targets)
    recreations = plan_recreations(request, found, rejected, comes_with_set, reader)
    planned = list(recreations.planned)
    problems = list(recreations.problems)
    for target, failure in recreations.rest:
        refusal = kind_of_refusal(failure)
        if refusal is Refusal.NO_DRY_RUN:
            planned.append(plan_unverified(request, found, target, failure.message, Fidelity.REFUSED))
        elif refusal is Refusal.REJECTED and (needed := comes_with_set(target)):
            reason = f"it depends on {needed}, which the same run changes; as of now the server says: {failure.message}"
            planned.append(plan_unverified(request, found, target, reason))
        else:
            problems += (
                found.redactor.mask_problem(problem)
                for problem in problems_of(target, failure, in_set, found.live_of(target))
            )
    return planned, problems


def _dependencies(targets: Iterable[Target], changing: frozenset[ObjectRef]) -> Callable[[Target], ObjectRef | None]:
    """Return what tells which changing object of the set a target depends on: its definition, or its role."""
    definitions = definitions_of(target.manifest for target in targets)

    def find(target: Target) -> ObjectRef | None:
        definition = definitions.get((target.ref.group, target.ref.kind))
        if definition is not None and definition.ref in changing:
            return definition.ref
        role = _role_of(target)
        return role if role in changing else None

    return find


def _role_of(target: Target) -> ObjectRef | None:
    role = target.body.get("roleRef")
    if target.ref.kind not in _BINDINGS or not isinstance(role, Mapping):
        return None
    kind = str(role.get("kind"))
    namespace = target.ref.namespace if kind == "Role" else ""
    return ObjectRef(str(role.get("apiGroup")), kind, namespace, str(role.get("name")))


def _plan_unasked(request: PlanRequest, found: Survey, target: Target) -> Planned:
    if found.live_of(target) is None:
        return _with_predecessor(request, found, target, Planned(plan_new(request, found, target, None)))
    return plan_unverified(request, found, target, target.deferred)


def _with_predecessor(request: PlanRequest, found: Survey, target: Target, planned: Planned) -> Planned:
    """Show a new hashed ConfigMap or Secret as the difference to the one that it replaces."""
    if planned.change.action is not Action.CREATE or not target.manifest.unhashed_name:
        return planned
    wanted = {other.ref for other in found.targets}
    entries = hash_predecessors(request.inventory.entries, target.manifest)
    bodies = [found.live.objects[e.ref] for e in entries if e.ref in found.live.objects and e.ref not in wanted]
    if not bodies:
        return planned
    latest = max(bodies, key=_created_at)
    shown = plan_new(request, found, target, latest)
    return replace(planned, change=replace(planned.change, fields=shown.fields, renamed_from=shown.renamed_from))


def _created_at(body: Body) -> str:
    return str(body["metadata"].get("creationTimestamp", ""))


def _with_stale_notes(found: Survey, changes: Iterable[Change]) -> Iterator[Change]:
    """Yield the changes; those of a ConfigMap or Secret say whose running pods do not see them."""
    every = tuple(changes)
    staying = [found.live.objects[c.ref] for c in every if not c.impact and c.ref in found.live.objects]
    readers = readers_of(staying)
    for change in every:
        stale = stale_notes((f.path for f in change.fields), readers.get(change.ref, ()))
        yield replace(change, impact=(*change.impact, *stale)) if stale and change.action in _UPDATING else change


def _changing(planned: Iterable[Planned]) -> frozenset[ObjectRef]:
    return frozenset(p.change.ref for p in planned if p.change.action in {Action.CREATE, *_UPDATING})


def _moved(target: Target) -> Problem:
    return Problem(
        Code.CHANGED_DURING_DIFF,
        f"{target.ref}: the object changed during the diff, {READ_AGAIN + 1} times in a row",
        target.manifest.origin,
        target.ref,
        "something writes it all the time (kubectl get --watch shows what); run again",
    )
