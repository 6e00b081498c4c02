"""Sends the objects of a plan, many at the same time, and writes down what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from gitops_push.cluster.application import Applier, NotWritten, ObjectWrite, Written, apply_object
from gitops_push.cluster.course import Course
from gitops_push.cluster.crew import Untold
from gitops_push.cluster.expectations import is_expected
from gitops_push.cluster.foundations import rejection
from gitops_push.cluster.migration import migrate
from gitops_push.cluster.renewal import renew_object
from gitops_push.cluster.targets import Target
from gitops_push.core.adoption import Terms
from gitops_push.core.deployment import Result
from gitops_push.core.objects import ObjectRef
from gitops_push.core.plan import Action, Change, Fidelity
from gitops_push.core.takeovers import Takeovers
from gitops_push.core.yielding import body_with_yields


class Sender:
    """Writes objects. `targets` are the requests, replaced when the definitions of the set are served.

    `waits` says whether what is sent now is waited for: it then gets its outcome later.
    """

    def __init__(self, course: Course, targets: Mapping[ObjectRef, Target]) -> None:
        self.targets = targets
        self.waits = course.options.wait
        self._course = course
        self._applier = Applier(
            course.writer, course.request.redactor, course.options.sleep, course.request.inventory.ids
        )

    def send(self, changes: Iterable[Change]) -> bool:
        """Write objects in parallel; return whether all of them are there. The first failure stops what follows."""
        course, ledger, options = self._course, self._course.ledger, self._course.options
        if not course.may_go_on():
            return False
        deadline = options.clock() + options.sending_seconds

        def is_last(result: tuple[Written | NotWritten, float]) -> bool:
            return isinstance(result[0], NotWritten) or options.clock() >= deadline

        unsent = 0
        crew = course.crew(self._apply_timed, lambda bug: (NotWritten(Result.UNKNOWN, bug), 0.0), is_last)
        for change, result in crew.run([change for change in changes if change.ref not in ledger.uids]):
            if result is Untold.NO_ANSWER:
                ledger.close(change, Result.UNKNOWN, "the run was stopped before the answer came")
            elif not isinstance(result, Untold):
                self.settle(change, *result)
            unsent += result is Untold.NOT_BEGUN
        if unsent and course.may_go_on():
            ledger.stop(f"{unsent} objects could not be sent within {options.sending_seconds / 60:.0f} minutes")
        return course.may_go_on()

    def send_one(self, change: Change) -> Written | NotWritten:
        """Write one object that is to be created, and return what became of it; nothing is noted."""
        return apply_object(self._applier, self._write(change))

    def settle(self, change: Change, fate: Written | NotWritten, seconds: float) -> None:
        """Write down what became of an object; what is waited for gets its outcome later."""
        ledger = self._course.ledger
        match fate:
            case Written(uid):
                ledger.applied(change.ref, uid, seconds)
                if not (self.waits and is_expected(self._course.request, self.targets[change.ref])):
                    ledger.close(change, Result.DONE)
            case NotWritten(result, message):
                ledger.close(change, result, message, seconds)

    def dry_run_deferred(self, changes: Iterable[Change]) -> bool:
        """Dry-run what could not be before, all of it before any of it is written; return whether all is accepted."""
        crew = self._course.crew(self._rejection, str)
        for change, result in crew.run([change for change in changes if _was_deferred(change)]):
            if isinstance(result, str) and result:
                self._course.ledger.close(change, Result.FAILED, f"the dry run was rejected: {result}")
        return self._course.may_go_on()

    def _write(self, change: Change) -> ObjectWrite:
        target = self.targets[change.ref]
        if target.kind is None:
            raise LookupError(f"{change.ref} has no kind")
        return ObjectWrite(change, target.kind, _body(target, change))

    def _apply_timed(self, change: Change) -> tuple[Written | NotWritten, float]:
        clock = self._course.options.clock
        began_at = clock()
        return self._carry_out(self._write(change)), clock() - began_at

    def _carry_out(self, write: ObjectWrite) -> Written | NotWritten:
        request = self._course.request
        if write.change.action is Action.RECREATE:
            return renew_object(self._applier, write, self._course.patience())
        if write.change.action is not Action.TAKE_OVER:
            return apply_object(self._applier, write)
        terms = Terms(request.inventory.ids, Takeovers(request.environment.takeover), write.change.yields)
        left = migrate(self._applier, write, terms)
        return left if isinstance(left, NotWritten) else apply_object(self._applier, left)

    def _rejection(self, change: Change) -> str:
        target = self.targets[change.ref]
        return rejection(self._course.writer, replace(target, body=_body(target, change)), self._course.request)


def _body(target: Target, change: Change) -> dict[str, Any]:
    """Return what the plan was made of: without the fields that it leaves to other managers."""
    return body_with_yields(target.body, change.yields)


def _was_deferred(change: Change) -> bool:
    """Return whether the dry run of an object has to be made up for; that of a recreation can only be refused."""
    return change.fidelity is not Fidelity.SERVER and change.action is not Action.RECREATE
