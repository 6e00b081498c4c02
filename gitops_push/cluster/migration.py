"""Hands an object over to us before it is applied: one patch of its managedFields and of the keys of its former owner.

The patch changes nothing that the object asks for, so a kill after it leaves an object of ours that the next run
updates. It holds for the resourceVersion that was read only; the apply that follows, for the one that it leaves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gitops_push.cluster.api import ApiFailure
from gitops_push.cluster.application import ATTEMPTS, Applier, NotWritten, ObjectWrite, live_changed
from gitops_push.core.added_fields import AddedField, added_beside
from gitops_push.core.adoption import Terms, adoption_of, migrated_body, migration_patch
from gitops_push.core.deployment import Result
from gitops_push.core.errors import GitopsPushError
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.live_state import live_state
from gitops_push.core.objects import Body
from gitops_push.core.yielding import left_out

_MOVED: Final = frozenset({404, 409, 422})
"""Gone, another resourceVersion, another uid: what it is shows when it is read again."""


def migrate(applier: Applier, write: ObjectWrite, terms: Terms) -> ObjectWrite | NotWritten:
    """Hand over the object of a planned take over; writes. Returns the write that is left: the apply.

    The object is read before each attempt. It must be as it was planned, or as a patch whose answer was lost left it.
    """
    states = {write.change.live_state}
    sent_in_vain = ""
    for _ in applier.attempts():
        live = _read(applier, write, states, sent_in_vain)
        if isinstance(live, NotWritten):
            return live
        adoption = adoption_of(live, write.body, terms, _added(write, live))
        if adoption is None or not adoption.changes_object:
            return _left(applier, write, live)
        states.add(_state(applier, write, migrated_body(live, adoption)))
        try:
            patch = migration_patch(live, adoption)
            return _left(applier, write, applier.writer.json_patch(write.kind, *write.place, patch).body)
        except ApiFailure as failure:
            if not (failure.ambiguous or failure.status in _MOVED):
                return NotWritten(Result.FAILED, applier.said(failure))
            sent_in_vain = applier.said(failure)
        except GitopsPushError as error:
            return NotWritten(Result.FAILED, applier.said(error))
    return NotWritten(Result.FAILED, f"it could not be taken over in {ATTEMPTS} attempts: {sent_in_vain}")


def _added(write: ObjectWrite, live: Body) -> tuple[AddedField, ...]:
    """Return those of the planned additions that still belong to people."""
    planned = frozenset(write.change.take_over.added if write.change.take_over else ())
    return tuple(added for added in added_beside(live, write.body) if format_field_path(added.path) in planned)


def _read(applier: Applier, write: ObjectWrite, states: set[str], sent_in_vain: str) -> Body | NotWritten:
    """Return the live object if it is the planned one, in one of these states."""
    try:
        live = applier.writer.get(write.kind, *write.place)
    except (ApiFailure, GitopsPushError) as failure:
        result = Result.UNKNOWN if sent_in_vain else Result.FAILED
        return NotWritten(result, f"it cannot be read before it is taken over: {applier.said(failure)}")
    if live is None:
        return live_changed("somebody deleted it since the plan")
    if live["metadata"].get("uid") != write.change.live_uid:
        return live_changed("somebody deleted and recreated it since the plan")
    if _state(applier, write, live) not in states:
        return live_changed("somebody changed it since the plan")
    return live


def _left(applier: Applier, write: ObjectWrite, live: Body) -> ObjectWrite:
    """Return the write of an object that is handed over, with the preconditions that hold now."""
    version = str(live["metadata"]["resourceVersion"])
    state = _state(applier, write, live)
    return replace(write, change=replace(write.change, live_resource_version=version, live_state=state))


def _state(applier: Applier, write: ObjectWrite, body: Body) -> str:
    return live_state(body, applier.redactor, left_out(write.change.yields))
