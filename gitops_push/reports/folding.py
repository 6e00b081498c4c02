"""Long values on one line: what is left out is counted, and two values that differ stay apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, zip_longest


def folded(text: str, most: int) -> str:
    """Return the text with its middle left out where it has over `most` characters: `{"a": 1[…2,048…]b": 2}`."""
    if len(text) <= most:
        return text
    head, tail = most * 2 // 3, most // 3
    return f"{text[:head]}{_left_out(len(text) - head - tail)}{text[-tail:]}"


def folded_pair(before: str, after: str, most: int) -> tuple[str, str]:
    """Return two texts folded alike, each around the place where they begin to differ."""
    if max(len(before), len(after)) <= most:
        return before, after
    differ_at = _common_length(before, after)
    start = differ_at - most // 3 if differ_at > most // 2 else 0
    return _window(before, start, most), _window(after, start, most)


def folded_lines(lines: Iterable[str], most: int) -> Iterator[str]:
    """Yield the lines of a diff, long ones folded: a removed and an added line that face each other, alike."""
    for differing, group in groupby(lines, lambda line: line[:1] in {"-", "+"}):
        if not differing:
            yield from (folded(line, most) for line in group)
            continue
        run = tuple(group)
        removed = [line[1:] for line in run if line.startswith("-")]
        added = [line[1:] for line in run if line.startswith("+")]
        pairs = [folded_pair(old, new, most) for old, new in zip_longest(removed, added, fillvalue="")]
        yield from (f"-{old}" for old, _ in pairs[: len(removed)])
        yield from (f"+{new}" for _, new in pairs[: len(added)])


def _window(text: str, start: int, most: int) -> str:
    shown = text[start : start + most]
    rest = len(text) - start - len(shown)
    return f"{_left_out(start) if start else ''}{shown}{_left_out(rest) if rest else ''}"


def _left_out(characters: int) -> str:
    return f"[…{characters:,}…]"


def _common_length(a: str, b: str) -> int:
    """Return how many characters both texts begin with."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
