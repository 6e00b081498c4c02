"""Writes one object, exactly as planned or not at all, and finds out what happened when no answer comes.

A create carries the precondition that the object does not exist, an update the planned uid and resourceVersion. Status
is written all the time, and others set fields that are not ours, so a 409 is followed by a look: if the request would
still do exactly what was planned, it is sent again with the new resourceVersion; else somebody changed the object since
the plan, and it stays as it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from gitops_push.cluster.api import ApiFailure, ApiWriter, Precondition, ServedKind
from gitops_push.cluster.failures import failure_text
from gitops_push.core.comparison import compare
from gitops_push.core.deployment import Result
from gitops_push.core.errors import GitopsPushError
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.inventory import PART_OF_LABEL
from gitops_push.core.live_state import effect_of, live_state
from gitops_push.core.normalization import comparable
from gitops_push.core.objects import Body
from gitops_push.core.owners import being_deleted, other_owners
from gitops_push.core.plan import Action, Change
from gitops_push.core.redaction import Redactor
from gitops_push.core.yielding import left_out, unheld

ATTEMPTS: Final = 6
_PAUSE_SECONDS: Final = 0.2
_REFUSALS: Final = frozenset({400, 403, 404, 409, 422})
_COMPARED: Final = frozenset({Action.UPDATE, Action.OWNERSHIP})


@dataclass(frozen=True, slots=True)
class ObjectWrite:
    """What is to be written: a planned creation, update or change of ownership, and its request."""

    change: Change
    kind: ServedKind
    body: dict[str, Any] = field(repr=False)

    @property
    def place(self) -> tuple[str, str]:
        """Return namespace and name as they stand in the request."""
        return self.change.ref.namespace, self.change.ref.name


@dataclass(frozen=True, slots=True)
class Written:
    """The object is as it was sent, and this is its uid."""

    uid: str


@dataclass(frozen=True, slots=True)
class NotWritten:
    """It was not written, or nobody knows (`Result.UNKNOWN`)."""

    result: Result
    message: str


Fate: TypeAlias = Written | NotWritten


@dataclass(frozen=True, slots=True)
class Applier:
    """Who writes: the API, the masking of what it says, and how to pause before a write is sent again.

    `set_ids` are further values of the label of membership that mean ourselves (`Inventory.ids`).
    """

    writer: ApiWriter
    redactor: Redactor
    sleep: Callable[[float], None] = time.sleep
    set_ids: frozenset[str] = frozenset()

    def attempts(self) -> Iterator[int]:
        """Yield the numbers of the attempts at one write, from 0 on; pauses before each further one."""
        for attempt in range(ATTEMPTS):
            if attempt:
                self.sleep(_PAUSE_SECONDS * attempt)
            yield attempt

    def said(self, failure: ApiFailure | GitopsPushError) -> str:
        """Return what the server said, masked."""
        return failure_text(failure, self.redactor)


@dataclass(frozen=True, slots=True)
class _Again:
    """It may be sent again with this precondition; `why` it was in vain so far."""

    precondition: Precondition
    why: str


def apply_object(applier: Applier, write: ObjectWrite) -> Fate:
    """Send the object with its preconditions; writes. Returns what became of it."""
    change = write.change
    planned = Precondition(uid=change.live_uid, resource_version=change.live_resource_version)
    step = _Again(planned if change.live_uid else Precondition(absent=True), "")
    for _ in applier.attempts():
        following = _send(applier, write, step.precondition)
        if not isinstance(following, _Again):
            return following
        step = following
    return NotWritten(Result.FAILED, f"it could not be written in {ATTEMPTS} attempts: {step.why}")


def _send(applier: Applier, write: ObjectWrite, precondition: Precondition) -> Fate | _Again:
    """Send it once, and find out what came of it."""
    try:
        answer = applier.writer.apply(write.kind, *write.place, write.body, precondition)
        return Written(str(answer.body["metadata"]["uid"]))
    except ApiFailure as failure:
        said = applier.said(failure)
        if _passes_soon(failure, write.kind):
            return _Again(precondition, said)
        if not (failure.ambiguous or _is_about_precondition(failure)):
            return NotWritten(Result.FAILED, said)
        fate = _resolved(applier, write, precondition, lost=failure.ambiguous)
        why = said if failure.ambiguous else "it changes all the time"
        return _Again(fate, why) if isinstance(fate, Precondition) else fate
    except GitopsPushError as error:
        return NotWritten(Result.FAILED, applier.said(error))


def _passes_soon(failure: ApiFailure, kind: ServedKind) -> bool:
    """A new namespace has no service account for a moment; quotas are counted optimistically (kubernetes#67761).

    Of a quota itself the same words say that its resourceVersion has moved on.
    """
    about_quota = "on resourcequotas" in failure.message and kind.resource != "resourcequotas"
    return about_quota or "error looking up service account" in failure.message


def _is_about_precondition(failure: ApiFailure) -> bool:
    """A wrong uid is answered with 422 (tried on a real API server), a wrong resourceVersion with 409."""
    wrong_uid = any(path == "metadata.uid" for path, _, _ in failure.causes) or "metadata.uid" in failure.message
    return failure.status == 409 or (failure.status == 422 and wrong_uid)


def look_again(applier: Applier, write: ObjectWrite, precondition: Precondition) -> NotWritten | Precondition:
    """Return the precondition to send again with, where the same would happen, else what moved. Reads and dry-runs."""
    try:
        live = applier.writer.get(write.kind, *write.place)
        return _judged(applier, write, precondition, live)
    except (ApiFailure, GitopsPushError) as failure:
        return NotWritten(Result.FAILED, f"it changed since the plan, and cannot be read: {applier.said(failure)}")


def _resolved(applier: Applier, write: ObjectWrite, precondition: Precondition, *, lost: bool) -> Fate | Precondition:
    """Find out by reading what became of a request whose answer was lost, or whose precondition did not hold.

    That may be by our own doing: a request that was given up can still be carried out when it has been sent again.
    """
    try:
        live = applier.writer.get(write.kind, *write.place)
        if live is None or _is_unmoved(live, precondition):
            return _judged(applier, write, precondition, live)
        merged = _dry_run_or_none(applier, write)
        if merged is not None and _is_as_sent(live, merged):
            return Written(str(live["metadata"]["uid"]))
        return _judged(applier, write, precondition, live, merged)
    except (ApiFailure, GitopsPushError) as failure:
        if lost:
            return NotWritten(Result.UNKNOWN, f"no answer came, and it cannot be read: {applier.said(failure)}")
        return NotWritten(Result.FAILED, f"it changed since the plan, and cannot be read: {applier.said(failure)}")


def _judged(
    applier: Applier, write: ObjectWrite, precondition: Precondition, live: Body | None, merged: Body | None = None
) -> NotWritten | Precondition:
    """Return the precondition by which what is there now becomes what was planned, or what stands against it."""
    change = write.change
    if precondition.absent:
        return precondition if live is None else live_changed("somebody else created it since the plan")
    if live is None:
        return live_changed("somebody deleted it since the plan")
    if _is_unmoved(live, precondition):
        return precondition
    metadata = live["metadata"]
    if metadata.get("uid") != change.live_uid:
        return live_changed("somebody deleted and recreated it since the plan")
    if given_up := unheld(change.yields, live):
        return live_changed(f"{format_field_path(given_up[0])} was left to a manager that has given it up since")
    if not _does_the_same(applier, write, live, merged):
        return live_changed("somebody changed it since the plan")
    return Precondition(uid=change.live_uid, resource_version=str(metadata.get("resourceVersion", "")))


def _does_the_same(applier: Applier, write: ObjectWrite, live: Body, merged: Body | None) -> bool:
    """Return whether the request does to this object what was planned.

    Without a dry run at planning, and where the object gets another form before (a take over, a recreation), nothing
    that it asks for may have moved. The answer counts only for the resourceVersion of `live`, which is sent along.
    """
    change = write.change
    if change.action not in _COMPARED or not change.effect:
        left = left_out(change.yields)
        return bool(change.live_state) and live_state(live, applier.redactor, left) == change.live_state
    merged = merged or _dry_run(applier, write)
    part_of = str(write.body["metadata"].get("labels", {}).get(PART_OF_LABEL, ""))
    if being_deleted(live) or other_owners(live, applier.set_ids | {part_of}):
        return False
    return effect_of(compare(live, merged, write.body), applier.redactor) == change.effect


def _dry_run(applier: Applier, write: ObjectWrite) -> Body:
    return applier.writer.dry_run_apply(write.kind, *write.place, write.body).body


def _is_unmoved(live: Body, precondition: Precondition) -> bool:
    metadata = live["metadata"]
    found = (metadata.get("uid"), metadata.get("resourceVersion"))
    return found == (precondition.uid, precondition.resource_version)


def _dry_run_or_none(applier: Applier, write: ObjectWrite) -> Body | None:
    """Return what it would be now, or None where the server does not take it: then it cannot be in effect either."""
    try:
        return _dry_run(applier, write)
    except ApiFailure as failure:
        if failure.status in _REFUSALS:
            return None
        raise


def _is_as_sent(live: Body, merged: Body) -> bool:
    """An apply that is in effect would change nothing if it were sent again."""
    return comparable(merged) == comparable(live) and _ours(merged) == _ours(live)


def _ours(body: Body) -> list[Any]:
    entries = body["metadata"].get("managedFields") or ()
    return [e.get("fieldsV1") for e in entries if e.get("manager") == "gitops-push" and e.get("operation") == "Apply"]


def live_changed(what: str) -> NotWritten:
    """Return the outcome of an object that is not as it was planned any more."""
    return NotWritten(Result.FAILED, f"{what}: it stays as it is; run again for a new plan")
