"""Plans the hooks of a deployment: which run, what is left of them after an interrupted run, and what the server says.

Requests: one dry run for each hook that runs, two for one whose object is there already: its deletion, and its creation
under a temporary name. Their objects are listed with those of the set.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from gitops_push.cluster.api import ApiFailure, ApiReader
from gitops_push.cluster.crew import in_parallel
from gitops_push.cluster.foundations import LOOK_AROUND
from gitops_push.cluster.planned import foreign_reason
from gitops_push.cluster.rejections import Refusal, kind_of_refusal, problems_of
from gitops_push.cluster.survey import PlanRequest, Survey
from gitops_push.cluster.targets import Target
from gitops_push.core.errors import Problem
from gitops_push.core.hook_readiness import hook_readiness
from gitops_push.core.hooks import AT_DEPLOYMENT, ATTEMPT, HookRuns, Phase, annotations_of, hook_body, role_of
from gitops_push.core.inventory import PART_OF_LABEL, InventoryEntry, InventoryState
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.plan import WRITING, Action, Change, Fidelity, HookRun, HookState
from gitops_push.core.readiness import Failed, Ready
from gitops_push.core.recreation import trial_body, trial_name
from gitops_push.core.waves import Step, order_key

ComesWithSet: TypeAlias = Callable[[Target], ObjectRef | None]

_ATTEMPT_LENGTH: Final = 10
_NAME_LIMIT: Final = 63


@dataclass(frozen=True, slots=True)
class PlannedHooks:
    """The runs of hooks, in order; `entries` are the objects of hooks that the inventory has and that stay.

    `blocked` are hooks whose object belongs to somebody else.
    """

    runs: tuple[HookRun, ...] = ()
    attempt: str = ""
    entries: tuple[InventoryEntry, ...] = ()
    blocked: tuple[Change, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Probe:
    """What the server says of the creation of a hook."""

    fidelity: Fidelity = Fidelity.CLIENT
    warnings: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Hook:
    """One hook of the set. `earlier` are the live objects of its earlier runs that are ours, by ref."""

    target: Target
    earlier: Mapping[ObjectRef, Body] = field(repr=False)
    attempt: str
    resumed: bool

    @property
    def is_generated(self) -> bool:
        """Return whether each run of it has a name of its own."""
        return "name" not in self.target.body["metadata"]

    def phases(self) -> tuple[Phase, ...]:
        """Return the phases of a deployment in which it runs."""
        return tuple(phase for phase in role_of(self.target.manifest).hooked if phase in AT_DEPLOYMENT)

    def ref_in(self, phase: Phase) -> ObjectRef:
        """Return the object of its run in a phase."""
        ref = self.target.ref
        return replace(ref, name=generated_name(ref.name, phase, self.attempt)) if self.is_generated else ref

    def state_in(self, phase: Phase) -> HookState:
        """Return what is left to do in a phase: a hook that has failed, or is not there, runs again."""
        live = self.earlier.get(self.ref_in(phase))
        made_in = _phase_of(live, self.attempt) if live is not None and self.resumed else None
        if live is None or made_in is None or made_in < phase:
            return HookState.RUNS
        found = hook_readiness(self.ref_in(phase), live)
        if made_in > phase or isinstance(found, Ready):
            return HookState.DONE
        return HookState.RUNS if isinstance(found, Failed) else HookState.AWAITED

    def clears(self, phase: Phase) -> Iterator[Change]:
        """Yield the deletions before its run in a phase: of its object, or of those with generated names."""
        others = {self.ref_in(other) for other in self.phases() if other is not phase} if self.is_generated else set()
        for ref, live in self.earlier.items():
            if ref not in others:
                metadata = live["metadata"]
                yield Change(
                    ref,
                    self.target.manifest.api_version,
                    Action.PRUNE,
                    live_uid=str(metadata.get("uid", "")),
                    live_resource_version=str(metadata.get("resourceVersion", "")),
                )


def plan_hooks(
    request: PlanRequest, found: Survey, changes: Iterable[Change], comes_with_set: ComesWithSet, reader: ApiReader
) -> PlannedHooks:
    """Return the hooks that a deployment of these changes runs. Reads and dry-runs only."""
    if not found.hooks:
        return PlannedHooks()
    entries = hook_entries(request, found)
    if not _run_now(request, changes):
        return PlannedHooks(entries=entries)
    hooks = [hook for hook in _hooks(request, found, entries) if hook.phases()]
    blocked = [change for hook in hooks if (change := _blocked(request, found, hook)) is not None]
    tried = [hook for hook in hooks if _is_askable(request, hook)] if not blocked else []
    probes = {h.target.ref: p for h, p in in_parallel(lambda hook: _probe(hook, reader), tried, request.concurrency)}
    said = {h.target.ref: _judged(found, h, probes.get(h.target.ref), comes_with_set) for h in hooks}
    runs = [run for hook in hooks for run in _runs(request, found, hook, said[hook.target.ref])]
    return PlannedHooks(
        runs=tuple(sorted(runs, key=lambda run: order_key(run.step, run.ref))),
        attempt=_attempt(request)[0],
        entries=entries,
        blocked=tuple(blocked),
        problems=tuple(found.redactor.mask_problem(problem) for probe in said.values() for problem in probe.problems),
    )


def hook_entries(request: PlanRequest, found: Survey) -> tuple[InventoryEntry, ...]:
    """Return the entries of the inventory that are objects of hooks of the set: they are no leftovers."""
    refs = {target.ref for target in found.hooks}
    return tuple(entry for entry in request.inventory.entries if _hook_of(entry) in refs)


def generated_name(prefix: str, phase: Phase, attempt: str) -> str:
    """Return the name of a hook's object in one phase of one deployment: the same whenever that is repeated."""
    suffix = f"{phase.title.lower()}-{attempt}"
    return f"{prefix[: _NAME_LIMIT - len(suffix)]}{suffix}"


def _hook_of(entry: InventoryEntry) -> ObjectRef:
    return replace(entry.ref, name=entry.hook) if entry.hook else entry.ref


def _run_now(request: PlanRequest, changes: Iterable[Change]) -> bool:
    """Hooks run when something is written, or when the set is not the one that the last run has finished with."""
    inventory = request.inventory
    finished = inventory.state is InventoryState.DONE and inventory.records(request.manifests.digest)
    match request.hook_runs:
        case HookRuns.NEVER:
            return False
        case HookRuns.ALWAYS:
            return True
        case HookRuns.CHANGED:
            return not finished or any(change.action in WRITING for change in changes)


def _attempt(request: PlanRequest) -> tuple[str, bool]:
    """Return the name of this deployment, and whether it is that of an earlier run of the same set, not finished."""
    inventory = request.inventory
    unfinished = inventory.state is not InventoryState.DONE and inventory.records(request.manifests.digest)
    if unfinished and inventory.attempt:
        return inventory.attempt, True
    seed = f"{inventory.id}/{inventory.resource_version}/{request.now.isoformat()}"
    return hashlib.sha256(seed.encode()).hexdigest()[:_ATTEMPT_LENGTH], False


def _hooks(request: PlanRequest, found: Survey, entries: Iterable[InventoryEntry]) -> Iterator[_Hook]:
    attempt, resumed = _attempt(request)
    owned: dict[ObjectRef, list[InventoryEntry]] = {}
    for entry in entries:
        owned.setdefault(_hook_of(entry), []).append(entry)
    for target in found.hooks:
        live = found.live.objects
        if "name" in target.body["metadata"]:
            earlier = {target.ref: live[target.ref]} if target.ref in live else {}
        else:
            mine = (entry for entry in owned.get(target.ref, ()) if entry.ref in live)
            earlier = {entry.ref: live[entry.ref] for entry in mine if _is_ours(request, live[entry.ref])}
        yield _Hook(target, earlier, attempt, resumed)


def _is_ours(request: PlanRequest, live: Body) -> bool:
    return (live["metadata"].get("labels") or {}).get(PART_OF_LABEL) in request.inventory.ids


def _phase_of(live: Body, attempt: str) -> Phase | None:
    """Return in which phase of this very deployment an object was made, None for another."""
    made_for, _, title = str(annotations_of(live).get(ATTEMPT, "")).partition("/")
    return next((phase for phase in Phase if made_for == attempt and phase.title == title), None)


def _blocked(request: PlanRequest, found: Survey, hook: _Hook) -> Change | None:
    """Return the row that stops the run where the object of a hook belongs to somebody else."""
    for ref, live in hook.earlier.items():
        reason = foreign_reason(live, request, found.operators)
        if reason:
            manifest = hook.target.manifest
            said = found.redactor.mask_text(reason)
            return Change(ref, manifest.api_version, Action.BLOCKED, reason=said, origin=manifest.origin)
    return None


def _is_askable(request: PlanRequest, hook: _Hook) -> bool:
    states = {hook.state_in(phase) for phase in hook.phases()}
    return request.dry_run and not hook.target.deferred and HookState.RUNS in states


def _probe(hook: _Hook, reader: ApiReader) -> _Probe | ApiFailure:
    """Dry-run the creation; where the object is there, its deletion, and the creation under a temporary name."""
    target, phase = hook.target, hook.phases()[0]
    if target.kind is None:
        raise ValueError(f"{target.ref} has no kind to ask about")
    ref = hook.ref_in(phase)
    live = hook.earlier.get(ref)
    name = ref.name
    body = hook_body(target.body, name, hook.attempt, phase)
    try:
        if live is not None:
            uid = str(live["metadata"].get("uid", ""))
            reader.dry_run_delete(target.kind, ref.namespace, ref.name, uid)
            name = trial_name(uid)
            body = trial_body(ref, body, name, live)
        answer = reader.dry_run_apply(target.kind, ref.namespace, name, body)
    except ApiFailure as failure:
        return failure
    return _Probe(Fidelity.SERVER if live is None else Fidelity.SCHEMA, answer.warnings)


def _judged(found: Survey, hook: _Hook, answer: _Probe | ApiFailure | None, comes_with_set: ComesWithSet) -> _Probe:
    """Return what the answer means; a refusal is final, unless what is missing may come with the same run."""
    if answer is None:
        return _Probe()
    if isinstance(answer, _Probe):
        return replace(answer, warnings=tuple(map(found.redactor.mask_text, answer.warnings)))
    target = hook.target
    said = found.redactor.mask_text(answer.message)
    if kind_of_refusal(answer) is Refusal.NO_DRY_RUN:
        return _Probe(Fidelity.REFUSED, (said,))
    not_final = target.ref.kind in LOOK_AROUND and answer.status in {403, 404}
    in_the_way = bool(hook.earlier) and answer.status == 403 and "exceeded quota" in answer.message
    if not_final or in_the_way or comes_with_set(target):
        return _Probe(warnings=(f"as of now the server says: {said}",))
    return _Probe(problems=problems_of(target, answer, {other.ref for other in found.targets}))


def _runs(request: PlanRequest, found: Survey, hook: _Hook, probe: _Probe) -> Iterator[HookRun]:
    target = hook.target
    role = role_of(target.manifest)
    content = found.disclosure(request, target.ref).tag((), target.body)
    for phase in hook.phases():
        ref, state = hook.ref_in(phase), hook.state_in(phase)
        live = hook.earlier.get(ref)
        yield HookRun(
            ref=ref,
            config_name=target.ref.name,
            api_version=target.manifest.api_version,
            step=Step(phase, role.wave),
            state=state,
            policies=role.policies,
            fidelity=probe.fidelity,
            reason=target.deferred,
            warnings=probe.warnings,
            clears=tuple(hook.clears(phase)) if state is HookState.RUNS else (),
            live_uid=str(live["metadata"].get("uid", "")) if live is not None else "",
            origin=target.manifest.origin,
            content=content,
        )
