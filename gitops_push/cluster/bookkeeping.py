"""The inventory during a deployment: checked before, written ahead, and written exactly at the end."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, TypeAlias

from gitops_push.cluster.api import ApiFailure, ApiWriter
from gitops_push.cluster.crew import Crew, Untold
from gitops_push.cluster.deploy_request import DeployRequest
from gitops_push.cluster.failures import error_before_writing, failure_text
from gitops_push.cluster.inventory_store import read_inventory, write_inventory
from gitops_push.cluster.ledger import CREATING, Ledger
from gitops_push.cluster.preflight import check_before_writing
from gitops_push.cluster.renaming import delete_former, relabel
from gitops_push.core.deployment import Result
from gitops_push.core.errors import GitopsPushError, NotNowError
from gitops_push.core.inventory import Inventory, InventoryEntry, InventoryState, exact, keyed_digest, superset
from gitops_push.core.plan import IN_SET, Action, Change, HookState

_FAILED: Final = InventoryState.FAILED
_WHOLE: Final = frozenset({InventoryState.DONE, InventoryState.UNHEALTHY})
"""After these the set is as the plan says, and nothing is left to delete."""

_JOIN_ATTEMPTS: Final = 3
_KEY_BYTES: Final = 32

Refusal: TypeAlias = ApiFailure | GitopsPushError


class Bookkeeping:
    """Keeps the inventory of one deployment. `stored` is what the server has, as far as we know."""

    def __init__(self, request: DeployRequest, writer: ApiWriter, ledger: Ledger) -> None:
        self._request = request
        self._writer = writer
        self._ledger = ledger
        self.stored = request.inventory
        self._key = request.inventory.key or secrets.token_hex(_KEY_BYTES)

    def check(self) -> tuple[str, ...]:
        """Check what stands in the way; raises with all of it, writes nothing. Returns what the run does without."""
        comes_with_set = self.namespace_to_create() is not None
        return check_before_writing(self._request, self._ahead(), self._writer, place_comes_with_set=comes_with_set)

    def namespace_to_create(self) -> Change | None:
        """Return the creation of the inventory's own namespace, which must then come before the inventory."""
        if self.stored.resource_version:
            return None
        wanted = ("", "Namespace", self.stored.namespace)
        changes = (change for change in self._request.plan.changes if change.action is Action.CREATE)
        return next((c for c in changes if (c.ref.group, c.ref.kind, c.ref.name) == wanted), None)

    @property
    def has_work(self) -> bool:
        """Return whether anything is to be written before the end: changes, or a record that is taken over."""
        return self._request.plan.has_changes or self.stored.former is not None

    def open(self) -> None:
        """Write everything old and new, before the first object; writes. Raises while nothing else is written."""
        if self._may_write():
            self._write(self._ahead())

    def close(self) -> None:
        """Write what is there now, unless the record says exactly that already; writes."""
        final = self._without_former(self._final())
        stopped_before_writing = self._ledger.interrupted and not self._ledger.wrote
        as_stored = replace(self.stored, deployed_at=final.deployed_at, deployed_by=final.deployed_by)
        if stopped_before_writing or final == as_stored:
            return
        if not self._may_write():
            return
        options = self._request.options
        crew: Crew[Inventory, Refusal | None] = Crew(
            self._attempt_last, 1, lambda: self._ledger.interrupted, options.closing_seconds, options.clock
        )
        for inventory, result in crew.run([final]):
            match result:
                case None:
                    self._ledger.wrote = True
                case Untold():
                    self._ledger.fail(inventory.ref, Result.UNKNOWN, "no answer came in time")
                case _:
                    self._refused(result)

    def _may_write(self) -> bool:
        """Return whether the lock is ours now; notes where the run was stopped before."""
        may = self._request.options.before_writing()
        self._ledger.interrupted = self._ledger.interrupted or not may
        return may

    def _without_former(self, final: Inventory) -> Inventory:
        """Return the last record; after a whole run the one that it has taken over is deleted, and named no more."""
        if final.former is None or final.state not in _WHOLE:
            return final
        sent = {change.ref for change in self._request.plan.changes if change.action in IN_SET}
        try:
            relabel(self._writer, (entry for entry in final.entries if entry.ref not in sent), final)
            delete_former(self._writer, final)
        except (ApiFailure, GitopsPushError) as failure:
            text = failure_text(failure, self._request.redactor)
            self._ledger.notes.append(f"the inventory {final.former} stays until the next run: {text}")
            return final
        return replace(final, former=None)

    def _write(self, inventory: Inventory) -> None:
        refusal = self._attempt(inventory)
        if refusal is None:
            self._ledger.wrote = True
        else:
            self._refused(refusal)

    def _refused(self, refusal: Refusal) -> None:
        """Raise while nothing is written; else it is an outcome like any other."""
        ref = self.stored.ref
        unknown = isinstance(refusal, ApiFailure) and refusal.ambiguous
        if self._ledger.wrote or unknown:
            self._ledger.wrote = True
            text = failure_text(refusal, self._request.redactor)
            self._ledger.fail(ref, Result.UNKNOWN if unknown else Result.FAILED, text)
            return
        if isinstance(refusal, ApiFailure):
            raise error_before_writing(refusal, ref, self._request.redactor) from refusal
        raise refusal

    def _attempt(self, inventory: Inventory) -> Refusal | None:
        with self._ledger.writing(inventory.ref):
            try:
                self.stored = write_inventory(self._writer, inventory)
            except (ApiFailure, GitopsPushError) as refusal:
                return refusal
        return None

    def _attempt_last(self, final: Inventory) -> Refusal | None:
        """Write the last record; where another run has taken the inventory over, add what this one wrote to it."""
        refusal = self._attempt(final)
        if isinstance(refusal, NotNowError) and self._ledger.uids:
            self._join(final)
        return refusal

    def _join(self, final: Inventory) -> None:
        """Make sure that what this run created is in the record that the other run keeps, or it would be nobody's."""
        for _ in range(_JOIN_ATTEMPTS):
            try:
                theirs = read_inventory(self._writer, final.project, final.environment, final.namespace)
            except (ApiFailure, GitopsPushError):
                return  # the outcome of the inventory is a failure already
            known = {entry.ref for entry in theirs.entries}
            ours = [e for e in final.entries if e.ref in self._ledger.uids and e.ref not in known]
            if not ours or self._attempt(replace(theirs, entries=_merged(theirs.entries, ours), state=_FAILED)) is None:
                return

    def _ahead(self) -> Inventory:
        plan = self._request.plan
        # A recorded uid of what is created again is that of an object which is gone: kept, it would protect the new one
        # from being pruned if this run is killed.
        created = {change.ref for change in plan.changes if change.action in CREATING}
        created |= {hook.ref for hook in plan.hooks if hook.state is HookState.RUNS}
        wanted = [
            InventoryEntry(c.ref, c.api_version, "" if c.ref in created else c.live_uid)
            for c in plan.changes
            if c.action in IN_SET
        ]
        known = (entry for entry in self.stored.entries if entry.ref not in created)
        ahead = superset(replace(self.stored, entries=tuple(known)), (*wanted, *(hook.entry for hook in plan.hooks)))
        return self._stamped(replace(ahead, attempt=plan.attempt or ahead.attempt))

    def _final(self) -> Inventory:
        ledger, stored = self._ledger, self.stored
        owned = ledger.entries(stored.entries)
        if ledger.is_complete:
            return self._stamped(exact(stored, owned, self._state()))
        # What was not reached may still exist from before: everything stays in the record until a run completes.
        known = (entry for entry in stored.entries if entry.ref not in ledger.gone)
        return self._stamped(replace(superset(stored, owned), entries=_merged(known, owned), state=_FAILED))

    def _state(self) -> InventoryState:
        if any(c.action is Action.PRUNE and c.ref not in self._ledger.gone for c in self._request.plan.changes):
            return InventoryState.PRUNE_PENDING
        return InventoryState.DONE if self._ledger.all_healthy else InventoryState.UNHEALTHY

    def _stamped(self, inventory: Inventory) -> Inventory:
        plan, now = self._request.plan, self._request.options.now()
        digest = keyed_digest(self._key, self._request.manifests.digest)
        # A shallower clone of the same commit knows less of what was before it.
        before = inventory.ancestors if plan.commit == inventory.commit else self._request.ancestors
        return replace(
            inventory,
            commit=plan.commit,
            ancestors=before,
            manifest_digest=digest,
            deployed_at=now,
            deployed_by=self._request.identity,
            key=self._key,
        )


def _merged(old: Iterable[InventoryEntry], new: Iterable[InventoryEntry]) -> tuple[InventoryEntry, ...]:
    return tuple(sorted(({entry.ref: entry for entry in old} | {entry.ref: entry for entry in new}).values()))
