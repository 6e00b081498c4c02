"""Lines of a text report: words and a tone. How a tone looks is the console's business."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """What a line means, not how it looks."""

    PLAIN = "plain"
    HEADING = "heading"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    GOOD = "good"
    BAD = "bad"
    DIM = "dim"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output, without its newline."""

    text: str = ""
    tone: Tone = Tone.PLAIN


def counted(number: int, word: str) -> str:
    """Return `1 object` or `3 objects`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the rows as text, every column but the last padded to its widest cell (at most 60 characters)."""
    if not rows:
        return []
    widths = [min(60, max(len(row[i]) for row in rows)) for i in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]
