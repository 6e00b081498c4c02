"""What an apply did, as text: failures first, the verdict last."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gitops_push.core.deployment import Deployment, Outcome, Result
from gitops_push.core.plan import Action
from gitops_push.reports.cause_text import cause_lines
from gitops_push.reports.lines import Line, Tone, columns, counted
from gitops_push.reports.problem_text import SourceLine, without_source

_ORDER: Final = (Result.FAILED, Result.UNKNOWN, Result.NOT_READY, Result.NOT_REACHED, Result.NOT_VERIFIED, Result.DONE)
TONES: Final = {
    Result.FAILED: Tone.BAD,
    Result.UNKNOWN: Tone.BAD,
    Result.NOT_READY: Tone.BAD,
    Result.NOT_REACHED: Tone.UPDATE,
    Result.NOT_VERIFIED: Tone.UPDATE,
    Result.DONE: Tone.GOOD,
}


def deployment_lines(deployment: Deployment, source_line: SourceLine = without_source) -> tuple[Line, ...]:
    """Return the report of a finished or interrupted apply; what is unchanged and well is only counted.

    Why something is not healthy stands last, above the verdict, where a log ends.
    """
    told = in_order(deployment.outcomes)
    rows = [(o.result.value, o.deed, str(o.ref), _message(o)) for o in told]
    lines: list[Line] = []
    for text, outcome in zip(columns(rows), told, strict=True):
        lines.append(Line(text, TONES[outcome.result]))
        lines += [Line(f"    {more}") for more in outcome.message.splitlines()[1:] if not outcome.cause]
    lines += cause_lines(((o.ref, o.cause) for o in told if o.cause), source_line)
    if deployment.note:
        lines.append(Line(deployment.note, Tone.UPDATE))
    lines.append(deployment_verdict(deployment))
    return tuple(lines)


def in_order(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Return what is worth telling, failures first: unchanged and healthy objects are left out."""
    told = (outcome for outcome in outcomes if _worth_telling(outcome))
    return tuple(sorted(told, key=lambda outcome: _ORDER.index(outcome.result)))


def outcome_line(outcome: Outcome) -> Line:
    """Return the progress line of one object."""
    message = f"  {first_line(outcome.message)}" if outcome.message else ""
    return Line(f"{outcome.result.value}  {outcome.deed}  {outcome.ref}{message}", TONES[outcome.result])


def first_line(message: str) -> str:
    """Return the first line of a message of several lines."""
    return message.partition("\n")[0]


def _message(outcome: Outcome) -> str:
    if outcome.result is Result.DONE and not outcome.message:
        return f"{outcome.duration_seconds:.1f} s" if outcome.duration_seconds >= 0.1 else ""
    return outcome.cause.code.value if outcome.cause else first_line(outcome.message)


def _worth_telling(outcome: Outcome) -> bool:
    return outcome.result not in {Result.DONE, Result.NOT_VERIFIED} or outcome.action is not Action.UNCHANGED


def deployment_verdict(deployment: Deployment) -> Line:
    """Return the last line: how it ended, with the counts."""
    name = deployment.plan.environment
    counts = ", ".join(f"{n} {result.value}" for result in Result if (n := _count(deployment, result)))
    seconds = (deployment.finished_at - deployment.started_at).total_seconds()
    tail = f"{counts or 'nothing to do'} ({seconds:.1f} s)"
    if deployment.interrupted:
        rest = "run the same command again to finish" if deployment.wrote else "nothing was written"
        return Line(f"INTERRUPTED {name}: {tail}; {rest}", Tone.BAD)
    match deployment.exit_code:
        case 0 if deployment.wrote:
            return Line(f"DEPLOYED {name}: {tail}", Tone.GOOD)
        case 0:
            unchanged = counted(len(deployment.outcomes), "object")
            silent = _count(deployment, Result.NOT_VERIFIED)
            rest = f", {silent} of them not verified" if silent else ""
            text = f"IN SYNC {name}: {unchanged} unchanged{rest} ({seconds:.1f} s); nothing was written"
            return Line(text, Tone.GOOD)
        case 21:
            return Line(f"NOT HEALTHY {name}: {tail}; everything was applied", Tone.BAD)
        case _:
            return Line(f"FAILED {name}: {tail}; run the same command again when the cause is mended", Tone.BAD)


def _count(deployment: Deployment, result: Result) -> int:
    return sum(outcome.result is result for outcome in deployment.outcomes)
