"""The only writer: does what the plan says, in order, and tells what became of each object.

    preflight -> inventory (old and new) -> rounds of stages, each waited for -> prune -> inventory (what is there)

Up to the first write everything may be raised; from then on nothing is: each object gets an outcome. A kill at any
point leaves an inventory that names every object that may exist, so that the next run finishes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import NoReturn, TypeVar

from gitops_push.cluster.api import ApiWriter
from gitops_push.cluster.application import NotWritten
from gitops_push.cluster.bookkeeping import Bookkeeping
from gitops_push.cluster.course import Course
from gitops_push.cluster.crew import supervised
from gitops_push.cluster.deleting import Deleter
from gitops_push.cluster.deploy_request import DeployOptions, DeployRequest
from gitops_push.cluster.expectations import soaking, wait_request, with_hooks
from gitops_push.cluster.foundations import served_targets
from gitops_push.cluster.hooks import HookRunner
from gitops_push.cluster.ledger import Ledger
from gitops_push.cluster.sending import Sender
from gitops_push.cluster.targets import Target, Targets, find_targets
from gitops_push.cluster.waiter import Waited, WaitRequest, wait_until_ready
from gitops_push.core.blamed_fields import with_origin
from gitops_push.core.codes import Code
from gitops_push.core.deployment import Deployment, Outcome, Result
from gitops_push.core.diagnosis import Cause
from gitops_push.core.errors import ClusterError, NotNowError, PlanError, Problem, RefusedError
from gitops_push.core.hooks import DeletePolicy, Phase
from gitops_push.core.inventory import InventoryState
from gitops_push.core.objects import ObjectRef
from gitops_push.core.ordering import Stage, by_stage
from gitops_push.core.plan import APPLIED, Action, Change, HookState
from gitops_push.core.rounds import Round, rounds_of

__all__ = ["DeployOptions", "DeployRequest", "deploy"]

T = TypeVar("T")


def deploy(
    request: DeployRequest, writer: ApiWriter, on_outcome: Callable[[Outcome], None] = lambda _: None
) -> Deployment:
    """Carry out a plan and return what happened; the only function that writes manifests.

    Raises `RefusedError`, `PlanError`, `ClusterError` or `NotNowError` while nothing is written, and nothing after.
    """
    told = request.options
    options = replace(told, progress=_harmless(told.progress), warning=_harmless(told.warning))
    ledger = Ledger(request.plan, request.redactor, _harmless(on_outcome), options.now(), on_writing=options.writing)
    course = Course(replace(request, options=options), writer, ledger)
    try:
        grace_seconds = options.stop_seconds + options.closing_seconds
        if not supervised(lambda: _Run(course).go(), options.should_stop, grace_seconds, options.clock):
            ledger = ledger.given_up("the run was stopped before the server answered")
    except Exception as error:
        # After the first write not even a bug may hide what was written.
        if not ledger.wrote:
            raise
        ledger.stop(f"the run ended early: {type(error).__name__}: {error}")
    ledger.close_rest("the run stopped before it came to this object")
    return ledger.deployment(options.now())


class _Run:
    """The phases of one deployment. Each that says no ends the writing, and the record tells what there is."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.options = course.options
        self.plan = course.request.plan
        self.ledger = course.ledger
        self.books = Bookkeeping(course.request, course.writer, course.ledger)
        targets = _targets(course.request, course.writer)
        self.sender = Sender(course, _by_ref(targets.applied))
        self.hooks = HookRunner(course, _by_ref(targets.hooks))

    def go(self) -> None:
        """Run all phases."""
        _refuse_blocked(self.plan.changes)
        if self.books.has_work:
            for loss in self.books.check():
                self.options.warning(loss)
            if self.course.may_go_on():
                self.begin()
        *earlier, last = rounds_of(self.plan)
        if all(self.send(each, waits=True) and self.wait(each, waits=True) for each in earlier):
            waits = self.options.wait
            if self.send(last, waits=waits):
                self.prune(healthy=self.wait(last, waits=waits) and (not waits or self.soak()))
        self.end_hooks()
        self.books.close()

    def begin(self) -> None:
        """Write the inventory ahead, after its namespace where the set brings that."""
        namespace = self.books.namespace_to_create()
        if namespace is not None:
            with self.ledger.writing(namespace.ref):
                fate = self.sender.send_one(namespace)
            if isinstance(fate, NotWritten) and fate.result is not Result.UNKNOWN:
                self._refuse_namespace(namespace, fate)
            self.ledger.wrote = True
            self.sender.settle(namespace, fate, 0.0)
        if not self.ledger.has_failed():
            self.books.open()

    def _refuse_namespace(self, namespace: Change, fate: NotWritten) -> NoReturn:
        """Raise why the namespace is not there: or, if it is by now, that somebody else deploys the environment."""
        kind = self.sender.targets[namespace.ref].kind
        if kind is not None and self.course.writer.get(kind, "", namespace.ref.name) is not None:
            text = f"{namespace.ref} was created by somebody else since the plan was made"
            raise NotNowError(Problem(Code.NOT_NOW, text, namespace.origin, hint="run the same command again"))
        raise ClusterError(Problem(Code.APPLY_FAILED, f"{namespace.ref}: {fate.message}", namespace.origin))

    def send(self, each: Round, *, waits: bool) -> bool:
        """Send a round in stages; return whether all of it is there. What `waits` gets its outcome by `wait`."""
        changes = {change.ref: change for change in each.changes if change.action in APPLIED}
        hooks = {hook.ref: hook for hook in each.hooks if hook.state is HookState.RUNS}
        stages = dict(by_stage({**changes, **hooks}))
        foundations = stages.pop(Stage.FOUNDATIONS, ())
        self.sender.waits = waits

        def sent(refs: Iterable[ObjectRef]) -> bool:
            some = tuple(refs)
            return self.sender.send([changes[ref] for ref in some if ref in changes]) and self.hooks.start(
                [hooks[ref] for ref in some if ref in hooks]
            )

        return (
            self.course.may_go_on()
            and self.hooks.clear(hooks.values())
            and sent(foundations)
            and self.stand([changes[ref] for ref in foundations if ref in changes])
            and self.sender.dry_run_deferred(each.deferred)
            and all(sent(refs) for refs in stages.values())
        )

    def stand(self, foundations: Iterable[Change]) -> bool:
        """Wait until new namespaces are active and new definitions served; return whether they are."""
        changes = {change.ref: change for change in foundations}
        request = self._wait_request(changes.values(), self.options.foundation_seconds)
        if not request.targets:
            return True
        self.options.progress("waiting for namespaces and definitions")
        for waited in wait_until_ready(self.course.writer, request):
            if waited.result is Result.NOT_READY:
                result = Result.NOT_READY if self.options.should_stop() else Result.FAILED
                self.ledger.close(changes[waited.ref], result, waited.message, waited.seconds, self._placed(waited))
        if not self.course.may_go_on():
            return False
        found = served_targets(self.course.request, self.course.writer)
        self.sender.targets, self.hooks.targets = _by_ref(found.applied), _by_ref(found.hooks)
        return True

    def wait(self, each: Round, *, waits: bool) -> bool:
        """Wait for all of a round that has a health, changed or not, and its hooks; return whether all is healthy.

        Hooks are always waited for, other objects only with `waits`.
        """
        changes = {change.ref: change for change in each.changes if waits}
        hooks = {hook.ref: hook for hook in each.hooks}
        request = self._wait_request(changes.values(), self.options.timeout_seconds)
        request = with_hooks(request, self.hooks.awaited(hooks.values()))
        for waited in wait_until_ready(self.course.writer, request):
            if waited.ref in hooks:
                self.hooks.settle(hooks[waited.ref], waited)
            else:
                change, cause = changes[waited.ref], self._placed(waited)
                self.ledger.close(change, waited.result, waited.message, waited.seconds, cause)
        healthy = self.ledger.all_healthy
        if not healthy and self.options.should_stop():
            self.ledger.interrupted = True
        return healthy

    def soak(self) -> bool:
        """Watch whether all of the set, whatever its wave, stays healthy for as long as is asked; return whether."""
        seconds = self._soak_seconds()
        if seconds <= 0:
            return True
        changes = {change.ref: change for each in rounds_of(self.plan) for change in each.changes}
        request = self._wait_request(changes.values(), self.options.timeout_seconds)
        for waited in wait_until_ready(self.course.writer, soaking(request, seconds)):
            if waited.result is Result.NOT_READY:
                self.ledger.relapse(changes[waited.ref], waited.message, self._placed(waited))
        if self.options.should_stop():
            self.ledger.interrupted = True  # health that lasted for a part of the time proves nothing
        return self.ledger.all_healthy and not self.ledger.interrupted

    def end_hooks(self) -> None:
        """Delete hooks by their policies; first, where the deployment has failed, run what is there for that."""
        if not self.plan.hooks or not self.ledger.wrote or self.ledger.interrupted or self.options.should_stop():
            return
        if not self.ledger.is_complete or not self.ledger.all_healthy:
            self.hooks.run(self.plan.hooks_of(Phase.SYNC_FAIL))
            self.hooks.delete_by(DeletePolicy.FAILED)
        else:
            self.hooks.delete_by(DeletePolicy.SUCCEEDED)

    def _placed(self, waited: Waited) -> Cause | None:
        """Return why something is not ready, with the line of the config that is at fault."""
        return waited.cause and with_origin(waited.cause, self.sender.targets[waited.ref].manifest)

    def _soak_seconds(self) -> float:
        """Return how long health must last: what was found good before, and is as it was, need not prove itself."""
        is_proven = not self.ledger.wrote and self.course.request.inventory.state is InventoryState.DONE
        return 0.0 if is_proven else self.course.request.environment.wait.soak_seconds

    def prune(self, *, healthy: bool) -> None:
        """Delete what is no longer in the config; only after everything else is healthy."""
        deletions = [change for change in self.plan.changes if change.action is Action.PRUNE]
        if not (deletions and self.course.may_go_on()):
            return
        if healthy and self.options.wait:
            Deleter(self.course).delete(deletions)
            return
        until = "everything is healthy" if self.options.wait else "a run waits for health"
        self.ledger.notes.append(f"not deleted until {until}: {len(deletions)} of the objects no longer in the config")
        self.ledger.postpone_prune(f"not deleted until {until}")

    def _wait_request(self, changes: Iterable[Change], seconds: float) -> WaitRequest:
        return wait_request(self.course.request, self.sender.targets, changes, seconds)


def _harmless(tell: Callable[[T], None]) -> Callable[[T], None]:
    """Return a callback that never raises: a closed terminal must not end a deployment half way."""

    def told(news: T) -> None:
        # What cannot be told now stands in the report at the end.
        with suppress(Exception):
            tell(news)

    return told


def _targets(request: DeployRequest, writer: ApiWriter) -> Targets:
    found = find_targets(request.manifests, writer.served_kinds(), request.environment, request.inventory.id)
    if found.problems:
        raise PlanError(found.problems)
    return found


def _by_ref(targets: Iterable[Target]) -> dict[ObjectRef, Target]:
    return {target.ref: target for target in targets}


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
