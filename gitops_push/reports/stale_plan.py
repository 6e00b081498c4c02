"""Why an approved plan may not be applied any more: a problem for each object, a line for each thing that moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem
from gitops_push.core.fielddiff import ABSENT, Shown
from gitops_push.core.objects import ObjectRef
from gitops_push.core.plan import Action
from gitops_push.core.plan_approval import Move
from gitops_push.core.plan_digest import BoundField, Handover
from gitops_push.core.redaction import without_tags
from gitops_push.reports.lines import Line, Tone
from gitops_push.reports.values import describe_owner, show_value

_MOST = 80


def stale_problems(moves: Iterable[Move], made: str) -> tuple[Problem, ...]:
    """Return a problem for each object that moved; `made` says when and from what the approved plan was made."""
    return tuple(_problem(ref, tuple(moved), made) for ref, moved in groupby(moves, key=lambda move: move.ref))


def stale_lines(problems: Iterable[Problem]) -> tuple[Line, ...]:
    """Return the same as lines of a report that goes on with a new plan."""
    return tuple(Line(f"  {line}", Tone.UPDATE) for problem in problems for line in problem.message.splitlines())


def place_problems(pairs: Iterable[tuple[str, str, str]]) -> tuple[Problem, ...]:
    """Return a problem for each of (what, then, now) that differs: the plan was made for somewhere else."""
    hint = "give the plan that was made for this one"
    return tuple(
        Problem(Code.PLAN_STALE, f"the plan was made for the {what} {then}, and this is {now}", hint=hint)
        for what, then, now in pairs
        if then != now
    )


def _problem(ref: ObjectRef, moved: tuple[Move, ...], made: str) -> Problem:
    told = [line for move in moved for line in _lines(move)]
    alone = len(moved) == 1
    lines = told if not _only_manifest(moved) else [f"its manifest is not that of the plan, {made}"]
    text = f"{ref}: {lines[0]}" if alone else "\n".join((f"{ref} is not as it was in the plan:", *lines))
    return Problem(Code.PLAN_STALE, text, ref=ref)


def _only_manifest(moved: tuple[Move, ...]) -> bool:
    return all(move.what == "manifest" for move in moved)


def _lines(move: Move) -> Iterator[str]:
    match move.what, move.then, move.now:
        case "object", None, now:
            yield _came(str(now))
        case "object", then, None:
            yield _went(str(then))
        case "action", then, now:
            yield f"the plan says {then}, and now it would be {now}"
        case "proof", then, now:
            yield f"what happens was proven by the {then}, and is now by the {now}"
        case "version", then, now:
            yield f"it was sent as {then}, and would now be as {now}"
        case "field", BoundField() | None as then, BoundField() | None as now:
            yield from _field(then, now)
        case "handover", then, now:
            yield from _handover(then, now)


def _came(action: str) -> str:
    if action == Action.UNCHANGED:
        return "it is in the set now, and was not in the plan"
    return f"it is not in the plan, and now: {action}"


def _went(action: str) -> str:
    if action == Action.UNCHANGED:
        return "it was in the plan as unchanged, and is no longer in the set"
    return f"the plan says {action}, and now nothing would be done to it"


def _field(then: BoundField | None, now: BoundField | None) -> Iterator[str]:
    if now is None and then is not None:
        yield f"{then.path}: the plan says {_pair(then)}, and now nothing would change there"
    elif then is None and now is not None:
        yield f"{now.path}: {_pair(now)} is not in the plan{_by(now)}"
    elif then is not None and now is not None:
        if then.tags[0] != now.tags[0]:
            yield f"{now.path} is {_other(now.before, then.before)}, and was {_text(then.before)} in the plan{_by(now)}"
        if then.tags[1] != now.tags[1]:
            yield f"{now.path} would become {_other(now.after, then.after)}, and {_text(then.after)} in the plan"


def _handover(then: object, now: object) -> Iterator[str]:
    if isinstance(now, Handover):
        yield f"{_hand(now)}, which is not in the plan"
    elif isinstance(then, Handover):
        yield f"it no longer {_hand(then)}"


def _hand(hand: Handover) -> str:
    word = "to" if hand.what == "yields" else "from"
    return f"{hand.what} {hand.field}" + (f" {word} {hand.manager}" if hand.manager else "")


def _pair(field: BoundField) -> str:
    return f"{_text(field.before)} -> {_other(field.after, field.before)}"


def _other(value: Shown, beside: Shown) -> str:
    """Return a value as text; where that does not tell it from the one beside it, say so."""
    text = _text(value)
    return f"another {text}" if text == _text(beside) else text


def _text(value: Shown) -> str:
    return without_tags(show_value(value, _MOST)) if value is not ABSENT else "not set"


def _by(field: BoundField) -> str:
    return f"; it was set by {describe_owner(field.owner)}" if field.owner else ""
