"""The plan: what apply would do to each object, and how sure that is. Holds no secret value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from gitops_push.core.fielddiff import ABSENT, FieldChange, Shown
from gitops_push.core.hooks import IN_ORDER, DeletePolicy, Phase
from gitops_push.core.inventory import InventoryEntry
from gitops_push.core.objects import ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.waves import MAIN, Step, order_key
from gitops_push.core.yielding import Yield


class Action(StrEnum):
    """What apply does to an object. `BLOCKED` ones stop the run.

    `OWNERSHIP` changes managedFields only; `TAKE_OVER` makes the fields of an earlier tool ours before it updates;
    `RECREATE` deletes the object and creates it again. `HOOK` is that of a `HookRun`, and never of a `Change`.
    """

    CREATE = "create"
    UPDATE = "update"
    RECREATE = "recreate"
    OWNERSHIP = "update (ownership)"
    TAKE_OVER = "take over"
    UNCHANGED = "unchanged"
    HOOK = "run hook"
    PRUNE = "delete"
    KEPT = "kept"
    BLOCKED = "blocked"


class Fidelity(StrEnum):
    """How a planned change was proven, the surest first.

    By the server's dry run; by a definition of the set; by this client's own comparison; `REFUSED` is that, too, and
    an admission webhook that knows no dry run may still refuse or change it.
    """

    SERVER = "server"
    SCHEMA = "schema"
    CLIENT = "client"
    REFUSED = "refused"

    def is_less_sure_than(self, other: Fidelity) -> bool:
        """Return whether this one proves less."""
        return _BY_CERTAINTY.index(self) > _BY_CERTAINTY.index(other)


_BY_CERTAINTY = tuple(Fidelity)


@dataclass(frozen=True, slots=True)
class FieldLoss:
    """A field that another manager would lose to us. `at` is the time in its managedFields entry, or None.

    `live` is the value that it set, `ours` the one that it becomes; secret values are `Masked`.
    """

    field: str
    manager: str
    operation: str
    at: datetime | None
    origin: Origin | None = None
    live: Shown = ABSENT
    ours: Shown = ABSENT


@dataclass(frozen=True, slots=True)
class YieldedField:
    """A field of the manifest that is left to another manager, or to an autoscaler.

    `field` says which, to whom, and what is sent instead. `live` is the value that stays, `ours` the one at `origin`;
    secret values are `Masked`.
    """

    field: Yield
    live: Shown
    ours: Shown
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class TakenEntry:
    """An entry of managedFields that is joined into ours: whose, how it was set, and how many fields it has."""

    manager: str
    operation: str
    fields: int


@dataclass(frozen=True, slots=True)
class TakeOver:
    """What a take over does beyond the update of fields.

    `owners` are other tools, as `--takeover` names them, that lose the object; none for kubectl. `entries` become ours;
    `gone` are the fields among the change's `fields` that only they had: they disappear, or fall back to a default.
    `removed` are labels and annotations by which the tools know their objects. `added` are fields that people added
    beside ours and that go by `addedFields: remove`. All of them are written as paths. `notes` say what is left to do
    for people.
    """

    entries: tuple[TakenEntry, ...]
    gone: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What apply would do to one object; made by the planner only, its values are masked already.

    `api_version` is the one the request goes to. `live_uid` and `live_resource_version` are "" for an object that does
    not exist. `taken` lists what other managers lose, `yielded` what is left to them (`core.yielding.body_with_yields`
    makes the request of it). `reason` says for people why (why it is deleted, kept, blocked, or how a weaker fidelity
    came about). `warnings` come from the server. `server_fields` are what the server itself changes besides: defaults,
    and what webhooks set. `live_state` is that of `core.live_state`: by it the deployer tells a
    write to the status, which it may pass over, from an edit. `impact` says what comes with the change (`core.impact`),
    `unchecked` what its definition asks for and nothing has checked.
    `renamed_from` is the earlier hashed name that a new object follows, `replaced_by` the one that follows a deleted
    object. `take_over` is there for `Action.TAKE_OVER`, and for one that is blocked. `immutable` are the fields, as the
    server names them, that make a recreation necessary. `gained` and `released` are fields that become ours, or cease
    to be, while their value stays. `content` is the tag (`Disclosure.tag`) of what is sent, or of what we set in an
    object to be deleted; `effect` is that of `core.live_state`. `step` is the wave in which it is applied or deleted.
    """

    ref: ObjectRef
    api_version: str
    action: Action
    fidelity: Fidelity = Fidelity.SERVER
    fields: tuple[FieldChange, ...] = ()
    taken: tuple[FieldLoss, ...] = ()
    yielded: tuple[YieldedField, ...] = ()
    reason: str = ""
    warnings: tuple[str, ...] = ()
    live_uid: str = ""
    live_resource_version: str = ""
    origin: Origin | None = None
    renamed_from: str = ""
    server_fields: tuple[FieldChange, ...] = ()
    live_state: str = ""
    impact: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    replaced_by: str = ""
    take_over: TakeOver | None = None
    immutable: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    content: str = ""
    effect: str = ""
    step: Step = MAIN

    @property
    def server_changes(self) -> int:
        """Return how many fields the server itself changes."""
        return len(self.server_fields)

    @property
    def yields(self) -> tuple[Yield, ...]:
        """Return what the request leaves to others (`core.yielding`)."""
        return tuple(left.field for left in self.yielded)


APPLIED = frozenset({Action.CREATE, Action.UPDATE, Action.RECREATE, Action.OWNERSHIP, Action.TAKE_OVER})
"""The actions that send an object of the set."""

IN_SET = APPLIED | {Action.UNCHANGED}
"""The actions of objects that the manifest set holds."""

WRITING = APPLIED | {Action.PRUNE}
"""The actions that cause a write."""


class HookState(StrEnum):
    """What is left of a hook: all of it, its end, or nothing, as an earlier run of the same deployment has run it."""

    RUNS = "runs"
    AWAITED = "awaited"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class HookRun:
    """One run of a hook in one step of a deployment.

    `ref` is its object; where that has a generated name, `config_name` is what comes before the generated part.
    `clears` are the objects of earlier runs that are deleted first. `content` binds what is sent.
    """

    ref: ObjectRef
    config_name: str
    api_version: str
    step: Step
    state: HookState = HookState.RUNS
    policies: frozenset[DeletePolicy] = frozenset()
    fidelity: Fidelity = Fidelity.CLIENT
    reason: str = ""
    warnings: tuple[str, ...] = ()
    clears: tuple[Change, ...] = ()
    live_uid: str = ""
    origin: Origin | None = None
    content: str = ""

    @property
    def config_ref(self) -> ObjectRef:
        """Return the ref of its manifest."""
        return replace(self.ref, name=self.config_name)

    @property
    def is_generated(self) -> bool:
        """Return whether its name is new in every deployment."""
        return self.config_name != self.ref.name

    @property
    def entry(self) -> InventoryEntry:
        """Return how the inventory records its object."""
        uid = "" if self.state is HookState.RUNS else self.live_uid
        return InventoryEntry(self.ref, self.api_version, uid, self.config_name)


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes of one environment, sorted: blocked ones, deletions, recreations, the rest in the order of apply.

    `hooks` are those that a deployment of it runs, in order; where it runs none, there are none. `attempt` names that
    deployment and its repetitions. `hook_entries` are the objects of hooks that the inventory has and that stay.

    `dry_run` False: nothing was asked but what is there, so no change is checked by the server. `namespace` is that of
    the inventory. `keyed` says whether the tags hold secret values, under the inventory's key.
    `proven` counts the objects that were proven unchanged without a dry run. `notes` tell people of
    what is no change of an object.
    """

    environment: str
    project: str
    commit: str
    cluster_id: str
    manifest_digest: str
    planned_at: datetime
    changes: tuple[Change, ...]
    seconds: float = 0.0
    dry_run: bool = True
    namespace: str = ""
    keyed: bool = False
    proven: int = 0
    notes: tuple[str, ...] = ()
    hooks: tuple[HookRun, ...] = ()
    attempt: str = ""
    hook_entries: tuple[InventoryEntry, ...] = ()

    @property
    def has_changes(self) -> bool:
        """Return whether apply would write anything."""
        return any(change.action in WRITING for change in self.changes) or any(self.due_hooks())

    def count(self, action: Action) -> int:
        """Return how many objects have this action; for hooks, how many runs are left to do."""
        if action is Action.HOOK:
            return sum(1 for _ in self.due_hooks())
        return sum(change.action is action for change in self.changes)

    def due_hooks(self) -> Iterator[HookRun]:
        """Yield the hooks that a deployment has yet to run, or to await, if all goes well."""
        for hook in self.hooks:
            if hook.step.phase in IN_ORDER and hook.state is not HookState.DONE:
                yield hook

    def hooks_of(self, phase: Phase) -> tuple[HookRun, ...]:
        """Return the hooks of a phase, in order."""
        return tuple(hook for hook in self.hooks if hook.step.phase is phase)


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes: blocked ones, deletions (in reverse order of apply), recreations, the rest as apply goes."""
    every = sorted(changes, key=lambda change: order_key(change.step, change.ref))
    blocked = [change for change in every if change.action is Action.BLOCKED]
    deleted = [change for change in reversed(every) if change.action is Action.PRUNE]
    recreated = [change for change in every if change.action is Action.RECREATE]
    rest = [change for change in every if change.action not in {Action.BLOCKED, Action.PRUNE, Action.RECREATE}]
    return (*blocked, *deleted, *recreated, *rest)
