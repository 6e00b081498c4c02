"""The record of a running deployment: what became of each object, told once for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from gitops_push.core.deployment import WELL, Deployment, Outcome, Result
from gitops_push.core.diagnosis import Cause, masked
from gitops_push.core.inventory import InventoryEntry
from gitops_push.core.objects import ObjectRef
from gitops_push.core.plan import IN_SET, WRITING, Action, Change, HookRun, HookState, Plan
from gitops_push.core.redaction import Redactor

CREATING = frozenset({Action.CREATE, Action.RECREATE})
"""The actions after which an object has another uid than before."""


@dataclass(slots=True)
class Ledger:
    """Changes as the deployment goes on; used from one thread.

    An object first is *applied*, and later gets its one outcome; what has none at the end was not reached. `wrote` says
    whether any write was sent; `on_writing` is called before one of those that are sent alone. `hook_objects` are those
    that hooks have made in this run.
    """

    plan: Plan
    redactor: Redactor
    on_outcome: Callable[[Outcome], None]
    started_at: datetime
    wrote: bool = False
    interrupted: bool = False
    notes: list[str] = field(default_factory=list)
    uids: dict[ObjectRef, str] = field(default_factory=dict)
    seconds: dict[ObjectRef, float] = field(default_factory=dict)
    outcomes: dict[ObjectRef, Outcome] = field(default_factory=dict)
    gone: set[ObjectRef] = field(default_factory=set)
    on_writing: Callable[[], None] = lambda: None
    hooks: dict[HookRun, Outcome] = field(default_factory=dict)
    hook_objects: dict[ObjectRef, InventoryEntry] = field(default_factory=dict)
    _failures: int = 0
    _in_flight: ObjectRef | None = None

    def has_failed(self) -> bool:
        """Return whether an object failed, or its fate is not known. Asked after every object."""
        return self._failures > 0

    @property
    def all_healthy(self) -> bool:
        """Return whether no outcome so far is a bad one; of what is not verified no more can be known."""
        found = (*self.outcomes.values(), *self.hooks.values())
        return all(outcome.result in WELL for outcome in found)

    @property
    def is_complete(self) -> bool:
        """Return whether every object of the set is as the plan says, ready or not."""
        there = (c.ref in self.uids for c in self.plan.changes if c.action in WRITING and c.action is not Action.PRUNE)
        hooks = (hook in self.hooks for hook in self.plan.due_hooks())
        return not self.interrupted and not self.has_failed() and all(there) and all(hooks)

    @contextmanager
    def writing(self, ref: ObjectRef) -> Iterator[None]:
        """Note that a write of one object is in flight, should the run be given up meanwhile."""
        self.on_writing()
        self._in_flight = ref
        try:
            yield
        finally:
            self._in_flight = None

    def given_up(self, why: str) -> Ledger:
        """Return the record of a run that is left to itself: a copy, as its thread may still go on with this one."""
        left = replace(
            self,
            uids=dict(self.uids),
            outcomes=dict(self.outcomes),
            gone=set(self.gone),
            notes=list(self.notes),
            hooks=dict(self.hooks),
            hook_objects=dict(self.hook_objects),
        )
        left.give_up(why)
        return left

    def give_up(self, why: str) -> None:
        """Note that the run ends before it is done, whatever is in flight."""
        self.stop(why)
        if (ref := self._in_flight) is not None:
            self.wrote = True
            change = next((change for change in self.plan.changes if change.ref == ref), None)
            self._tell(Outcome(ref, change.action if change else Action.UPDATE, Result.UNKNOWN, why))

    def stop(self, why: str) -> None:
        """Note that the run ends before it is done."""
        self.interrupted = True
        self.notes.append(self.redactor.mask_text(why))

    def fail(self, ref: ObjectRef, result: Result, message: str) -> None:
        """Give the inventory its outcome: it is no object of the plan, and only told when it went wrong."""
        self._tell(Outcome(ref, Action.UPDATE, result, self.redactor.mask_text(message)))

    def applied(self, ref: ObjectRef, uid: str, seconds: float) -> None:
        """Note that an object is as it was sent."""
        self.uids[ref] = uid
        self.seconds[ref] = seconds

    def close(
        self,
        change: Change,
        result: Result,
        message: str = "",
        waited_seconds: float = 0.0,
        cause: Cause | None = None,
    ) -> None:
        """Give an object its outcome and tell it; the first one counts."""
        if change.ref in self.outcomes:
            return
        seconds = self.seconds.get(change.ref, 0.0) + waited_seconds
        told = cause and masked(cause, self.redactor.mask_text)
        self._tell(Outcome(change.ref, change.action, result, self.redactor.mask_text(message), seconds, told))

    def relapse(self, change: Change, message: str, cause: Cause | None) -> None:
        """Take back that an object is healthy: it was, and is not any more."""
        self.outcomes.pop(change.ref, None)
        self.close(change, Result.NOT_READY, message, cause=cause)

    def hook_made(self, hook: HookRun, uid: str) -> None:
        """Note that the object of a hook is there, before the hook is done."""
        self.gone.discard(hook.ref)
        self.hook_objects[hook.ref] = replace(hook.entry, uid=uid)

    def hook_gone(self, ref: ObjectRef) -> None:
        """Note that an object of a hook is deleted."""
        self.gone.add(ref)
        self.hook_objects.pop(ref, None)

    def close_hook(
        self, hook: HookRun, result: Result, message: str = "", seconds: float = 0.0, cause: Cause | None = None
    ) -> None:
        """Give the run of a hook its outcome and tell it; the first one counts."""
        if hook in self.hooks:
            return
        text, told = self.redactor.mask_text(message), cause and masked(cause, self.redactor.mask_text)
        outcome = Outcome(hook.ref, Action.HOOK, result, text, seconds, told, hook.step.phase.title)
        self.hooks[hook] = outcome
        self._count(outcome)

    def _tell(self, outcome: Outcome) -> None:
        self.outcomes[outcome.ref] = outcome
        self._count(outcome)

    def _count(self, outcome: Outcome) -> None:
        self._failures += outcome.result in {Result.FAILED, Result.UNKNOWN}
        self.on_outcome(outcome)

    def close_rest(self, why: str) -> None:
        """Give every object that has none its outcome: applied, unchanged, or not reached because of `why`."""
        for change in self.plan.changes:
            if change.action not in WRITING:
                self.close(change, Result.DONE)
            elif change.ref in self.uids:
                self.close(change, Result.DONE, "applied; its health was not checked")
            else:
                self.close(change, Result.NOT_REACHED, why)
        for hook in self.plan.due_hooks():
            self.close_hook(hook, Result.NOT_REACHED, why)

    def postpone_prune(self, why: str) -> None:
        """Give every object that was to be deleted the outcome that it is kept for now."""
        for change in self.plan.changes:
            if change.action is Action.PRUNE:
                self.close(replace(change, action=Action.KEPT), Result.DONE, why)

    def entries(self, old: Iterable[InventoryEntry]) -> tuple[InventoryEntry, ...]:
        """Return what is owned now: the set, and what was to be pruned and is not gone."""
        known = {entry.ref: entry for entry in old}
        kept = (known[c.ref] for c in self.plan.changes if c.action not in IN_SET and c.ref in known)
        hooks = self._hook_entries().values()
        return (*self._set_entries(), *(entry for entry in (*kept, *hooks) if entry.ref not in self.gone))

    def _hook_entries(self) -> dict[ObjectRef, InventoryEntry]:
        """Return the objects of hooks: those of earlier runs that stay, and those of this one."""
        known = {entry.ref: entry for entry in self.plan.hook_entries}
        found = {hook.ref: hook.entry for hook in self.plan.hooks if hook.state is not HookState.RUNS}
        return known | found | self.hook_objects

    def _set_entries(self) -> Iterator[InventoryEntry]:
        for change in self.plan.changes:
            if change.action in IN_SET:
                before = "" if change.action in CREATING else change.live_uid
                yield InventoryEntry(change.ref, change.api_version, self.uids.get(change.ref) or before)

    def deployment(self, finished_at: datetime) -> Deployment:
        """Return the finished deployment, outcomes in the order of the plan, those of other objects last."""
        in_order = {
            change.ref: self.outcomes[change.ref] for change in self.plan.changes if change.ref in self.outcomes
        }
        return Deployment(
            plan=self.plan,
            outcomes=(*(in_order | self.outcomes).values(), *self.hooks.values()),
            started_at=self.started_at,
            finished_at=finished_at,
            wrote=self.wrote,
            interrupted=self.interrupted,
            note="; ".join(self.notes),
        )
