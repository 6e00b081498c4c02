"""What an apply did, as an overview."""

from __future__ import annotations

from typing import Final

from gitops_push.core.deployment import Deployment, Outcome, Result
from gitops_push.core.plan import Action, Change
from gitops_push.core.run import RunHeader
from gitops_push.reports.deployment_text import TONES, deployment_verdict, in_order
from gitops_push.reports.lines import Line
from gitops_push.reports.overview import Entry, Level, Overview
from gitops_push.reports.plan_text import change_details, change_summary

_LEVELS: Final = {
    Result.FAILED: Level.ERROR,
    Result.UNKNOWN: Level.ERROR,
    Result.NOT_READY: Level.ERROR,
    Result.NOT_REACHED: Level.WARNING,
}
_LOUD: Final = frozenset({Action.PRUNE, Action.RECREATE})


def deployment_overview(deployment: Deployment, header: RunHeader, *, exit_code: int = 0) -> Overview:
    """Return a finished or interrupted apply as an overview; unchanged and healthy objects are only counted."""
    verdict = deployment_verdict(deployment)
    changes = {change.ref: change for change in deployment.plan.changes}
    told = in_order(deployment.outcomes)
    return Overview(
        title="deployment",
        environment=deployment.plan.environment,
        verdict=verdict.text,
        tone=verdict.tone,
        entries=tuple(_entry(outcome, changes.get(outcome.ref)) for outcome in told),
        quiet=len(deployment.outcomes) - len(told),
        header=header,
        notes=(deployment.note,) if deployment.note else (),
        exit_code=exit_code,
    )


def _entry(outcome: Outcome, change: Change | None) -> Entry:
    first, *rest = outcome.message.splitlines() or [""]
    went_well = outcome.result is Result.DONE
    about = change_summary(change) if change and went_well else ""
    return Entry(
        subject=str(outcome.ref),
        word=outcome.action.value if went_well else outcome.result.value,
        tone=TONES[outcome.result],
        summary="; ".join(filter(None, (first, about))),
        details=(*map(Line, rest), *(change_details(change) if change and went_well else ())),
        origin=change.origin if change else None,
        level=_LEVELS.get(outcome.result),
        rule=outcome.result.value.replace(" ", "-"),
        loud=outcome.action in _LOUD,
        seconds=outcome.duration_seconds,
    )
