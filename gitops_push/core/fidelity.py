"""How sure a plan has to be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem, RefusedError
from gitops_push.core.plan import Action, Change, Fidelity, HookRun, HookState

_MEANINGS: Final = {
    Fidelity.SERVER: "checked by the server",
    Fidelity.SCHEMA: "checked by its schema only",
    Fidelity.CLIENT: "not checked by the server",
    Fidelity.REFUSED: "not checked: its dry run is refused",
}
_REMEDIES: Final = {
    Fidelity.SCHEMA: "deploy the definition or the namespace first, or ask for less by --min-fidelity schema",
    Fidelity.CLIENT: "deploy what it depends on first, or ask for less by --min-fidelity client",
    Fidelity.REFUSED: "have the webhook declare sideEffects None or NoneOnDryRun, or leave out --min-fidelity",
}

_TRIED: Final = "tried by dry runs of its deletion, and of its creation under another name"
_ASK_FOR_LESS: Final = "a recreation cannot be proven further: ask for less by --min-fidelity schema"


def meaning_of(change: Change) -> str:
    """Return what the fidelity of a change says, for people."""
    return certainty(change.fidelity, tried=is_tried(change))


def certainty(fidelity: Fidelity, *, tried: bool) -> str:
    """Return what a fidelity says, for people; `tried` where the two halves of a recreation were dry-run."""
    return _TRIED if tried and fidelity is Fidelity.SCHEMA else _MEANINGS[fidelity]


def is_tried(change: Change) -> bool:
    """Return whether a change is a recreation whose two halves were dry-run, each by itself."""
    return change.action is Action.RECREATE and change.fidelity is Fidelity.SCHEMA


def check_fidelity(changes: Iterable[Change], least: Fidelity | None, hooks: Iterable[HookRun] = ()) -> None:
    """Raise `RefusedError` with every change and hook that is less sure than `least`; None asks for nothing."""
    if least is None:
        return
    runs = (_creation(hook) for hook in hooks if hook.state is HookState.RUNS)
    every = (*changes, *runs)
    problems = tuple(_too_low(change, least) for change in every if change.fidelity.is_less_sure_than(least))
    if problems:
        raise RefusedError(problems)


def _creation(hook: HookRun) -> Change:
    action = Action.RECREATE if hook.clears else Action.CREATE
    return Change(hook.ref, hook.api_version, action, hook.fidelity, reason=hook.reason, origin=hook.origin)


def _too_low(change: Change, least: Fidelity) -> Problem:
    why = f": {change.reason}" if change.reason else ""
    message = f"{change.ref}: {meaning_of(change)}, and --min-fidelity {least} was asked for{why}"
    remedy = _ASK_FOR_LESS if is_tried(change) else _REMEDIES[change.fidelity]
    return Problem(Code.FIDELITY_TOO_LOW, message, change.origin, change.ref, remedy)
