"""The history of an environment and its hold, as text and as data."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from gitops_push.core.history import Ending, HistoryEntry, Hold, counts_text
from gitops_push.core.run import RunHeader
from gitops_push.core.run_identity import identity_data
from gitops_push.reports.json_report import Data
from gitops_push.reports.lines import Line, Tone, columns, counted

_TONES: Final = {
    Ending.HEALTHY: Tone.GOOD,
    Ending.NOT_WAITED: Tone.DIM,
    Ending.UNHEALTHY: Tone.BAD,
    Ending.FAILED: Tone.BAD,
    Ending.INTERRUPTED: Tone.UPDATE,
    Ending.LOST: Tone.BAD,
}


def history_lines(entries: Iterable[HistoryEntry], hold: Hold | None, header: RunHeader) -> tuple[Line, ...]:
    """Return the deployments, the newest first, and whether the environment is on hold."""
    every = tuple(entries)
    rows = [_row(entry) for entry in every]
    lines = [Line(str(header), Tone.HEADING)]
    for text, entry in zip(columns(rows), every, strict=True):
        lines.append(Line(text, _TONES[entry.ending]))
        lines += [Line(f"    {entry.why}")] if entry.why else []
    lines += [Line(f"on hold {hold}", Tone.UPDATE)] if hold else []
    verdict = (
        f"{counted(len(every), 'deployment')} of {header.environment}"
        if every
        else f"NOT DEPLOYED {header.environment}"
    )
    return (*lines, Line(verdict))


def last_line(entry: HistoryEntry) -> Line:
    """Return the last deployment on one line, for a status."""
    why = f": {entry.why}" if entry.why else ""
    return Line(f"last run: {entry.ending.value}, {_when(entry.finished_at)}, by {entry.by}{why}", _TONES[entry.ending])


def _row(entry: HistoryEntry) -> tuple[str, ...]:
    back = f"back from {entry.rolled_back_from[:7]}" if entry.rolled_back_from else ""
    what = ", ".join(filter(None, (back, counts_text(entry.counts))))
    commit = entry.commit[:7] or "-"
    return (f"#{entry.number}", entry.ending.value, commit, _when(entry.finished_at), str(entry.by), what)


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


def history_data(entries: Iterable[HistoryEntry], hold: Hold | None) -> Data:
    """Return the deployments, the newest first."""
    return {"hold": hold_data(hold), "deployments": [_data(entry) for entry in entries]}


def hold_data(hold: Hold | None) -> Data | None:
    """Return a hold, None for none."""
    if hold is None:
        return None
    until = {"until": hold.until.isoformat()} if hold.until else {}
    return {"reason": hold.reason, "by": identity_data(hold.by), "since": hold.since.isoformat(), **until}


def _data(entry: HistoryEntry) -> Data:
    optional = {
        "startedAt": entry.started_at and entry.started_at.isoformat(),
        "planDigest": entry.digest,
        "why": entry.why,
        "rolledBackFrom": entry.rolled_back_from,
    }
    return {
        "number": entry.number,
        "ending": entry.ending.value,
        "commit": entry.commit,
        "finishedAt": entry.finished_at.isoformat(),
        "by": identity_data(entry.by),
        "counts": dict(entry.counts),
        **{key: value for key, value in optional.items() if value},
    }
