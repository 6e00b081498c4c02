"""The hooks of a plan, and the order of its waves, as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gitops_push.core.fidelity import certainty
from gitops_push.core.hooks import Phase
from gitops_push.core.plan import APPLIED, Fidelity, HookRun, HookState, Plan
from gitops_push.core.rounds import Round, rounds_of
from gitops_push.core.waves import MAIN
from gitops_push.reports.lines import Line, Tone, counted

_STATES: Final = {
    HookState.AWAITED: "runs since an earlier run, which did not finish; its end is awaited",
    HookState.DONE: "done by an earlier run, which did not finish",
}


def hook_row(hook: HookRun) -> tuple[str, str]:
    """Return the object of a hook, and when it runs."""
    ref = f"{hook.config_ref}{'*' if hook.is_generated else ''}"
    parts = [str(hook.step) or Phase.SYNC.title, _STATES.get(hook.state, ""), hook.reason]
    if hook.step.phase is Phase.SYNC_FAIL:
        parts.append("only if the deployment fails")
    if hook.clears:
        what = "object of its last run" if len(hook.clears) == 1 else f"{len(hook.clears)} objects of earlier runs"
        parts.append(f"first deletes the {what}")
    if hook.state is HookState.RUNS and hook.fidelity is not Fidelity.SERVER:
        parts.append(certainty(hook.fidelity, tried=bool(hook.clears)))
    return ref, "; ".join(filter(None, parts))


def order_lines(plan: Plan) -> Iterator[Line]:
    """Yield the order of the rounds, where there are several."""
    rounds = rounds_of(plan)
    if plan.has_changes and len(rounds) > 1:
        yield Line(f"order: {' -> '.join(map(_round, rounds))}", Tone.DIM)


def _round(found: Round) -> str:
    """Return `PreSync: 1 hook`, `wave 2: 1 of 3 objects`: what is sent of what is waited for."""
    changed = sum(change.action in APPLIED for change in found.changes)
    every = len(found.changes)
    objects = f"{changed} of {counted(every, 'object')}" if changed != every else counted(every, "object")
    parts = ([objects] if every else []) + ([counted(len(found.hooks), "hook")] if found.hooks else [])
    return f"{'wave 0' if found.step == MAIN else found.step}: {', '.join(parts)}"
