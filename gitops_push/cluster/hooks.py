"""Runs hooks: deletes what earlier runs of them have left, creates them, and deletes them again by their policies.

A hook is created like any object: only where there is none of its name, and a lost answer is resolved by reading. Its
name is the same whenever the deployment is repeated, so nothing is run twice for want of an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import groupby

from gitops_push.cluster.api import ApiFailure, ServedKind
from gitops_push.cluster.application import Applier, NotWritten, ObjectWrite, Written, apply_object
from gitops_push.cluster.course import Course
from gitops_push.cluster.crew import Untold
from gitops_push.cluster.expectations import is_expected, wait_request, with_hooks
from gitops_push.cluster.failures import failure_text
from gitops_push.cluster.pruner import Deletion, Gone, NotGone, Patience, prune_object
from gitops_push.cluster.targets import Target
from gitops_push.cluster.waiter import Waited, wait_until_ready
from gitops_push.core.blamed_fields import with_origin
from gitops_push.core.deployment import WELL, Result
from gitops_push.core.diagnosis import of_hook
from gitops_push.core.errors import GitopsPushError
from gitops_push.core.hooks import DeletePolicy, hook_body
from gitops_push.core.objects import ObjectRef
from gitops_push.core.plan import Action, Change, HookRun, HookState

_STILL_RUNS = "the run was stopped while it was running; the next run of the same set waits for it"


class HookRunner:
    """Runs the hooks of a plan. `targets` are their requests, by the refs of the manifests."""

    def __init__(self, course: Course, targets: Mapping[ObjectRef, Target]) -> None:
        self.targets = targets
        self._course = course
        self._applier = Applier(
            course.writer, course.request.redactor, course.options.sleep, course.request.inventory.ids
        )

    def clear(self, hooks: Iterable[HookRun]) -> bool:
        """Delete what earlier runs of hooks have left, and wait until it is gone; return whether it is."""
        for hook, result in self._delete((one, change) for one in hooks for change in self._left_by(one)):
            if isinstance(result, NotGone):
                message = f"the object of an earlier run is still there: {result.message}"
                self._course.ledger.close_hook(hook, result.result, message)
        return self._course.may_go_on()

    def start(self, hooks: Iterable[HookRun]) -> bool:
        """Create the objects of hooks, in parallel; return whether all of them are there."""
        self._create(hooks)
        return self._course.may_go_on()

    def awaited(self, hooks: Iterable[HookRun]) -> dict[ObjectRef, Target]:
        """Return the requests of the hooks whose end is waited for, by the refs of their objects."""
        ledger = self._course.ledger
        return {
            hook.ref: self.targets[hook.config_ref]
            for hook in hooks
            if hook not in ledger.hooks and self.targets[hook.config_ref].kind is not None
        }

    def settle(self, hook: HookRun, waited: Waited) -> None:
        """Write down how a hook that was waited for has ended."""
        ledger = self._course.ledger
        if waited.result is not Result.NOT_READY:
            ledger.close_hook(hook, waited.result, waited.message, waited.seconds)
        elif self._course.options.should_stop():
            ledger.close_hook(hook, Result.NOT_READY, _STILL_RUNS, waited.seconds)
        else:
            cause = waited.cause and with_origin(of_hook(waited.cause), self.targets[hook.config_ref].manifest)
            ledger.close_hook(hook, Result.FAILED, waited.message, waited.seconds, cause)

    def run(self, hooks: Iterable[HookRun]) -> None:
        """Run hooks, wave after wave, whatever has failed before them; until one of them fails."""
        ledger, options = self._course.ledger, self._course.options
        for _, wave in groupby(hooks, lambda hook: hook.step):
            every = {hook.ref: hook for hook in wave}
            todo = [hook for hook in every.values() if hook.state is HookState.RUNS]
            self.clear(todo)
            self._create(hook for hook in todo if hook not in ledger.hooks)
            request = wait_request(self._course.request, self.targets, (), options.timeout_seconds)
            for waited in wait_until_ready(self._course.writer, with_hooks(request, self.awaited(every.values()))):
                self.settle(every[waited.ref], waited)
            if any(hook not in ledger.hooks or ledger.hooks[hook].result not in WELL for hook in every.values()):
                return

    def delete_by(self, policy: DeletePolicy) -> None:
        """Delete the objects of the hooks that have run and say so; what cannot be deleted is noted, and stays."""
        ledger = self._course.ledger
        ran = [hook for hook in self._course.request.plan.hooks if policy in hook.policies and self._has_run(hook)]
        for hook, result in self._delete((hook, self._deletion_of(hook)) for hook in ran):
            if isinstance(result, NotGone):
                text = ledger.redactor.mask_text(result.message.partition("\n")[0])
                ledger.notes.append(f"{hook.ref} stays, although its policy is {policy.value}: {text}")

    def _has_run(self, hook: HookRun) -> bool:
        ledger = self._course.ledger
        return hook.ref not in ledger.gone and (hook in ledger.hooks or hook.state is HookState.DONE)

    def _left_by(self, hook: HookRun) -> Iterable[Change]:
        """Return the deletions before a hook: as planned, or of the object of its run in an earlier phase."""
        return (self._deletion_of(hook),) if hook.ref in self._course.ledger.hook_objects else hook.clears

    def _deletion_of(self, hook: HookRun) -> Change:
        made = self._course.ledger.hook_objects.get(hook.ref, hook.entry)
        return Change(hook.ref, hook.api_version, Action.PRUNE, live_uid=made.uid)

    def _create(self, hooks: Iterable[HookRun]) -> None:
        ledger = self._course.ledger
        crew = self._course.crew(self._create_one, partial(NotWritten, Result.UNKNOWN))
        for hook, result in crew.run(hooks):
            match result:
                case Written(uid):
                    ledger.hook_made(hook, uid)
                    if not is_expected(self._course.request, self.targets[hook.config_ref]):
                        ledger.close_hook(hook, Result.DONE)
                case NotWritten(outcome, message):
                    ledger.close_hook(hook, outcome, message)
                case Untold.NO_ANSWER:
                    ledger.close_hook(hook, Result.UNKNOWN, "the run was stopped before the answer came")
                case Untold.NOT_BEGUN:
                    pass

    def _create_one(self, hook: HookRun) -> Written | NotWritten:
        target = self.targets[hook.config_ref]
        body = hook_body(target.body, hook.ref.name, self._course.request.plan.attempt, hook.step.phase)
        change = Change(hook.ref, hook.api_version, Action.CREATE)
        return apply_object(self._applier, ObjectWrite(change, self._kind(hook), body))

    def _delete(self, deletions: Iterable[tuple[HookRun, Change]]) -> Iterable[tuple[HookRun, Gone | NotGone | Untold]]:
        patience = self._course.patience()
        crew = self._course.crew(partial(self._delete_one, patience), partial(NotGone, Result.UNKNOWN))
        for (hook, change), result in crew.run(deletions):
            if isinstance(result, Gone):
                self._course.ledger.hook_gone(change.ref)
            yield hook, result

    def _delete_one(self, patience: Patience, deletion: tuple[HookRun, Change]) -> Gone | NotGone:
        hook, change = deletion
        writer, redactor = self._course.writer, self._course.request.redactor
        try:
            return prune_object(writer, Deletion(change, self._kind(hook), "Foreground"), patience, redactor)
        except (ApiFailure, GitopsPushError) as failure:
            return NotGone(Result.FAILED, failure_text(failure, redactor))

    def _kind(self, hook: HookRun) -> ServedKind:
        kind = self.targets[hook.config_ref].kind
        if kind is None:
            raise LookupError(f"{hook.ref} has no kind")
        return kind
