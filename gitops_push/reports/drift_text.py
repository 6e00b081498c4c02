"""The drift report as text: what differs, who changed it and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from gitops_push.core.drift import Cause, DriftReport, FieldDrift, ObjectDrift
from gitops_push.core.fielddiff import ABSENT
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.run import RunHeader
from gitops_push.reports.lines import Line, Tone, columns, counted
from gitops_push.reports.values import describe_owner, show_pair

TONES: Final = {
    Cause.MISSING: Tone.DELETE,
    Cause.EDITED: Tone.UPDATE,
    Cause.BOTH: Tone.UPDATE,
    Cause.UNKNOWN: Tone.UPDATE,
    Cause.EXTRA: Tone.CREATE,
    Cause.UNVERIFIABLE: Tone.DIM,
    Cause.GIT_AHEAD: Tone.DIM,
}
"""In the order in which causes are listed: what the cluster lost or people did comes first."""


def drift_lines(report: DriftReport, header: RunHeader) -> tuple[Line, ...]:
    """Return the whole drift report: one line where there is nothing to tell."""
    drifted = in_order(report.drifted)
    about = [Line(f"unmanaged  {ref}  has the label of this environment", Tone.UPDATE) for ref in report.unmanaged]
    about += [Line(f"note: {note}", Tone.UPDATE) for note in report.notes]
    verdict = drift_verdict(report)
    if not drifted and not about:
        return (verdict,)
    return (*_heading(report, header), *_object_lines(drifted), *about, verdict)


def in_order(drifted: Iterable[ObjectDrift]) -> tuple[ObjectDrift, ...]:
    """Return what the cluster lost or people did first."""
    order = list(TONES)
    return tuple(sorted(drifted, key=lambda drift: order.index(drift.cause)))


def _heading(report: DriftReport, header: RunHeader) -> Iterator[Line]:
    yield Line(str(header), Tone.HEADING)
    if report.deployed_commit:
        yield Line(f"deployed: {report.deployed_commit[:7]}", Tone.DIM)


def _object_lines(drifted: Sequence[ObjectDrift]) -> Iterator[Line]:
    rows = [(d.cause.value, str(d.ref), d.reason.removeprefix(f"{d.ref}: ")) for d in drifted]
    for text, drift in zip(columns(rows), drifted, strict=True):
        yield Line(text, TONES[drift.cause])
        for field in drift.fields:
            yield from field_lines(field, drift.cause)
        yield from _where(drift)


def field_lines(drifted: FieldDrift, whole: Cause) -> tuple[Line, ...]:
    """Return three lines: the field; what is live and who set it; what git wants and where it says so.

    The cause of a field is told where it is another than that of the whole object.
    """
    field = drifted.change
    live, wanted = show_pair(field.before, field.after)
    live = "not there" if field.before is ABSENT else live
    wanted = "not there" if field.after is ABSENT else wanted
    width = min(60, max(len(live), len(wanted)))
    who = f"set by {describe_owner(field.owner)}" if field.owner else ""
    cause = f"  ({drifted.cause.value})" if drifted.cause is not whole else ""
    return (
        Line(f"    {format_field_path(field.path)}{cause}"),
        Line(f"        live  {live.ljust(width)}  {who}".rstrip(), Tone.DELETE),
        Line(f"        git   {wanted.ljust(width)}  {field.origin or ''}".rstrip(), Tone.CREATE),
    )


def _where(drift: ObjectDrift) -> list[Line]:
    if drift.cause is Cause.MISSING and drift.origin:
        return [Line(f"    wanted by {drift.origin}", Tone.DIM)]
    return []


def drift_verdict(report: DriftReport) -> Line:
    """Return the last line: how many objects drifted, and why."""
    drifted = report.drifted
    proven = f" ({report.proven} proven without a dry run)" if report.proven else ""
    if not drifted:
        return Line(f"IN SYNC {report.environment}: {counted(report.in_sync, 'object')}{proven}", Tone.GOOD)
    counts = ", ".join(f"{n} {cause.value}" for cause in TONES if (n := sum(d.cause is cause for d in drifted)))
    return Line(f"DRIFT {report.environment}: {counts}, {report.in_sync} in sync{proven}", Tone.UPDATE)
