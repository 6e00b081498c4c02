"""Details of an entry in the form of a unified diff: the sign in the first column, where highlighters look for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gitops_push.reports.lines import Line, Tone

_SIGNS: Final = {Tone.CREATE: "+", Tone.DELETE: "-"}


def diff_text(line: Line) -> str:
    """Return a line of details with its sign in the first column, a space where it has none.

    Details are indented, so there is room for it; a sign that stands further right already is moved.
    """
    sign = _SIGNS.get(line.tone, "")
    if not sign:
        return f" {line.text[1:]}" if line.text.startswith(" ") else f" {line.text}"
    rest = line.text.lstrip(" ")
    indent = line.text[: len(line.text) - len(rest)]
    moved = f"{indent} {rest[1:]}" if rest.startswith(sign) else line.text
    return f"{sign}{moved[1:]}" if moved.startswith(" ") else f"{sign} {moved}"


def diff_texts(lines: Iterable[Line]) -> tuple[str, ...]:
    """Return lines of details as a diff."""
    return tuple(map(diff_text, lines))
