"""The status of an environment as text: what is not healthy first."""

from __future__ import annotations

from typing import Final

from gitops_push.core.run import RunHeader
from gitops_push.core.status import Health, ObjectStatus, StatusReport
from gitops_push.reports.cause_text import cause_lines
from gitops_push.reports.history_text import last_line
from gitops_push.reports.lines import Line, Tone, columns
from gitops_push.reports.problem_text import without_source

_ORDER: Final = (Health.FAILED, Health.MISSING, Health.PROGRESSING, Health.UNKNOWN, Health.READY)
_TONES: Final = {
    Health.FAILED: Tone.BAD,
    Health.MISSING: Tone.BAD,
    Health.PROGRESSING: Tone.UPDATE,
    Health.UNKNOWN: Tone.DIM,
    Health.READY: Tone.GOOD,
}


def status_lines(report: StatusReport, header: RunHeader) -> tuple[Line, ...]:
    """Return the whole status report."""
    lines = [Line(str(header), Tone.HEADING)]
    if not report.deployed:
        return (*lines, Line(f"NOT DEPLOYED {header.environment}: there is no inventory yet"))
    inventory = report.inventory
    at = f" at {inventory.deployed_at:%Y-%m-%d %H:%M:%S}Z" if inventory.deployed_at else ""
    commit = inventory.commit[:7] or "unknown commit"
    lines.append(Line(f"deployed: {commit}{at}, state {inventory.state.value}"))
    lines += [last_line(report.last_run)] if report.last_run else []
    lines += [Line(f"on hold {report.hold}", Tone.UPDATE)] if report.hold else []
    found = [status for health in _ORDER for status in report.objects if status.health is health]
    rows = [(status.health.value, str(status.ref), _first(status)) for status in found]
    for text, status in zip(columns(rows), found, strict=True):
        lines.append(Line(text, _TONES[status.health]))
        lines += [Line(f"    {line}") for line in status.reason.splitlines()[1:] if not status.cause]
    lines += cause_lines(((status.ref, status.cause) for status in found if status.cause), without_source)
    lines.append(_verdict(report, header))
    return tuple(lines)


def _first(status: ObjectStatus) -> str:
    return status.cause.code.value if status.cause else status.reason.partition("\n")[0]


def _verdict(report: StatusReport, header: RunHeader) -> Line:
    counts = ", ".join(f"{n} {health.value}" for health in _ORDER if (n := report.count(health)))
    bad = report.count(Health.FAILED) + report.count(Health.MISSING) + report.count(Health.PROGRESSING)
    word, tone = ("NOT HEALTHY", Tone.BAD) if bad else ("HEALTHY", Tone.GOOD)
    return Line(f"{word} {header.environment}: {counts or 'no objects'}", tone)
