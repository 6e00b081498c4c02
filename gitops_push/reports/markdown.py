"""Reports as Markdown, for a step's summary and for a comment on a pull request.

Text that we did not write stands inside of code only: a span or a fence longer than any run of backticks in it, which
no renderer looks into for links, mentions or HTML (CommonMark, code spans and fenced code blocks). A report that is
too long loses whole objects, never half of one, and says how many.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

from gitops_push.core.run import describe_checkout
from gitops_push.reports.diff_lines import diff_texts
from gitops_push.reports.lines import Tone, counted
from gitops_push.reports.overview import Clean, Entry, Overview

SUMMARY_BYTES: Final = 1_000_000
"""GitHub shows nothing at all of a step summary over 1 MiB."""

COMMENT_BYTES: Final = 65_000
"""GitHub takes 65,536 characters for a comment, GitLab a million."""

_ROWS_SHARE: Final = 0.5
"""So much of the room may be used by the list of objects before their details get any."""

_RESERVED_BYTES: Final = 300
"""For the lines that say how much was cut."""

_MARKS: Final = {
    Tone.BAD: "❌",
    Tone.DELETE: "🔴",
    Tone.UPDATE: "🟡",
    Tone.CREATE: "🟢",
    Tone.GOOD: "✅",
}
_OTHER: Final = "⚪"


@dataclass(slots=True)
class _Section:
    """The parts of one overview; rows and bodies are left out from the end where there is no room."""

    head: str
    tail: str
    rows: list[str]
    bodies: list[str]
    kept_rows: list[str] = field(default_factory=list)
    kept_bodies: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return what is kept, with a count of what is not."""
        cut_rows, cut_bodies = len(self.rows) - len(self.kept_rows), len(self.bodies) - len(self.kept_bodies)
        rows = [*self.kept_rows, *([f"- … and {counted(cut_rows, 'more object')}\n"] if cut_rows else [])]
        bodies = list(self.kept_bodies)
        if cut_bodies:
            bodies.append(f"\n_The details of {counted(cut_bodies, 'object')} are left out here: there is no room._\n")
        return "".join((self.head, *rows, *bodies, self.tail))


def to_markdown(overviews: Iterable[Overview], clean: Clean, most_bytes: int = SUMMARY_BYTES) -> str:
    """Return the overviews as one Markdown text of at most `most_bytes` bytes (as long as the verdicts fit)."""
    sections = [_section(overview, clean) for overview in overviews]
    room = most_bytes - sum(_size(section.head) + _size(section.tail) + _RESERVED_BYTES for section in sections)
    rows_left = _fill(((s.rows, s.kept_rows) for s in sections), int(room * _ROWS_SHARE))
    _fill(((s.bodies, s.kept_bodies) for s in sections), room - int(room * _ROWS_SHARE) + rows_left)
    return "\n".join(section.text() for section in sections)


def code_span(text: str) -> str:
    """Return cleaned text of one line as a code span; it can hold anything, backticks too."""
    fence = "`" * (_longest_run(text) + 1)
    padding = " " if not text.strip(" ") or text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def code_block(lines: Sequence[str], language: str = "") -> str:
    """Return cleaned lines as a fenced block that ends where it ends."""
    fence = "`" * max(3, *(_longest_run(line) + 1 for line in lines), 0)
    return "\n".join((f"{fence}{language}", *lines, fence, ""))


def _section(overview: Overview, clean: Clean) -> _Section:
    return _Section(
        head="".join(_head(overview, clean)),
        tail="".join(_tail(overview, clean)),
        rows=[_row(entry, clean) for entry in overview.entries],
        bodies=[_body(entry, clean) for entry in overview.entries if entry.details],
    )


def _head(overview: Overview, clean: Clean) -> Iterator[str]:
    yield f"### {_MARKS.get(overview.tone, _OTHER)} {overview.title} of {code_span(clean(overview.environment))}\n\n"
    yield f"{code_span(clean(overview.verdict))}\n\n"
    if overview.header:
        about = [f"repo {code_span(clean(describe_checkout(overview.header.checkout)))}"]
        about += [f"cluster {code_span(clean(overview.header.cluster))}"] if overview.header.cluster else []
        yield f"gitops-push {overview.header.version} · {' · '.join(about)}\n\n"
    loud = [entry for entry in overview.entries if entry.loud]
    if loud:
        yield f"**🔴 {counted(len(loud), 'object')} of these will not be what they were, or not be there.**\n\n"


def _row(entry: Entry, clean: Clean) -> str:
    where = f" ({code_span(clean(str(entry.origin)))})" if entry.origin else ""
    summary = f": {code_span(clean(entry.summary))}" if entry.summary else ""
    strong = "**" if entry.loud else ""
    what = f"{_MARKS.get(entry.tone, _OTHER)} {strong}{entry.word}{strong}"
    return f"- {what} {code_span(clean(entry.subject))}{summary}{where}\n"


def _body(entry: Entry, clean: Clean) -> str:
    lines = [clean(text) for text in diff_texts(entry.details)]
    # A summary is HTML up to the next empty line, and no Markdown is looked for in it.
    title = f"{escape(entry.word)} <code>{escape(clean(entry.subject))}</code>"
    return f"\n<details><summary>{title}</summary>\n\n{code_block(lines, 'diff')}\n</details>\n"


def _tail(overview: Overview, clean: Clean) -> Iterator[str]:
    if overview.quiet:
        yield f"\n{counted(overview.quiet, 'object')} as they should be.\n"
    for note in dict.fromkeys(overview.notes):
        yield f"\n- note: {code_span(clean(note))}\n"
    if overview.next_command:
        yield f"\nnext: {code_span(clean(overview.next_command))}\n"


def _fill(parts: Iterable[tuple[list[str], list[str]]], room: int) -> int:
    """Move what fits from each list to its other one, and return the room that is left."""
    for every, kept in parts:
        for part in every:
            if _size(part) > room:
                break
            kept.append(part)
            room -= _size(part)
    return room


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
