"""A drift report as an overview."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gitops_push.core.drift import Cause, DriftReport, ObjectDrift
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.run import RunHeader
from gitops_push.reports.drift_text import TONES, drift_verdict, field_lines, in_order
from gitops_push.reports.lines import Tone, counted
from gitops_push.reports.overview import Entry, Level, Mark, Overview
from gitops_push.reports.values import describe_owner, show_pair

_LEVELS: Final = {Cause.MISSING: Level.ERROR, Cause.GIT_AHEAD: Level.NOTICE, Cause.UNVERIFIABLE: Level.NOTICE}


def drift_overview(report: DriftReport, header: RunHeader, *, exit_code: int = 0) -> Overview:
    """Return a drift report as an overview; objects in sync are only counted."""
    verdict = drift_verdict(report)
    unmanaged = (_unmanaged(str(ref)) for ref in report.unmanaged)
    return Overview(
        title="drift",
        environment=report.environment,
        verdict=verdict.text,
        tone=verdict.tone,
        entries=(*map(_entry, in_order(report.drifted)), *unmanaged),
        quiet=report.in_sync,
        header=header,
        notes=report.notes,
        exit_code=exit_code,
    )


def _entry(drift: ObjectDrift) -> Entry:
    reason = drift.reason.removeprefix(f"{drift.ref}: ")
    return Entry(
        subject=str(drift.ref),
        word=drift.cause.value,
        tone=TONES[drift.cause],
        summary=reason or (counted(len(drift.fields), "field") if drift.fields else ""),
        details=tuple(line for field in drift.fields for line in field_lines(field, drift.cause)),
        marks=tuple(_marks(drift)),
        origin=drift.origin or next((f.change.origin for f in drift.fields if f.change.origin), None),
        level=_LEVELS.get(drift.counts_as, Level.WARNING),
        rule=drift.counts_as.value.replace(" ", "-"),
        loud=drift.cause is Cause.MISSING,
    )


def _marks(drift: ObjectDrift) -> Iterator[Mark]:
    """Yield what the line of each field that drifted has to know."""
    for field in drift.fields:
        if origin := field.change.origin:
            live, wanted = show_pair(field.change.before, field.change.after)
            who = f" (set by {describe_owner(field.change.owner)})" if field.change.owner else ""
            yield Mark(f"{format_field_path(field.change.path)} is {live}{who}, and here it is {wanted}", origin)


def _unmanaged(subject: str) -> Entry:
    summary = "it has the label of this environment, and is in no inventory"
    return Entry(subject, "unmanaged", Tone.UPDATE, summary, level=Level.NOTICE, rule="unmanaged")
