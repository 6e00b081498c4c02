"""Why something is not healthy, as text: what, where in the config repo, the evidence, what to do; at most one screen.

What others wrote (logs, events, words of the kubelet) stands behind a prefix, so that no line of it can be taken for
ours. Causes that several objects share are told once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import Final

from gitops_push.core.causes import CauseCode
from gitops_push.core.diagnosis import Cause, LogTail
from gitops_push.core.events import Event
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.objects import ObjectRef
from gitops_push.core.untrusted import prefixed_block
from gitops_push.reports.lines import Line, Tone, counted
from gitops_push.reports.problem_text import SourceLine, place_lines

WIDTH: Final = 120
_MOST_LINES: Final = 20
"""Of one cause: with the rows and the verdict around it that is one screen."""

_LEAST_LOG: Final = 3
_MOST_IN_FULL: Final = 3
_MOST_NAMES: Final = 5
_MOST_EVENTS: Final = 3

Unhealthy = tuple[ObjectRef, Cause]


def cause_lines(unhealthy: Iterable[Unhealthy], source_line: SourceLine) -> tuple[Line, ...]:
    """Return all causes: those of what failed, each with its evidence, and then what was only not ready yet."""
    found = tuple(unhealthy)
    waiting = [(ref, cause) for ref, cause in found if cause.code is CauseCode.IN_PROGRESS]
    groups = list(_groups((ref, cause) for ref, cause in found if cause.code is not CauseCode.IN_PROGRESS))
    lines: list[Line] = []
    for number, group in enumerate(groups):
        evidence = number < _MOST_IN_FULL
        lines += _group(group, source_line, _MOST_LINES if len(groups) == 1 else _MOST_LINES // 2, evidence=evidence)
    return (*lines, *_waiting(waiting))


def _groups(unhealthy: Iterable[Unhealthy]) -> Iterator[list[Unhealthy]]:
    """Yield what shares a cause: the same image that was not found, the same quota, the same words of the scheduler."""
    groups: dict[tuple[CauseCode, str, str], list[Unhealthy]] = {}
    for ref, cause in unhealthy:
        own = "" if cause.subject else str(ref)
        groups.setdefault((cause.code, cause.subject, own), []).append((ref, cause))
    yield from groups.values()


def _group(group: list[Unhealthy], source_line: SourceLine, most: int, *, evidence: bool) -> list[Line]:
    (ref, cause), *others = group
    lines = _heading(f"error[{cause.code}]: {ref}", cause.summary)
    if cause.origin:
        lines += place_lines(cause.origin, source_line, format_field_path(cause.field))[:4]
    tail = [Line(_cut(f"  the same: {_names(_place(*other) for other in others)}"))] if others else []
    tail.append(Line(_cut(f"  help: {cause.code.hint}")))
    if not evidence:
        return [*lines, *tail]
    lines += _facts(cause)
    lines += [Line(_cut(f"  {note}"), Tone.DIM) for note in cause.notes]
    if cause.log:
        lines += _log(cause.log, max(_LEAST_LOG, most - len(lines) - len(tail) - 1))
    return [*lines, *tail]


def _heading(what: str, summary: str) -> list[Line]:
    whole = f"{what}: {summary}"
    texts = (whole,) if len(whole) <= WIDTH else (what, f"  {summary}")
    return [Line(_cut(text), Tone.BAD) for text in texts]


def _facts(cause: Cause) -> Iterator[Line]:
    if cause.state and cause.state != cause.summary:
        yield Line(_cut(f"  state: {cause.state}"))
    if cause.pod:
        yield Line(_cut(f"  pods: {cause.failing} of {cause.pods} like this, for example {cause.pod}"))
    if cause.said:
        yield from _folded(cause.said)
    for event in cause.events[-_MOST_EVENTS:]:
        yield from _folded(_event(event))


def _event(event: Event) -> str:
    times = f" ({event.count} times)" if event.count > 1 else ""
    return f"{event.reason}{times}: {event.message}"


def _log(log: LogTail, most: int) -> list[Line]:
    which = f"log of container {log.container}{', the run before' if log.previous else ''}"
    if log.note:
        return [Line(_cut(f"  {which}: {log.note}"), Tone.DIM)]
    shown = log.lines[-most:]
    of = f", the last {len(shown)} of {len(log.lines)} lines read" if len(shown) < len(log.lines) else ""
    return [Line(f"  {which}{of}:"), *(Line(_said(line)) for line in shown)]


def _folded(text: str) -> list[Line]:
    """Return what a kubelet, the scheduler or a controller said, in at most two lines."""
    return [Line(_said(line)) for line in wrap(text, WIDTH - 4, max_lines=2, placeholder=" …")]


def _said(text: str) -> str:
    """Return a line that others wrote, behind a prefix."""
    return _cut(f"  {prefixed_block(text)}")


def _waiting(found: list[Unhealthy]) -> Iterator[Line]:
    if found:
        names = _names(f"{ref} ({cause.summary})" for ref, cause in found)
        yield Line(_cut(f"  {counted(len(found), 'object')} not ready yet when the wait ended: {names}"), Tone.UPDATE)


def _place(ref: ObjectRef, cause: Cause) -> str:
    return f"{ref} ({cause.origin})" if cause.origin else str(ref)


def _names(names: Iterable[str]) -> str:
    every = tuple(names)
    more = f" and {len(every) - _MOST_NAMES} more" if len(every) > _MOST_NAMES else ""
    return ", ".join(every[:_MOST_NAMES]) + more


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"
