"""The plan as text: destructive changes first and loud, then the rest, then field by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from gitops_push.core.fidelity import is_tried, meaning_of
from gitops_push.core.fielddiff import FieldChange, FieldOwner
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.inventory import PART_OF_LABEL
from gitops_push.core.managed_fields import FIELD_MANAGER
from gitops_push.core.plan import APPLIED, Action, Change, Fidelity, HookRun, Plan, YieldedField
from gitops_push.core.plan_digest import plan_digest
from gitops_push.core.run import RunHeader
from gitops_push.reports.lines import Line, Tone, columns, counted
from gitops_push.reports.order_text import hook_row, order_lines
from gitops_push.reports.take_over_text import take_over_lines, take_over_summary
from gitops_push.reports.values import describe_owner, describe_yield, detail_lines, show_value, summarize_fields

_SIGNS: Final = {
    Action.BLOCKED: "x",
    Action.PRUNE: "!",
    Action.RECREATE: "!",
    Action.TAKE_OVER: "~",
    Action.UPDATE: "~",
    Action.OWNERSHIP: "~",
    Action.CREATE: "+",
    Action.HOOK: ">",
    Action.KEPT: "=",
    Action.UNCHANGED: " ",
}
TONES: Final = {
    Action.BLOCKED: Tone.BAD,
    Action.PRUNE: Tone.DELETE,
    Action.RECREATE: Tone.DELETE,
    Action.TAKE_OVER: Tone.UPDATE,
    Action.UPDATE: Tone.UPDATE,
    Action.OWNERSHIP: Tone.UPDATE,
    Action.CREATE: Tone.CREATE,
    Action.HOOK: Tone.UPDATE,
    Action.KEPT: Tone.DIM,
    Action.UNCHANGED: Tone.DIM,
}
_ORDER: Final = (
    Action.BLOCKED,
    Action.PRUNE,
    Action.RECREATE,
    Action.TAKE_OVER,
    Action.UPDATE,
    Action.OWNERSHIP,
    Action.CREATE,
    Action.KEPT,
)
_UPDATING: Final = frozenset({Action.TAKE_OVER, Action.UPDATE, Action.RECREATE, Action.OWNERSHIP})
_COUNTED: Final = (
    Action.CREATE,
    Action.UPDATE,
    Action.OWNERSHIP,
    Action.TAKE_OVER,
    Action.RECREATE,
    Action.PRUNE,
    Action.HOOK,
    Action.BLOCKED,
    Action.KEPT,
    Action.UNCHANGED,
)

_UNSEEN: Final = "not seen without a dry run: what the server would reject, default, or have a webhook change"


def plan_lines(
    plan: Plan, header: RunHeader, next_command: str = "", *, server_fields: bool = False
) -> tuple[Line, ...]:
    """Return the whole report of a plan; with `server_fields` also what the server itself changes."""
    yielding = [change for change in plan.changes if change.action is Action.UNCHANGED and change.yielded]
    shown = (*shown_changes(plan.changes), *yielding)
    usual = Fidelity.SERVER if plan.dry_run else Fidelity.CLIENT
    lines = [Line(str(header), Tone.HEADING), Line(f"plan: {plan_counts(plan)}   ({_how(plan)})")]
    lines += change_lines(shown, usual, server_fields=server_fields, hooks=plan.hooks)
    lines += order_lines(plan)
    notes = (note for change in shown if change.take_over for note in change.take_over.notes)
    lines += [Line(f"note: {note}", Tone.UPDATE) for note in dict.fromkeys(notes)]
    lines += [Line(f"help: {way_out}") for way_out in dict.fromkeys(_ways_out(shown))]
    lines += [Line(f"warning: {w}  ({c.ref})", Tone.UPDATE) for c in plan.changes for w in c.warnings]
    lines += [Line(f"note: {note}", Tone.UPDATE) for note in plan.notes]
    lines += [Line(f"warning: {w}  ({h.ref})", Tone.UPDATE) for h in plan.hooks for w in h.warnings]
    if not plan.dry_run:
        lines.append(Line(f"note: {_UNSEEN}", Tone.UPDATE))
    if shown and plan.count(Action.UNCHANGED):
        lines.append(Line(f"unchanged: {plan.count(Action.UNCHANGED)}", Tone.DIM))
    if next_command and plan.has_changes and not plan.count(Action.BLOCKED):
        digest = [Line(f"plan digest: {_digest(plan)}")] if plan.dry_run else []
        lines += [*digest, Line(f"next: {next_command}")]
    lines.append(plan_verdict(plan))
    return tuple(lines)


def change_lines(
    shown: Sequence[Change],
    usual: Fidelity = Fidelity.SERVER,
    *,
    server_fields: bool = False,
    hooks: Iterable[HookRun] = (),
) -> Iterator[Line]:
    """Yield one line for each change and hook, and then the fields of each; an unusual fidelity is told."""
    rows = [(_SIGNS[c.action], c.action.value, str(c.ref), change_summary(c, usual)) for c in shown]
    runs = [(_SIGNS[Action.HOOK], Action.HOOK.value, *hook_row(hook)) for hook in hooks]
    texts = columns((*rows, *runs))
    for text, change in zip(texts, shown, strict=False):
        yield Line(text, TONES[change.action])
        yield from _impact_lines(change)
    yield from (Line(text, TONES[Action.HOOK]) for text in texts[len(rows) :])
    for change in shown:
        yield from _with_heading(change, (*change_details(change), *_server_lines(change, in_full=server_fields)))


def plan_counts(plan: Plan) -> str:
    """Return `2 create, 1 update, 41 unchanged`; actions that do not occur are left out, "unchanged" never is."""
    counts = [(plan.count(action), action) for action in _COUNTED]
    return ", ".join(f"{n} {action.value}" for n, action in counts if n or action is Action.UNCHANGED)


def change_counts(plan: Plan) -> str:
    """Return `2 create, 1 delete`: what would be written, for a question."""
    counts = [(plan.count(action), action) for action in _COUNTED if action not in {Action.UNCHANGED, Action.KEPT}]
    return ", ".join(f"{n} {action.value}" for n, action in counts if n)


def change_summary(change: Change, usual: Fidelity = Fidelity.SERVER) -> str:
    """Return the one line about a change: its reason, or its fields, and from whom it takes some."""
    reason = change.reason.partition("; ")[0] if change.action is Action.BLOCKED else change.reason
    parts = [str(change.step)] if change.action in APPLIED else []
    parts += [reason] if reason else []
    if change.renamed_from:
        parts.append(f"replaces {change.renamed_from}")
    if change.action is Action.TAKE_OVER and change.take_over:
        parts.append(take_over_summary(change.take_over))
    if change.action in _UPDATING or change.renamed_from:
        parts += [summarize_fields(told)] if (told := _telling(change)) else []
        parts += ["joins the set"] if _joins(change) else []
        losers = Counter(loss.manager for loss in change.taken)
        parts += [f"takes {counted(n, 'field')} from {manager}" for manager, n in sorted(losers.items())]
    if change.action is not Action.BLOCKED:
        parts += [describe_yield(left) for left in change.yielded]
    if change.fidelity not in {Fidelity.SERVER, usual}:
        parts += [meaning_of(change), *change.unchecked]
    return "; ".join(part for part in parts if part)


def shown_changes(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return the changes to show, destructive ones first.

    A deleted object that the row of the hashed name which follows it tells of has none of its own.
    """
    told = {(c.ref.kind, c.ref.namespace, c.renamed_from) for c in changes if c.renamed_from}
    shown = (c for action in _ORDER for c in changes if c.action is action)
    return tuple(
        c for c in shown if c.action is not Action.PRUNE or (c.ref.kind, c.ref.namespace, c.ref.name) not in told
    )


def _impact_lines(change: Change) -> Iterator[Line]:
    """Yield what the change brings about, below its row."""
    tone = Tone.DELETE if change.action in {Action.PRUNE, Action.RECREATE} else Tone.UPDATE
    yield from (Line(f"   impact: {note}", tone) for note in change.impact)


def _with_heading(change: Change, lines: tuple[Line, ...]) -> tuple[Line, ...]:
    return (Line(), Line(f"{change.ref}", Tone.HEADING), *lines) if lines else ()


def _server_lines(change: Change, *, in_full: bool) -> Iterator[Line]:
    """Yield what the server itself changes; of a new object, where all defaults are such, only if it is asked for."""
    if not change.server_fields or (change.action is Action.CREATE and not in_full):
        return
    fields = counted(change.server_changes, "field")
    more = ":" if in_full else " (--show-server-changes)"
    yield Line(f"    {fields} set or changed by the server itself{more}", Tone.DIM)
    for field in change.server_fields if in_full else ():
        yield from (Line(f"        {line}", Tone.DIM) for line in detail_lines(field))


def change_details(change: Change) -> list[Line]:
    """Return what changes field by field, with the line of the config repo; nothing where the summary said it all."""
    if not _has_details(change):
        return []
    lines: list[Line] = []
    for field in _telling(change):
        first, *rest = detail_lines(field)
        lines.append(Line(f"    {first}"))
        lines += [Line(f"    {line}", _diff_tone(line)) for line in rest]
        about = [str(field.origin)] if field.origin else []
        if field.owner and field.owner.manager != FIELD_MANAGER:
            about.append(f"was set by {describe_owner(field.owner)}")
        lines += [Line(f"        {'  '.join(about)}", Tone.DIM)] if about else []
    told = {format_field_path(field.path) for field in change.fields}
    for loss in change.taken:
        if loss.field not in told:
            owner = describe_owner(FieldOwner(loss.manager, loss.operation, loss.at))
            what = "same value" if loss.live == loss.ours else " -> ".join(map(show_value, (loss.live, loss.ours)))
            lines.append(Line(f"    {loss.field}: {what}, taken over from {owner}"))
    for left in change.yielded:
        lines += _yield_lines(left)
    lines += [Line(f"    {text}") for text in take_over_lines(change.take_over)] if change.take_over else []
    return lines


def _yield_lines(left: YieldedField) -> Iterator[Line]:
    """Yield what stays as it is, which line wants another value, and whose the live one is."""
    yield Line(f"    {format_field_path(left.field.path)}: stays {show_value(left.live)}, not {show_value(left.ours)}")
    about = [str(left.origin)] if left.origin else []
    about += [f"set by {describe_owner(left.field.owner)}"] if left.field.owner else []
    about += [f"scaled by {left.field.autoscaler}"] if left.field.autoscaler else []
    yield Line(f"        {'  '.join(about)}", Tone.DIM)


def _ways_out(changes: Iterable[Change]) -> Iterator[str]:
    """Yield how the owners of blocked objects let go of them: many objects, mostly one owner."""
    for change in changes:
        if change.action is Action.BLOCKED:
            yield from change.reason.split("; ")[1:]


def _telling(change: Change) -> tuple[FieldChange, ...]:
    """Return the fields to show, without the label of membership: what that means is said in words."""
    return tuple(field for field in change.fields if field.path[-1:] != (PART_OF_LABEL,))


def _joins(change: Change) -> bool:
    """Return whether the label of membership is among the fields of an object that is not new."""
    return not change.renamed_from and len(_telling(change)) < len(change.fields)


def _has_details(change: Change) -> bool:
    if change.action is Action.CREATE:
        return bool(change.fields and change.renamed_from)
    told = _telling(change) or change.taken or change.take_over
    return change.action in {*_UPDATING, Action.BLOCKED} and bool(told)


def _diff_tone(line: str) -> Tone:
    match line[2:3]:  # the sign stands behind the indent: what the text itself begins with is no sign
        case "+":
            return Tone.CREATE
        case "-":
            return Tone.DELETE
        case _:
            return Tone.DIM


def _digest(plan: Plan) -> str:
    without = "" if plan.keyed else "  (without secret values: the first deployment makes the key for them)"
    return plan_digest(plan) + without


def _how(plan: Plan) -> str:
    if not plan.dry_run:
        return f"compared by this client without a dry run, {plan.seconds:.1f} s"
    tried = sum(is_tried(c) for c in plan.changes)
    weaker = sum(c.fidelity is not Fidelity.SERVER for c in plan.changes) - tried
    notes = (f"; {n} {what}" for n, what in ((tried, "tried"), (weaker, "not checked by the server")) if n)
    proven = f"; {plan.proven} proven unchanged without one" if plan.proven else ""
    return f"server-side dry run, {plan.seconds:.1f} s{proven}{''.join(notes)}"


def plan_verdict(plan: Plan) -> Line:
    """Return the last line: whether there is anything to do, and whether apply would do it."""
    blocked = plan.count(Action.BLOCKED)
    if blocked:
        objects = counted(blocked, "object")
        return Line(f"BLOCKED {plan.environment}: {objects}; apply refuses, with exit code 15", Tone.BAD)
    if plan.has_changes:
        return Line(f"CHANGES {plan.environment}: {plan_counts(plan)}")
    return Line(f"IN SYNC {plan.environment}: {counted(len(plan.changes), 'object')}, nothing to do", Tone.GOOD)
