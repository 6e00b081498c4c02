"""The only writer: does what the plan says, in order, and tells what became of each object.

    preflight -> inventory (old and new) -> stages -> wait -> prune -> inventory (exactly what is there)

Up to the first write everything may be raised; from then on nothing is: each object gets an outcome. A kill at any
point leaves an inventory that names every object that may exist, so that the next run finishes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from gitops_push.cluster.api import ApiFailure, ApiWriter
from gitops_push.cluster.application import Applier, NotWritten, ObjectWrite, Written, apply_object
from gitops_push.cluster.bookkeeping import Bookkeeping
from gitops_push.cluster.crew import Crew, Untold
from gitops_push.cluster.deploy_request import DeployOptions, DeployRequest
from gitops_push.cluster.failures import failure_text
from gitops_push.cluster.foundations import rejection, served_targets
from gitops_push.cluster.ledger import IN_SET, Ledger
from gitops_push.cluster.migration import migrate
from gitops_push.cluster.pruner import Deletion, Gone, NotGone, Patience, prune_object
from gitops_push.cluster.renewal import renew_object
from gitops_push.cluster.targets import Target, find_targets
from gitops_push.cluster.waiter import WaitRequest, wait_until_ready
from gitops_push.core.adoption import Terms
from gitops_push.core.codes import Code
from gitops_push.core.deployment import Deployment, Outcome, Result
from gitops_push.core.errors import ClusterError, GitopsPushError, PlanError, Problem, RefusedError
from gitops_push.core.inventory import InventoryEntry
from gitops_push.core.kinds import split_api_version
from gitops_push.core.live_state import own_state
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.ordering import Stage, by_stage, stage_of
from gitops_push.core.plan import APPLIED, Action, Change, Fidelity
from gitops_push.core.prune import PruneQuestion, judge
from gitops_push.core.readiness import is_waited_for
from gitops_push.core.readiness.jobs import vanishes_when_done
from gitops_push.core.takeovers import Takeovers
from gitops_push.core.yielding import body_with_yields

__all__ = ["DeployOptions", "DeployRequest", "deploy"]

T = TypeVar("T")


def deploy(
    request: DeployRequest, writer: ApiWriter, on_outcome: Callable[[Outcome], None] = lambda _: None
) -> Deployment:
    """Carry out a plan and return what happened; the only function that writes manifests.

    Raises `RefusedError`, `PlanError`, `ClusterError` or `NotNowError` while nothing is written, and nothing after.
    """
    options = replace(request.options, progress=_harmless(request.options.progress))
    ledger = Ledger(request.plan, request.redactor, _harmless(on_outcome), options.now())
    try:
        _Run(replace(request, options=options), writer, ledger).go()
    except Exception as error:
        # After the first write not even a bug may hide what was written.
        if not ledger.wrote:
            raise
        ledger.stop(f"the run ended early: {type(error).__name__}: {error}")
    ledger.close_rest("the run stopped before it came to this object")
    return ledger.deployment(options.now())


class _Run:
    """One deployment on its way. `targets` are replaced when the definitions of the set are there."""

    def __init__(self, request: DeployRequest, writer: ApiWriter, ledger: Ledger) -> None:
        self.request = request
        self.options = request.options
        self.plan = request.plan
        self.writer = writer
        self.ledger = ledger
        self.targets = _targets(request, writer)
        self.books = Bookkeeping(request, writer, ledger)
        self.applier = Applier(writer, request.redactor, self.options.sleep)

    def go(self) -> None:
        """Run all phases; a phase that says no ends the writing, and the record tells what there is."""
        _refuse_blocked(self.plan.changes)
        if self.plan.has_changes:
            self.books.check(self.targets.values())
            if self._may_go_on():
                self.begin()
        if self.apply_all():
            self.prune(healthy=self.wait())
        self.books.close()

    def begin(self) -> None:
        """Write the inventory ahead, after its namespace where the set brings that."""
        namespace = self.books.namespace_to_create()
        if namespace is not None:
            fate = apply_object(self.applier, self._write(namespace))
            if isinstance(fate, NotWritten) and fate.result is not Result.UNKNOWN:
                raise ClusterError(Problem(Code.APPLY_FAILED, f"{namespace.ref}: {fate.message}", namespace.origin))
            self.ledger.wrote = True
            self._settle(namespace, fate, 0.0)
        if not self.ledger.has_failed():
            self.books.open()

    def apply_all(self) -> bool:
        """Send everything in stages; return whether all of it is there."""
        changes = [change for change in self.plan.changes if change.action in APPLIED]
        foundations = [change for change in changes if stage_of(change.ref) is Stage.FOUNDATIONS]
        rest = {change.ref: change for change in changes if stage_of(change.ref) is not Stage.FOUNDATIONS}
        if not (self.send(foundations) and self.stand(foundations) and self.dry_run_deferred(rest.values())):
            return False
        return all(self.send([rest[ref] for ref in refs]) for _, refs in by_stage(rest))

    def send(self, changes: Iterable[Change]) -> bool:
        """Write objects in parallel; return whether all of them are there. The first failure stops what follows."""
        if not self._may_go_on():
            return False
        crew = Crew(self._apply_timed, *self._crew_rules)
        for change, result in crew.run([change for change in changes if change.ref not in self.ledger.uids]):
            if result is Untold.NO_ANSWER:
                self.ledger.close(change, Result.UNKNOWN, "the run was stopped before the answer came")
            elif not isinstance(result, Untold):
                self._settle(change, *result)
            if self.ledger.has_failed():
                crew.halt()
        return self._may_go_on()

    def stand(self, foundations: Iterable[Change]) -> bool:
        """Wait until new namespaces are active and new definitions served; return whether they are."""
        waited_for = {change.ref: change for change in foundations if is_waited_for(change.ref)}
        if not waited_for:
            return True
        self.options.progress("waiting for namespaces and definitions")
        for waited in wait_until_ready(self.writer, self._wait_request(waited_for, self.options.foundation_seconds)):
            if not waited.ready:
                self.ledger.close(waited_for[waited.ref], Result.FAILED, waited.message, waited.seconds)
        if not self._may_go_on():
            return False
        self.targets = dict(served_targets(self.request, self.writer))
        return True

    def dry_run_deferred(self, changes: Iterable[Change]) -> bool:
        """Dry-run what could not be before, all of it before any of it is written; return whether all is accepted."""
        crew = Crew(self._rejection, *self._crew_rules)
        for change, result in crew.run([change for change in changes if _was_deferred(change)]):
            if isinstance(result, str) and result:
                self.ledger.close(change, Result.FAILED, f"the dry run was rejected: {result}")
        return self._may_go_on()

    def wait(self) -> bool:
        """Wait for all workloads of the set, changed or not; return whether everything is healthy."""
        changes = {change.ref: change for change in self.plan.changes if change.action in IN_SET}
        waited_for = {ref: change for ref, change in changes.items() if is_waited_for(ref)}
        if not self.options.wait:
            return True
        for waited in wait_until_ready(self.writer, self._wait_request(waited_for, self.options.timeout_seconds)):
            result = Result.DONE if waited.ready else Result.NOT_READY
            self.ledger.close(waited_for[waited.ref], result, waited.message, waited.seconds)
        healthy = self.ledger.all_healthy
        if not healthy and self.options.should_stop():
            self.ledger.interrupted = True
        return healthy

    def prune(self, *, healthy: bool) -> None:
        """Delete what is no longer in the config, in reverse order; only after everything else is healthy."""
        deletions = {change.ref: change for change in self.plan.changes if change.action is Action.PRUNE}
        if not (deletions and self._may_go_on()):
            return
        if not (healthy and self.options.wait):
            until = "everything is healthy" if self.options.wait else "a run waits for health"
            self.ledger.notes.append(
                f"not deleted until {until}: {len(deletions)} of the objects no longer in the config"
            )
            self.ledger.postpone_prune(f"not deleted until {until}")
            return
        patience = self._patience()
        for _, refs in reversed(by_stage(deletions)):
            if not self._may_go_on():
                return
            crew = Crew(partial(self._prune_one, patience), *self._crew_rules)
            for change, result in crew.run([deletions[ref] for ref in refs]):
                self._settle_deletion(change, result)

    def _settle(self, change: Change, fate: Written | NotWritten, seconds: float) -> None:
        match fate:
            case Written(uid):
                self.ledger.applied(change.ref, uid, seconds)
                if not (self.options.wait and is_waited_for(change.ref)):
                    self.ledger.close(change, Result.DONE)
            case NotWritten(result, message):
                self.ledger.close(change, result, message, seconds)

    def _settle_deletion(self, change: Change, result: Gone | NotGone | Untold) -> None:
        match result:
            case Gone(message):
                self.ledger.gone.add(change.ref)
                self.ledger.close(change, Result.DONE, message)
            case NotGone(outcome, message):
                self.ledger.close(change, outcome, message)
            case Untold.NO_ANSWER:
                self.ledger.close(change, Result.UNKNOWN, "the run was stopped before it was gone")
            case Untold.NOT_BEGUN:
                pass

    def _write(self, change: Change) -> ObjectWrite:
        target = self.targets[change.ref]
        if target.kind is None:
            raise LookupError(f"{change.ref} has no kind")
        return ObjectWrite(change, target.kind, _body(target, change))

    def _apply_timed(self, change: Change) -> tuple[Written | NotWritten, float]:
        """Never raises: it runs in a thread of its own."""
        began_at = self.options.clock()
        try:
            fate = self._carry_out(self._write(change))
        except Exception as bug:  # whatever it was, the request may have been sent
            fate = NotWritten(Result.UNKNOWN, f"a bug in gitops-push: {type(bug).__name__}: {bug}")
        return fate, self.options.clock() - began_at

    def _carry_out(self, write: ObjectWrite) -> Written | NotWritten:
        if write.change.action is Action.RECREATE:
            return renew_object(self.applier, write, self._patience())
        if write.change.action is not Action.TAKE_OVER:
            return apply_object(self.applier, write)
        terms = Terms(self.request.inventory.id, Takeovers(self.request.environment.takeover), write.change.yields)
        left = migrate(self.applier, write, terms)
        return left if isinstance(left, NotWritten) else apply_object(self.applier, left)

    def _rejection(self, change: Change) -> str:
        try:
            target = self.targets[change.ref]
            return rejection(self.writer, replace(target, body=_body(target, change)), self.request)
        except Exception as bug:
            return f"a bug in gitops-push: {type(bug).__name__}: {bug}"

    def _prune_one(self, patience: Patience, change: Change) -> Gone | NotGone:
        try:
            ref, (_, version) = change.ref, split_api_version(change.api_version)
            served = self.writer.served_kinds()
            kind = served.find(ref.group, ref.kind, version) or served.find(ref.group, ref.kind)
            if kind is None and ref.group in served.unavailable:
                return NotGone(Result.FAILED, f"the API group {ref.group} does not answer")
            if kind is None:
                return Gone("its kind is not served any more")
            why_kept = partial(self._kept_meanwhile, change)
            return prune_object(self.writer, Deletion(change, kind), patience, self.request.redactor, why_kept)
        except (ApiFailure, GitopsPushError) as failure:
            return NotGone(Result.FAILED, failure_text(failure, self.request.redactor))
        except Exception as bug:
            return NotGone(Result.UNKNOWN, f"a bug in gitops-push: {type(bug).__name__}: {bug}")

    def _kept_meanwhile(self, change: Change, live: Body) -> str:
        """Return why an object may not be deleted any more: minutes of waiting have passed since the plan."""
        environment = self.request.environment
        question = PruneQuestion(environment.prune, self.request.inventory.id, external=frozenset(environment.external))
        kept = judge(InventoryEntry(change.ref, change.api_version, change.live_uid), live, question).kept
        edited = own_state(live, self.request.redactor) != change.live_state
        return kept or ("fields that we set were edited" if edited else "")

    def _wait_request(self, changes: Iterable[ObjectRef], seconds: float) -> WaitRequest:
        targets = {ref: self.targets[ref] for ref in changes}
        return WaitRequest(
            targets={ref: target.kind for ref, target in targets.items() if target.kind is not None},
            deadline=self.options.clock() + seconds,
            vanishing=frozenset(ref for ref, target in targets.items() if vanishes_when_done(target.body)),
            should_stop=self.options.should_stop,
            progress=self.options.progress,
            clock=self.options.clock,
        )

    def _patience(self) -> Patience:
        options = self.options
        deadline = options.clock() + options.timeout_seconds
        return Patience(deadline, options.clock, options.sleep, options.should_stop)

    @property
    def _crew_rules(self) -> tuple[int, Callable[[], bool], float, Callable[[], float]]:
        options = self.options
        return options.concurrency, options.should_stop, options.stop_seconds, options.clock

    def _may_go_on(self) -> bool:
        """Return whether nothing has failed and nobody wants to stop; notes in the record that somebody does."""
        if self.options.should_stop():
            self.ledger.interrupted = True
        return not (self.ledger.interrupted or self.ledger.has_failed())


def _harmless(tell: Callable[[T], None]) -> Callable[[T], None]:
    """Return a callback that never raises: a closed terminal must not end a deployment half way."""

    def told(news: T) -> None:
        # What cannot be told now stands in the report at the end.
        with suppress(Exception):
            tell(news)

    return told


def _targets(request: DeployRequest, writer: ApiWriter) -> dict[ObjectRef, Target]:
    found, problems = find_targets(request.manifests, writer.served_kinds(), request.environment, request.inventory.id)
    if problems:
        raise PlanError(problems)
    return {target.ref: target for target in found}


def _body(target: Target, change: Change) -> dict[str, Any]:
    """Return what the plan was made of: without the fields that it leaves to other managers."""
    return body_with_yields(target.body, change.yields)


def _was_deferred(change: Change) -> bool:
    """Return whether the dry run of an object has to be made up for; that of a recreation can only be refused."""
    return change.fidelity is not Fidelity.SERVER and change.action is not Action.RECREATE


def _refuse_blocked(changes: Iterable[Change]) -> None:
    blocked = tuple(_blocked(changes))
    if blocked:
        raise RefusedError(blocked)


def _blocked(changes: Iterable[Change]) -> Iterator[Problem]:
    for change in changes:
        if change.action is Action.BLOCKED:
            reason, _, hint = change.reason.partition("; ")  # whose it is, and how it is let go
            message = f"{change.ref}: {reason}"
            yield Problem(Code.FOREIGN_OWNER, message, change.origin, change.ref, hint or None)
