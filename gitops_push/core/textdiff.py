"""Line diffs of long texts, as people know them from `diff -u`, with a bound on the work and on what is shown.

The shortest diff is found by Myers' greedy algorithm ("An O(ND) Difference Algorithm and Its Variations", 1986) after
two steps that leave its answer as it is and most of its work away: what both texts begin and end with is cut off, and
so are lines that only one of them has. Texts that are then still too far apart count as replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

MOST_STEPS: Final = 400_000
"""The bound on the search, about a tenth of a second."""

MOST_LINES: Final = 400
"""A diff is for reading: what is longer is cut (the JSON report has both texts whole)."""

LONGEST_RUN: Final = 40
"""Lines removed or added in one go are shown up to this number."""

_NO_NEWLINE: Final = "\\ no newline at the end"


@dataclass(frozen=True, slots=True)
class Block:
    """A run of lines that another run takes the place of: `removed` ones at `before`, `added` ones at `after`."""

    before: int
    removed: int
    after: int
    added: int


@dataclass(frozen=True, slots=True)
class TextDiff:
    r"""How two texts differ. `lines` begin with " ", "-", "+", "@@", or with "…" or "\" for a remark."""

    lines: tuple[str, ...]
    added: int
    removed: int


def text_diff(before: str, after: str, context_lines: int = 3) -> TextDiff:
    """Return how two texts differ, line by line; () and zeros exactly if they are equal."""
    old, new = text_lines(before), text_lines(after)
    blocks = changed_blocks(old, new)
    shown: list[str] = []
    for hunk in _hunks(blocks, context_lines):
        shown += _hunk_lines(hunk, old, new, context_lines)
    if len(shown) > MOST_LINES:
        shown[MOST_LINES:] = [f"… {len(shown) - MOST_LINES:,} more lines of this diff"]
    return TextDiff(tuple(shown), sum(b.added for b in blocks), sum(b.removed for b in blocks))


def text_lines(text: str) -> list[str]:
    r"""Return the lines with their "\n", the only end of a line: "\r" and others are part of it, and are shown."""
    *whole, rest = text.split("\n")
    return [*(f"{line}\n" for line in whole), *([rest] if rest else [])]


def changed_blocks(old: Sequence[str], new: Sequence[str], most_steps: int = MOST_STEPS) -> tuple[Block, ...]:
    """Return what to replace in `old` to get `new`, in order, as few lines as possible.

    Everything between the first and the last difference is one block if finding the shortest answer takes too long.
    """
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    inner_old, inner_new = old[start : len(old) - end], new[start : len(new) - end]
    pairs = _common_lines(inner_old, inner_new, most_steps)
    return tuple(_gaps([(start + i, start + j) for i, j in pairs], start, len(old) - end, len(new) - end))


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    """Return how many items two sequences begin with in common."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _common_lines(old: Sequence[str], new: Sequence[str], most_steps: int) -> list[tuple[int, int]]:
    """Return the positions of a longest common subsequence, or [] if finding it takes too long."""
    in_old, in_new = set(old), set(new)
    kept_old = [i for i, line in enumerate(old) if line in in_new]
    kept_new = [j for j, line in enumerate(new) if line in in_old]
    pairs = _myers([old[i] for i in kept_old], [new[j] for j in kept_new], most_steps)
    return [(kept_old[i], kept_new[j]) for i, j in pairs]


def _myers(a: Sequence[str], b: Sequence[str], most_steps: int) -> list[tuple[int, int]]:
    """Return the pairs of a longest common subsequence of two sequences, or [] after too many steps.

    Row d says how far into `a` one gets with d edits, on each of its diagonals -d, 2-d, … d (`x - y`).
    """
    rows: list[list[int]] = []
    while most_steps > 0:
        row: list[int] = []
        for index in range(len(rows) + 1):
            x = begun = _edited(rows, len(rows), index)
            y = x - 2 * index + len(rows)
            while x < len(a) and y < len(b) and a[x] == b[y]:
                x, y = x + 1, y + 1
            row.append(x)
            most_steps -= 1 + x - begun
            if x == len(a) and y == len(b):
                return _walk_back([*rows, row], index)
        rows.append(row)
    return []


def _adds(rows: Sequence[Sequence[int]], edits: int, index: int) -> bool:
    """Return whether the last edit to this place adds a line; else it removes one, or there is none."""
    return index < edits and (index == 0 or rows[edits - 1][index - 1] < rows[edits - 1][index])


def _edited(rows: Sequence[Sequence[int]], edits: int, index: int) -> int:
    """Return how far into the old lines the last edit to this place leads."""
    if not edits:
        return 0
    return rows[edits - 1][index] if _adds(rows, edits, index) else rows[edits - 1][index - 1] + 1


def _walk_back(rows: Sequence[Sequence[int]], index: int) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for edits in range(len(rows) - 1, -1, -1):
        diagonal = 2 * index - edits
        pairs += ((x, x - diagonal) for x in range(rows[edits][index] - 1, _edited(rows, edits, index) - 1, -1))
        index -= not _adds(rows, edits, index)
    return pairs[::-1]


def _gaps(pairs: Iterable[tuple[int, int]], start: int, old_end: int, new_end: int) -> Iterator[Block]:
    """Yield what is between the common lines."""
    i = j = start
    for next_i, next_j in (*pairs, (old_end, new_end)):
        if next_i > i or next_j > j:
            yield Block(i, next_i - i, j, next_j - j)
        i, j = next_i + 1, next_j + 1


def _hunks(blocks: Iterable[Block], context_lines: int) -> Iterator[list[Block]]:
    """Yield the blocks that are shown together, because their context touches."""
    hunk: list[Block] = []
    for block in blocks:
        if hunk and block.before - hunk[-1].before - hunk[-1].removed > 2 * context_lines:
            yield hunk
            hunk = []
        hunk.append(block)
    if hunk:
        yield hunk


def _hunk_lines(hunk: Sequence[Block], old: Sequence[str], new: Sequence[str], context_lines: int) -> Iterator[str]:
    first, last = hunk[0], hunk[-1]
    before = min(first.before, context_lines)
    behind = min(len(old) - last.before - last.removed, context_lines)
    start, stop = first.before - before, last.before + last.removed + behind
    new_start, new_stop = first.after - before, last.after + last.added + behind
    yield f"@@ -{_range(start, stop)} +{_range(new_start, new_stop)} @@"
    at = start
    for block in hunk:
        yield from _signed(" ", old[at : block.before])
        at = block.before + block.removed
        yield from _run("-", old[block.before : at], "removed")
        yield from _run("+", new[block.after : block.after + block.added], "added")
    yield from _signed(" ", old[at:stop])


def _range(start: int, stop: int) -> str:
    """Return `8,7`, or `8` for one line; of no lines the one before counts (POSIX `diff -u`)."""
    length = stop - start
    first = start + 1 if length else start
    return f"{first}" if length == 1 else f"{first},{length}"


def _run(sign: str, lines: Sequence[str], what: str) -> Iterator[str]:
    yield from _signed(sign, lines[:LONGEST_RUN])
    if len(lines) > LONGEST_RUN:
        yield f"… {len(lines) - LONGEST_RUN:,} more lines {what}"


def _signed(sign: str, lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield sign + line.removesuffix("\n")
        if not line.endswith("\n"):
            yield _NO_NEWLINE
