"""Deletes what is not in the config any more: only the very object that was planned, and until it is gone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gitops_push.cluster.api import ApiFailure, ApiWriter, Precondition, ServedKind
from gitops_push.cluster.failures import failure_text
from gitops_push.core.deployment import Result
from gitops_push.core.errors import GitopsPushError
from gitops_push.core.objects import Body
from gitops_push.core.owners import being_deleted
from gitops_push.core.plan import Change
from gitops_push.core.redaction import Redactor

_SENDS: Final = 6
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Until when to wait for objects to be gone, on `clock`; `should_stop` ends it early."""

    deadline: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    should_stop: Callable[[], bool] = lambda: False

    @property
    def is_over(self) -> bool:
        """Return whether there is nothing left of it."""
        return self.clock() >= self.deadline or self.should_stop()


@dataclass(frozen=True, slots=True)
class Deletion:
    """A planned deletion and its request; `propagation` says what becomes of its dependents, as in `ApiWriter`."""

    change: Change
    kind: ServedKind
    propagation: str = "Background"

    @property
    def place(self) -> tuple[str, str]:
        """Return namespace and name as they stand in the request."""
        return self.change.ref.namespace, self.change.ref.name


@dataclass(frozen=True, slots=True)
class Gone:
    """The object of the inventory is not there any more; `message` says what is special about that."""

    message: str = ""


@dataclass(frozen=True, slots=True)
class NotGone:
    """It is still there, or nobody knows; it stays in the inventory."""

    result: Result
    message: str


def prune_object(
    writer: ApiWriter,
    deletion: Deletion,
    patience: Patience,
    redactor: Redactor,
    why_kept: Callable[[Body], str] = lambda _: "",
) -> Gone | NotGone:
    """Delete the very object that was planned, and wait until it is gone; writes.

    It is read before each attempt, and `why_kept` says of what is read whether it may still be deleted. The deletion
    holds for the uid and the resourceVersion that were read.
    """
    if not deletion.change.live_uid:
        return NotGone(Result.FAILED, "its uid is not known, and nothing is deleted by its name alone")
    for _ in range(_SENDS):
        live = writer.get(deletion.kind, *deletion.place)
        version = ""
        if live is not None and is_planned(live, deletion) and not being_deleted(live):
            if kept := why_kept(live):
                return NotGone(Result.FAILED, f"not deleted, because somebody changed it since the plan: {kept}")
            version = str(live["metadata"].get("resourceVersion", ""))
        refused = _send(writer, deletion, version, redactor)
        if refused:
            return refused
        fate = await_absence(writer, deletion, patience, redactor)
        if fate is not None:
            return fate
    return NotGone(Result.UNKNOWN, f"it is still there after {_SENDS} attempts to delete it")


def is_planned(live: Body, deletion: Deletion) -> bool:
    """Return whether this is the object that was planned to be deleted, and no other of its name."""
    return bool(live["metadata"].get("uid") == deletion.change.live_uid)


def _send(writer: ApiWriter, deletion: Deletion, version: str, redactor: Redactor) -> NotGone | None:
    try:
        planned = Precondition(deletion.change.live_uid, version)
        writer.delete(deletion.kind, *deletion.place, planned, deletion.propagation)
    except ApiFailure as failure:
        # 409: the uid or the version is another one. A lost answer: only a look at the object tells.
        if failure.status != 409 and not failure.ambiguous:
            return NotGone(Result.FAILED, failure_text(failure, redactor))
    except GitopsPushError as error:
        return NotGone(Result.FAILED, failure_text(error, redactor))
    return None


def await_absence(
    writer: ApiWriter, deletion: Deletion, patience: Patience, redactor: Redactor
) -> Gone | NotGone | None:
    """Wait until it is gone; None if it is there and is not being deleted. Reads only."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            live = writer.get(deletion.kind, *deletion.place)
        except (ApiFailure, GitopsPushError) as failure:
            text = failure_text(failure, redactor)
            return NotGone(Result.UNKNOWN, f"it cannot be read after its deletion: {text}")
        if live is None:
            return Gone()
        if live["metadata"].get("uid") != deletion.change.live_uid:
            return Gone("somebody recreated it since: the new object is not ours, and stays")
        if not live["metadata"].get("deletionTimestamp"):
            return None
        if patience.is_over:
            return _still_there(live)
        patience.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def _still_there(live: Body) -> NotGone:
    finalizers = ", ".join(live["metadata"].get("finalizers") or ())
    waits = f"it waits for the finalizers {finalizers}" if finalizers else "it waits for its controller or its children"
    return NotGone(Result.FAILED, f"it is being deleted but not gone: {waits}; it stays in the inventory")
