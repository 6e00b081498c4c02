"""Deletes what is no longer in the config, in reverse order, and writes down what became of each object."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from gitops_push.cluster.api import ApiFailure
from gitops_push.cluster.course import Course
from gitops_push.cluster.crew import Untold
from gitops_push.cluster.failures import failure_text
from gitops_push.cluster.pruner import Deletion, Gone, NotGone, Patience, prune_object
from gitops_push.core.deployment import Result
from gitops_push.core.errors import GitopsPushError
from gitops_push.core.inventory import InventoryEntry
from gitops_push.core.kinds import split_api_version
from gitops_push.core.live_state import own_state
from gitops_push.core.objects import Body
from gitops_push.core.plan import Change
from gitops_push.core.prune import PruneQuestion, judge
from gitops_push.core.rounds import deletion_rounds


class Deleter:
    """Deletes planned objects."""

    def __init__(self, course: Course) -> None:
        self._course = course

    def delete(self, changes: Iterable[Change]) -> None:
        """Delete objects, the last wave and its last stage first, those of a stage together, until one is not gone."""
        patience = self._course.patience()
        for together in deletion_rounds(changes):
            if not self._course.may_go_on():
                return
            crew = self._course.crew(partial(self._delete_one, patience), partial(NotGone, Result.UNKNOWN))
            for change, result in crew.run(together):
                self._settle(change, result)

    def _settle(self, change: Change, result: Gone | NotGone | Untold) -> None:
        ledger = self._course.ledger
        match result:
            case Gone(message):
                ledger.gone.add(change.ref)
                ledger.close(change, Result.DONE, message)
            case NotGone(outcome, message):
                ledger.close(change, outcome, message)
            case Untold.NO_ANSWER:
                ledger.close(change, Result.UNKNOWN, "the run was stopped before it was gone")
            case Untold.NOT_BEGUN:
                pass

    def _delete_one(self, patience: Patience, change: Change) -> Gone | NotGone:
        writer, redactor = self._course.writer, self._course.request.redactor
        try:
            ref, (_, version) = change.ref, split_api_version(change.api_version)
            served = writer.served_kinds()
            kind = served.find(ref.group, ref.kind, version) or served.find(ref.group, ref.kind)
            if kind is None and ref.group in served.unavailable:
                return NotGone(Result.FAILED, f"the API group {ref.group} does not answer")
            if kind is None:
                return Gone("its kind is not served any more")
            why_kept = partial(self._kept_meanwhile, change)
            return prune_object(writer, Deletion(change, kind), patience, redactor, why_kept)
        except (ApiFailure, GitopsPushError) as failure:
            return NotGone(Result.FAILED, failure_text(failure, redactor))

    def _kept_meanwhile(self, change: Change, live: Body) -> str:
        """Return why an object may not be deleted any more: minutes of waiting have passed since the plan."""
        request = self._course.request
        rules, external = request.environment.prune, frozenset(request.environment.external)
        question = PruneQuestion(rules, request.inventory.ids, external=external)
        kept = judge(InventoryEntry(change.ref, change.api_version, change.live_uid), live, question).kept
        edited = own_state(live, request.redactor) != change.live_state
        return kept or ("fields that we set were edited" if edited else "")
