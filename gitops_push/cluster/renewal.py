"""Deletes one object and creates it again, as planned; what became of it is told truly at each point of failure.

The deletion carries the planned uid and resourceVersion, waits for the object's dependents (foreground), and is over
when the object is absent; the creation is that of `application`. A kill between the two leaves an absent object, which
the next run creates.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gitops_push.cluster.api import ApiFailure, Precondition
from gitops_push.cluster.application import (
    ATTEMPTS,
    Applier,
    Fate,
    NotWritten,
    ObjectWrite,
    Written,
    apply_object,
    look_again,
)
from gitops_push.cluster.pruner import Deletion, Gone, NotGone, Patience, await_absence
from gitops_push.core.deployment import Result
from gitops_push.core.errors import GitopsPushError

_HALF_WAY: Final = "deleted, not created again"


def renew_object(applier: Applier, write: ObjectWrite, patience: Patience) -> Fate:
    """Delete the object, wait until it is absent, and create it; writes. Returns what became of it.

    An object that is gone already is created: that is what the plan wants, and the deletion of a killed run.
    """
    failed = _delete(applier, write, patience)
    if failed is not None:
        return failed
    if patience.should_stop():
        return NotWritten(Result.FAILED, f"{_HALF_WAY}: the run was stopped; the next run creates it")
    created = apply_object(applier, replace(write, change=replace(write.change, live_uid="")))
    if isinstance(created, Written):
        return created
    return NotWritten(created.result, f"{_HALF_WAY}: {created.message}")


def _delete(applier: Applier, write: ObjectWrite, patience: Patience) -> NotWritten | None:
    """Delete it and wait; None when it is absent."""
    planned = Precondition(write.change.live_uid, write.change.live_resource_version)
    for _ in applier.attempts():
        refused = _send(applier, write, planned)
        if refused is not None:
            return refused
        match await_absence(applier.writer, Deletion(write.change, write.kind), patience, applier.redactor):
            case Gone(""):
                return None
            case Gone(message):
                return NotWritten(Result.FAILED, message)
            case NotGone(Result.FAILED, message):
                return NotWritten(Result.FAILED, f"{_HALF_WAY}: {message}")
            case NotGone(result, message):
                return NotWritten(result, message)
        fresh = look_again(applier, write, planned)
        if not isinstance(fresh, Precondition):
            return fresh
        planned = fresh
    return NotWritten(Result.FAILED, f"it could not be deleted in {ATTEMPTS} attempts: it changes all the time")


def _send(applier: Applier, write: ObjectWrite, planned: Precondition) -> NotWritten | None:
    """Ask for the deletion; a precondition that does not hold, or a lost answer, shows when the object is looked at."""
    try:
        applier.writer.delete(write.kind, *write.place, planned, "Foreground")
    except ApiFailure as failure:
        if failure.status != 409 and not failure.ambiguous:
            return NotWritten(Result.FAILED, f"not deleted: {applier.said(failure)}")
    except GitopsPushError as error:
        return NotWritten(Result.FAILED, f"not deleted: {applier.said(error)}")
    return None
