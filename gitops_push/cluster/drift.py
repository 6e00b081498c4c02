"""The one-shot drift report: where the cluster is not as the config repo says, and who made it so. Never writes.

It asks by dry run what apply would change, as the plan does. Where the credential may not dry-run (it needs the verb
`patch`), the manifest's own fields are compared with the live ones instead, and the report says so. Requests: those of
a plan, with dry runs for existing objects only, and one access review for each kind and namespace of these; none of
them for objects that are proven unchanged (`cluster.proving`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from gitops_push.cluster.api import AccessQuestion, ApiFailure, ApiReader, ServedKind
from gitops_push.cluster.as_deployed import AsDeployed, what_was_deployed
from gitops_push.cluster.crew import in_parallel
from gitops_push.cluster.deletions import prune_verdicts
from gitops_push.cluster.dry_run import Asked
from gitops_push.cluster.live import LISTS_AT_ONCE
from gitops_push.cluster.planned import blocked_reason, field_changes
from gitops_push.cluster.rejections import Refusal, kind_of_refusal
from gitops_push.cluster.survey import PlanRequest, Survey, ignored_fields, survey
from gitops_push.cluster.targets import Target
from gitops_push.cluster.unmanaged import Unmanaged, find_unmanaged
from gitops_push.core.added_fields import added_by_people
from gitops_push.core.adoption import Terms, adoption_of
from gitops_push.core.codes import Code
from gitops_push.core.comparison import compare, compare_leaves
from gitops_push.core.drift import Cause, Deployed, DriftReport, FieldDrift, ObjectDrift
from gitops_push.core.drift_cause import Versions, cause_of_object, causes_of
from gitops_push.core.errors import PlanError, Problem
from gitops_push.core.field_set import FieldSet
from gitops_push.core.fielddiff import ABSENT, Difference
from gitops_push.core.fieldpath import FieldPath, value_at
from gitops_push.core.managed_fields import our_entry, our_paths
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.owners import deletion_reason
from gitops_push.core.recreation import immutable_fields
from gitops_push.core.rules import without_fields

__all__ = ["PlanRequest", "report_drift"]

NOT_KNOWN: Final = Deployed()
_EXTERNAL_MISSING: Final = frozenset({Code.NAMESPACE_MISSING, Code.MANIFEST_INVALID})


def report_drift(
    request: PlanRequest, reader: ApiReader, deployed: Deployed = NOT_KNOWN, *, unmanaged: bool = False
) -> DriftReport:
    """Return the drift of an environment, by cause. What cannot be judged is reported as unverifiable, with the reason.

    With `unmanaged` also the labelled objects that nothing names, for one LIST more in each kind and namespace in use.
    Raises `ClusterError` when the live objects cannot be read, and `PlanError` when the set itself is wrong.
    """
    access = _Access(reader)
    found = survey(request, reader, access.pick)
    before = what_was_deployed(request, found, deployed, reader)
    judged = (_object_drift(request, found, target, before) for target in found.targets)
    drifted = [drift for drift in judged if drift is not None]
    in_sync = len(found.targets) - len(drifted)
    others = (*_unserved(found), *_extra(request, found, before), *_unseen(found))
    labelled = find_unmanaged(request, found, reader) if unmanaged else Unmanaged()
    return DriftReport(
        environment=request.environment.name,
        project=request.inventory.project,
        commit=request.manifests.commit,
        deployed_commit=request.inventory.commit,
        cluster_id=request.cluster_id,
        checked_at=request.now,
        drifted=tuple(sorted((*drifted, *others), key=lambda drift: drift.ref)),
        in_sync=in_sync,
        proven=found.proven,
        notes=(*access.notes(request, found), *labelled.notes, *_doubts(deployed, drifted)),
        unmanaged=labelled.refs,
    )


def _doubts(deployed: Deployed, drifted: Iterable[ObjectDrift]) -> tuple[str, ...]:
    """Return the line that says why causes are less sure, where there is one to tell."""
    if not deployed.unknown or not any(drift.fields for drift in drifted):
        return ()
    return (f"causes are told by managedFields alone: {deployed.unknown}",)


class _Access:
    """Finds out what may be dry-run, and remembers what may not."""

    def __init__(self, reader: ApiReader) -> None:
        self._reader = reader
        self._denied: frozenset[tuple[ServedKind, str]] = frozenset()

    def pick(self, targets: Iterable[Target], live: Mapping[ObjectRef, Body]) -> Iterable[Target]:
        """Return the targets that exist and may be dry-run."""
        existing = [(target, target.kind) for target in targets if target.ref in live and target.kind is not None]
        places = sorted({(kind, target.ref.namespace) for target, kind in existing})
        answers = in_parallel(self._may_patch, places, LISTS_AT_ONCE)
        self._denied = frozenset(place for place, may in answers if not may)
        return [target for target, kind in existing if (kind, target.ref.namespace) not in self._denied]

    def notes(self, request: PlanRequest, found: Survey) -> tuple[str, ...]:
        """Return the line that says what was compared without the server's help."""
        how = "compared field by field, without the server's dry run"
        if not request.dry_run:
            return (f"{how}, as --no-dry-run asks",)
        if not self._denied:
            return ()
        asked = found.asked
        weaker = sum((t.kind, t.ref.namespace) in self._denied and t.ref not in asked for t in found.targets)
        resources = ", ".join(sorted({f"{kind.resource}.{kind.group}".rstrip(".") for kind, _ in self._denied}))
        return (f"{how}: {weaker} of {len(found.targets)} objects, as the credential may not patch {resources}",)

    def _may_patch(self, place: tuple[ServedKind, str]) -> bool:
        kind, namespace = place
        try:
            return self._reader.may_i(AccessQuestion("patch", kind.group, kind.resource, namespace))
        except ApiFailure:
            return True  # not even this may be asked: then the dry run itself tells


def _object_drift(request: PlanRequest, found: Survey, target: Target, before: AsDeployed) -> ObjectDrift | None:
    """Return how one object of the set drifted, or None if it is as it should be."""
    live = found.live_of(target)
    origin = target.manifest.origin
    if live is None:
        return _absent(target, created=target.ref in before.created)
    deletion = deletion_reason(live)
    if deletion:
        return ObjectDrift(target.ref, Cause.UNVERIFIABLE, reason=deletion, origin=origin)
    asked = found.asked.get(target.ref)
    if asked is not None and asked.moved:
        reason = "it changed all the time while it was looked at"
        return ObjectDrift(target.ref, Cause.UNVERIFIABLE, reason=reason, origin=origin)
    return _changed(request, found, target, Versions(live, before.of(target.ref), target.body))


def _absent(target: Target, *, created: bool) -> ObjectDrift:
    """Return what the absence of an object means: the inventory says whether a deploy ever created it."""
    cause = Cause.MISSING if created else Cause.GIT_AHEAD
    parts = ("" if created else "not created yet", target.deferred)
    return ObjectDrift(target.ref, cause, reason="; ".join(filter(None, parts)), origin=target.manifest.origin)


def _changed(request: PlanRequest, found: Survey, target: Target, versions: Versions) -> ObjectDrift | None:
    asked = found.asked.get(target.ref)
    merged = asked.merged if asked is not None else None
    fields = _fields(request, found, target, versions, merged)
    rejected = _rejected(found, target, asked)
    if fields:
        blocked = found.redactor.mask_text(blocked_reason(versions.live, request))
        whose = blocked or _not_ours_yet(request, target, versions.live)
        reason = "; ".join(part for part in (rejected, whose) if part)
        cause = cause_of_object(field.cause for field in fields)
        return ObjectDrift(target.ref, cause, fields, reason, target.manifest.origin)
    if rejected:
        return ObjectDrift(target.ref, Cause.UNVERIFIABLE, reason=rejected, origin=target.manifest.origin)
    return None


def _not_ours_yet(request: PlanRequest, target: Target, live: Body) -> str:
    """Return from whom the first apply will take the object over, or "": then it is ours, or nobody's."""
    terms = Terms(request.inventory.ids, request.takeovers)
    adoption = adoption_of(live, target.body, terms) if our_entry(live) is None else None
    managers = dict.fromkeys(entry.owner.manager for entry in adoption.entries) if adoption else {}
    return f"not ours yet: apply takes it over from {', '.join(managers)}" if managers else ""


def _fields(
    request: PlanRequest, found: Survey, target: Target, versions: Versions, merged: Body | None
) -> tuple[FieldDrift, ...]:
    """Return the fields that drifted.

    Where only this client compared, what is neither git's doing nor an edit is another spelling of the same value.
    """
    live = versions.live
    ignored = (*ignored_fields(request, target.ref, live), *found.yields.paths(target.ref))
    differences = _differences(target, live, merged, ignored)
    every = (*differences, *_added(target, live, merged, differences, ignored))
    told = zip(every, causes_of(versions, every), strict=True)
    causes = {d.path: cause or Cause.UNKNOWN for d, cause in told if cause is not None or merged is not None}
    changes = field_changes(request, found, target, (d for d in every if d.path in causes), live)
    return tuple(FieldDrift(change, causes[change.path]) for change in changes)


def _differences(
    target: Target, live: Body, merged: Body | None, ignored: tuple[FieldPath, ...]
) -> tuple[Difference, ...]:
    """Return what apply would change of our fields; what the server changes or others may keep is no drift."""
    if merged is None:
        return compare_leaves(live, target.body, ignored)
    return compare(without_fields(live, ignored), without_fields(merged, ignored), target.body).ours


def _added(
    target: Target, live: Body, merged: Body | None, differences: Iterable[Difference], ignored: tuple[FieldPath, ...]
) -> tuple[Difference, ...]:
    """Return what people added beside the config, as differences to its absence there."""
    held = our_paths(merged if merged is not None else live)
    ours = FieldSet((*held, *(difference.path for difference in differences)))
    added = added_by_people(without_fields(live, ignored), ours)
    return tuple(
        Difference(field.path, field.value, ABSENT)
        for field in added
        if value_at(field.path, target.body, ABSENT) is ABSENT
    )


def _rejected(found: Survey, target: Target, asked: Asked | None) -> str:
    """Return why the server did not answer, where that leaves a doubt."""
    if asked is None or asked.failure is None or kind_of_refusal(asked.failure) is Refusal.FORBIDDEN:
        return ""
    if immutable := immutable_fields(target.ref, asked.failure.message, asked.failure.causes):
        names = ", ".join(one.field or "a field" for one in immutable)
        return f"{names} cannot be changed in place; compared without the server's dry run"
    return found.redactor.mask_text(f"compared without the server's dry run, which failed: {asked.failure.message}")


def _unserved(found: Survey) -> tuple[ObjectDrift, ...]:
    """Return what the set's problems say of the cluster. Raises `PlanError` for those of the set itself."""
    own = [problem for problem in found.problems if problem.ref is None or problem.code is Code.DUPLICATE_OBJECT]
    if own:
        raise PlanError(own)
    return tuple(drift for problem in found.problems if (drift := _problem_drift(problem)) is not None)


def _problem_drift(problem: Problem) -> ObjectDrift | None:
    if problem.ref is None:
        return None
    cause = Cause.MISSING if problem.code in _EXTERNAL_MISSING else Cause.UNVERIFIABLE
    return ObjectDrift(problem.ref, cause, reason=problem.message, origin=problem.origin)


def _extra(request: PlanRequest, found: Survey, before: AsDeployed) -> Iterator[ObjectDrift]:
    """Yield what the inventory has and the set has not, as far as it is still ours and does not ask to stay."""
    for verdict in prune_verdicts(request, found):
        if not verdict.ours or verdict.opted_out:
            continue
        ref = verdict.entry.ref
        removed = bool(before.of(ref))
        why = "git ahead: removed from git, still in the cluster" if removed else "no longer in the config"
        kept = found.redactor.mask_text(f"; kept: {verdict.kept}") if verdict.kept else ""
        yield ObjectDrift(ref, Cause.EXTRA, reason=f"{why}{kept}", removed_from_git=removed)


def _unseen(found: Survey) -> Iterator[ObjectDrift]:
    """Yield what the inventory has and what could not be looked for."""
    for ref, why in found.live.unreadable.items():
        reason = found.redactor.mask_text(f"it cannot be looked for: {why}")
        yield ObjectDrift(ref, Cause.UNVERIFIABLE, reason=reason)
