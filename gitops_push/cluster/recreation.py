"""Plans to delete objects and create them again, where a field that cannot be changed in place is to change.

Two more requests for each such object, and for no other: its deletion and its creation, both as dry runs. It is created
under a temporary name, as the live one is still there: that proves the object valid, and not that this very object will
be accepted, so the change is of fidelity `schema`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from gitops_push.cluster.api import ApiFailure, ApiReader
from gitops_push.cluster.conflicts import yielded_fields
from gitops_push.cluster.crew import in_parallel
from gitops_push.cluster.planned import Planned, blocked_reason, field_changes, plan_unverified
from gitops_push.cluster.rejections import Refusal, kind_of_refusal, problems_of, server_field_path
from gitops_push.cluster.survey import PlanRequest, Survey, ignored_fields
from gitops_push.cluster.targets import Target
from gitops_push.core.added_fields import added_by_people
from gitops_push.core.autoscaling import REPLICAS
from gitops_push.core.codes import Code
from gitops_push.core.comparison import compare_leaves
from gitops_push.core.errors import Problem
from gitops_push.core.field_set import FieldSet
from gitops_push.core.fielddiff import ABSENT, Difference, FieldChange, same
from gitops_push.core.fieldpath import FieldPath, format_field_path, value_at
from gitops_push.core.impact import Transition
from gitops_push.core.live_state import live_state
from gitops_push.core.managed_fields import our_entry, our_paths
from gitops_push.core.normalization import body_to_send, origin_of
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.plan import Action, Fidelity, YieldedField
from gitops_push.core.recreation import ImmutableField, immutable_fields, trial_body, trial_name, why_not_recreated
from gitops_push.core.recreation_impact import impact_of_recreation
from gitops_push.core.yielding import body_with_yields

Rejected: TypeAlias = tuple[Target, ApiFailure]
ComesWithSet: TypeAlias = Callable[[Target], ObjectRef | None]
"""Tells which object that the same run changes a target depends on."""

_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Recreations:
    """What became of rejected objects; `rest` are those that were rejected for another reason."""

    planned: tuple[Planned, ...]
    problems: tuple[Problem, ...]
    rest: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An object with fields that cannot be changed in place.

    The target's body is whole: a new object has no other manager that a field could be left to, and begins with the
    value of the config. Only the replicas that an autoscaler chose are `kept`.
    """

    target: Target
    live: Body = field(repr=False)
    kept: tuple[YieldedField, ...]
    failure: ApiFailure
    immutable: tuple[ImmutableField, ...]
    needed: ObjectRef | None

    def names(self) -> tuple[str, ...]:
        """Return the fields as the server names them."""
        return tuple(found.field for found in self.immutable if found.field)

    def is_about(self, path: FieldPath) -> bool:
        """Return whether a difference is one that the server does not let happen."""
        return any(_overlap(server_field_path(found.field), path) for found in self.immutable)


@dataclass(frozen=True, slots=True)
class _Trial:
    """What the two dry runs say; `created` is the object as it would be created, None where that is not known."""

    created: Body | None = field(default=None, repr=False)
    fidelity: Fidelity = Fidelity.SCHEMA
    warnings: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def plan_recreations(
    request: PlanRequest, found: Survey, rejected: Iterable[Rejected], comes_with_set: ComesWithSet, reader: ApiReader
) -> Recreations:
    """Return the recreations among the rejected objects, tried where they are allowed, and a problem where not."""
    candidates: list[_Candidate] = []
    rest: list[Rejected] = []
    for target, failure in rejected:
        candidate = _candidate(request, found, (target, failure), comes_with_set(target))
        if candidate is None:
            rest.append((target, failure))
        else:
            candidates.append(candidate)
    refusals = {candidate.target.ref: _refusal(request, candidate) for candidate in candidates}
    allowed = [c for c in candidates if not refusals[c.target.ref] and not _settled(request, c)]
    trials = {c.target.ref: t for c, t in in_parallel(lambda c: _try(c, reader), allowed, request.concurrency)}
    planned: list[Planned] = []
    problems: list[Problem] = []
    for candidate in candidates:
        ref = candidate.target.ref
        trial = trials.get(ref)
        if refusals[ref]:
            problems += _not_allowed(candidate, refusals[ref])
        elif trial is None or not trial.problems:
            planned.append(_planned(request, found, candidate, trial))
        else:
            problems += trial.problems
    return Recreations(tuple(planned), tuple(map(found.redactor.mask_problem, problems)), tuple(rest))


def _candidate(request: PlanRequest, found: Survey, rejected: Rejected, needed: ObjectRef | None) -> _Candidate | None:
    target, failure = rejected
    live = found.live_of(target)
    immutable = immutable_fields(target.ref, failure.message, failure.causes)
    depends_on_definition = needed is not None and not _said_by_api(immutable)
    if live is None or not immutable or depends_on_definition:
        return None
    kept = tuple(_kept(request, found, target, live))
    body = body_with_yields(body_to_send(target.manifest, request.inventory.id), (left.field for left in kept))
    return _Candidate(replace(target, body=body), live, kept, failure, immutable, needed)


def _kept(request: PlanRequest, found: Survey, target: Target, live: Body) -> Iterator[YieldedField]:
    """Yield the replicas of an autoscaler, as a field whose live value is sent."""
    replicas = value_at(REPLICAS, live)
    for left in yielded_fields(request, found, target, live):
        if left.field.path == REPLICAS and isinstance(replicas, int):
            yield replace(left, field=replace(left.field, sent=replicas))


def _said_by_api(immutable: Iterable[ImmutableField]) -> bool:
    """Return whether Kubernetes' own validation speaks, and not a rule that the same run may change."""
    return all(found.by_api for found in immutable)


def _settled(request: PlanRequest, candidate: _Candidate) -> bool:
    """Return whether nothing is to be tried: the object may not be touched, or only ignored fields differ."""
    return bool(blocked_reason(candidate.live, request)) or _differs_in_ignored_only(request, candidate)


def _differs_in_ignored_only(request: PlanRequest, candidate: _Candidate) -> bool:
    target, live = candidate.target, candidate.live
    ignored = ignored_fields(request, target.ref, live)
    return bool(
        ignored
        and our_entry(live)
        and compare_leaves(live, target.body)
        and not compare_leaves(live, target.body, ignored)
    )


def _refusal(request: PlanRequest, candidate: _Candidate) -> str:
    """Return what to do instead where the object may not be recreated, "" where nothing speaks against it."""
    if _settled(request, candidate):
        return ""
    rules = request.environment.recreate
    return why_not_recreated(candidate.target.manifest, rules, by_api=_said_by_api(candidate.immutable))


def _not_allowed(candidate: _Candidate, remedy: str) -> Iterator[Problem]:
    """Yield a problem for each immutable field, at the line of the first of its differences, and all other causes."""
    target = candidate.target
    differences = compare_leaves(candidate.live, target.body)
    for immutable in candidate.immutable:
        server_path = server_field_path(immutable.field)
        paths = [d.path for d in differences if _overlap(server_path, d.path)] or [server_path]
        named = ", ".join(filter(None, map(format_field_path, paths[:_NAMED]))) or "it"
        more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
        yield Problem(
            Code.IMMUTABLE_FIELD,
            f"{target.ref}: {named}{more} cannot be changed in place: {immutable.words}",
            origin_of(target.manifest, paths[0]),
            target.ref,
            remedy,
        )
    yield from (p for p in problems_of(target, candidate.failure) if p.code is not Code.IMMUTABLE_FIELD)


def _planned(request: PlanRequest, found: Survey, candidate: _Candidate, trial: _Trial | None) -> Planned:
    """Return the recreation; without a trial the object stays as it is, or is blocked."""
    names = ", ".join(candidate.names()[:_NAMED]) or "what differs"
    reason = f"{names} cannot be changed in place"
    if trial is None:
        return plan_unverified(request, found, candidate.target, reason)
    base = plan_unverified(request, found, candidate.target, reason, trial.fidelity)
    fields = _shown(
        candidate, field_changes(request, found, candidate.target, _differences(candidate, trial), candidate.live)
    )
    change = replace(
        base.change,
        action=Action.RECREATE,
        fields=fields,
        immutable=candidate.names(),
        yielded=candidate.kept,
        live_state=live_state(candidate.live, found.redactor),
        warnings=tuple(map(found.redactor.mask_text, trial.warnings)),
        impact=tuple(map(found.redactor.mask_text, _impact(candidate, fields))),
    )
    return replace(base, change=change)


def _impact(candidate: _Candidate, fields: Iterable[FieldChange]) -> tuple[str, ...]:
    paths = tuple(change.path for change in fields)
    return impact_of_recreation(Transition(candidate.target.ref, candidate.live, candidate.target.body, paths))


def _shown(candidate: _Candidate, fields: Iterable[FieldChange]) -> tuple[FieldChange, ...]:
    """Return the differences, first those that make the recreation necessary."""
    return tuple(sorted(fields, key=lambda change: not candidate.is_about(change.path)))


def _differences(candidate: _Candidate, trial: _Trial) -> tuple[Difference, ...]:
    """Return how the new object differs in what the config sets, and in what others set and nobody sets again."""
    live, created = candidate.live, trial.created
    ours = compare_leaves(live, candidate.target.body)
    if created is None:
        return ours
    told = tuple(d for d in ours if not same(value_at(d.path, created, ABSENT), d.before))
    return (*told, *_lost(live, created, ours))


def _lost(live: Body, created: Body, ours: Iterable[Difference]) -> Iterator[Difference]:
    """Yield what people added, and the number of replicas that something else chose."""
    paths = FieldSet((*our_paths(created), *(difference.path for difference in ours)))
    for added in added_by_people(live, paths):
        yield Difference(added.path, added.value, ABSENT)
    replicas = value_at(REPLICAS, live, ABSENT), value_at(REPLICAS, created, ABSENT)
    if REPLICAS not in paths and not same(*replicas):
        yield Difference(REPLICAS, *replicas)


def _try(candidate: _Candidate, reader: ApiReader) -> _Trial:
    """Return what the server says of the deletion and of the creation. Dry runs only."""
    target = candidate.target
    if target.kind is None:
        raise ValueError(f"{target.ref} has no kind to ask about")
    uid = str(candidate.live["metadata"].get("uid", ""))
    fidelity = Fidelity.SCHEMA
    try:
        reader.dry_run_delete(target.kind, *target.place, uid)
    except ApiFailure as failure:
        if kind_of_refusal(failure) is not Refusal.NO_DRY_RUN:
            return _Trial(problems=(_not_deletable(target, failure),))
        fidelity = Fidelity.REFUSED
    name = trial_name(uid)
    try:
        body = trial_body(target.ref, target.body, name, candidate.live)
        answer = reader.dry_run_apply(target.kind, target.ref.namespace, name, body)
        return _Trial(answer.body, fidelity, answer.warnings)
    except ApiFailure as failure:
        return _not_created(candidate, failure, fidelity, failure.message.replace(name, target.ref.name))


def _not_created(candidate: _Candidate, failure: ApiFailure, fidelity: Fidelity, said: str) -> _Trial:
    """Return what a refused creation means: it is final, unless it is the old object that stands in the way."""
    target = candidate.target
    if kind_of_refusal(failure) is Refusal.NO_DRY_RUN:
        return _Trial(fidelity=Fidelity.REFUSED, warnings=(said,))
    if failure.status == 403 and "exceeded quota" in failure.message:
        return _Trial(
            fidelity=fidelity, warnings=(f"as long as the old object is there, a quota forbids a new one: {said}",)
        )
    if candidate.needed is not None:
        warning = f"it depends on {candidate.needed}, which the same run changes; as of now the server says: {said}"
        return _Trial(fidelity=Fidelity.CLIENT, warnings=(warning,))
    names = ", ".join(candidate.names()) or "a field"
    where = problems_of(target, failure)[0].origin
    message = f"{target.ref}: {names} cannot be changed in place, and the new object would not be accepted: {said}"
    return _Trial(problems=(Problem(Code.DRY_RUN_REJECTED, message, where, target.ref),))


def _not_deletable(target: Target, failure: ApiFailure) -> Problem:
    origin = target.manifest.origin
    if failure.status in {404, 409}:
        message = f"{target.ref}: the object changed during the diff"
        return Problem(Code.CHANGED_DURING_DIFF, message, origin, target.ref, "run again")
    code = Code.SERVER_FORBIDS if kind_of_refusal(failure) is Refusal.FORBIDDEN else Code.DRY_RUN_REJECTED
    message = f"{target.ref}: it has to be deleted and created again, and may not be deleted: {failure.message}"
    hint = "grant the credential the verb delete" if code is Code.SERVER_FORBIDS else None
    return Problem(code, message, origin, target.ref, hint)


def _overlap(a: FieldPath, b: FieldPath) -> bool:
    return all(x == y for x, y in zip(a, b, strict=False))
