"""The lock of an environment as text and as data."""

from __future__ import annotations

from gitops_push.core.durations import duration_text
from gitops_push.core.lease import LeaseState, LockHolder
from gitops_push.core.run import RunHeader
from gitops_push.core.run_identity import identity_data
from gitops_push.reports.json_report import Data
from gitops_push.reports.lines import Line, Tone


def lock_lines(state: LeaseState | None, header: RunHeader, *, lives: bool, released: bool) -> tuple[Line, ...]:
    """Return who holds the lock, who waits, and what became of it."""
    name = header.environment
    if state is None or state.holder is None:
        return (Line(f"NOT LOCKED {name}"),)
    pulse = "it is renewed: that run lives" if lives else "it was not renewed while this looked: that run may be gone"
    at, duration = state.renewed[:19].replace("T", " "), duration_text(state.duration_seconds)
    lines = [
        Line(f"held by {state.holder}"),
        Line(f"  last renewed {at}Z, for {duration}; {pulse}"),
        *(Line(f"  waiting: {one.identity}") for one in state.waiting),
    ]
    if released:
        return (*lines, Line(f"UNLOCKED {name}: that run writes nothing more", Tone.UPDATE))
    silent = "; it gets free by itself when its time is over" if not lives else ""
    lines.append(Line(f"LOCKED {name}{silent}", Tone.UPDATE))
    return (*lines, Line(f"next: gitops-push unlock {name} --force, if that run is gone", Tone.DIM))


def lock_data(state: LeaseState | None, *, lives: bool, released: bool) -> Data:
    """Return the lock; `holder` is null where nobody holds it."""
    if state is None or state.holder is None:
        return {"locked": False, "holder": None, "waiting": []}
    return {
        "locked": not released,
        "released": released,
        "lives": lives,
        "holder": _data(state.holder),
        "renewedAt": state.renewed,
        "durationSeconds": state.duration_seconds,
        "waiting": [_data(one) for one in state.waiting],
    }


def _data(holder: LockHolder) -> Data:
    return {**identity_data(holder.identity), "since": holder.since}
