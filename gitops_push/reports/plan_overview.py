"""A plan, or the differences between two builds, as an overview."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from gitops_push.core.build_comparison import BuildDiff
from gitops_push.core.plan import Action, Change, Fidelity, Plan
from gitops_push.core.run import RunHeader
from gitops_push.reports.build_diff_text import build_diff_verdict
from gitops_push.reports.order_text import hook_row
from gitops_push.reports.overview import Entry, Level, Overview
from gitops_push.reports.plan_text import TONES, change_details, change_summary, plan_verdict, shown_changes

_LOUD: Final = frozenset({Action.PRUNE, Action.RECREATE})
_LEVELS: Final = {Action.BLOCKED: Level.ERROR, Action.PRUNE: Level.WARNING, Action.RECREATE: Level.WARNING}


def plan_overview(plan: Plan, header: RunHeader, next_command: str = "", *, exit_code: int = 0) -> Overview:
    """Return a plan as an overview; unchanged objects are only counted."""
    usual = Fidelity.SERVER if plan.dry_run else Fidelity.CLIENT
    verdict = plan_verdict(plan)
    shown = shown_changes(plan.changes)
    may_go_on = plan.has_changes and not plan.count(Action.BLOCKED)
    return Overview(
        title="plan",
        environment=plan.environment,
        verdict=verdict.text,
        tone=verdict.tone,
        entries=(*_entries(shown, usual), *_hook_entries(plan)),
        quiet=len(plan.changes) - len(shown),
        header=header,
        notes=tuple(f"{warning} ({change.ref})" for change in plan.changes for warning in change.warnings),
        next_command=next_command if may_go_on else "",
        exit_code=exit_code,
    )


def build_diff_overview(diff: BuildDiff, header: RunHeader, *, exit_code: int = 0) -> Overview:
    """Return the differences between two builds as an overview."""
    verdict = build_diff_verdict(diff)
    shown = shown_changes(diff.changes)
    return Overview(
        title=f"build against {diff.base}",
        environment=diff.environment,
        verdict=verdict.text,
        tone=verdict.tone,
        entries=_entries(shown, Fidelity.CLIENT),
        quiet=len(diff.changes) - len(shown),
        header=header,
        notes=("compared with another build; no cluster was asked",),
        exit_code=exit_code,
    )


def _hook_entries(plan: Plan) -> Iterator[Entry]:
    for hook in plan.hooks:
        ref, summary = hook_row(hook)
        tone, rule = TONES[Action.HOOK], Action.HOOK.value.replace(" ", "-")
        yield Entry(ref, Action.HOOK.value, tone, summary, origin=hook.origin, rule=rule)


def _entries(shown: Sequence[Change], usual: Fidelity) -> tuple[Entry, ...]:
    return tuple(
        Entry(
            subject=str(change.ref),
            word=change.action.value,
            tone=TONES[change.action],
            summary="; ".join(filter(None, (change_summary(change, usual), *change.impact))),
            details=tuple(change_details(change)),
            origin=change.origin,
            level=_LEVELS.get(change.action),
            rule=change.action.value.replace(" ", "-"),
            loud=change.action in _LOUD,
        )
        for change in shown
    )
