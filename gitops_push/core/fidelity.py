"""How sure a plan has to be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem, RefusedError
from gitops_push.core.plan import Change, Fidelity

MEANINGS: Final = {
    Fidelity.SERVER: "checked by the server",
    Fidelity.SCHEMA: "checked by its definition in the set, not by the server",
    Fidelity.CLIENT: "not checked by the server",
    Fidelity.REFUSED: "not checked: its dry run is refused",
}
_REMEDIES: Final = {
    Fidelity.SCHEMA: "deploy the definition or the namespace first, or ask for less by --min-fidelity schema",
    Fidelity.CLIENT: "deploy what it depends on first, or ask for less by --min-fidelity client",
    Fidelity.REFUSED: "have the webhook declare sideEffects None or NoneOnDryRun, or leave out --min-fidelity",
}


def check_fidelity(changes: Iterable[Change], least: Fidelity | None) -> None:
    """Raise `RefusedError` with every change that is less sure than `least`; None asks for nothing."""
    if least is None:
        return
    problems = tuple(_too_low(change, least) for change in changes if change.fidelity.is_less_sure_than(least))
    if problems:
        raise RefusedError(problems)


def _too_low(change: Change, least: Fidelity) -> Problem:
    why = f": {change.reason}" if change.reason else ""
    message = f"{change.ref}: {MEANINGS[change.fidelity]}, and --min-fidelity {least} was asked for{why}"
    return Problem(Code.FIDELITY_TOO_LOW, message, change.origin, change.ref, _REMEDIES[change.fidelity])
