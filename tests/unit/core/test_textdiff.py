"""Line diffs: exact where texts are alike, bounded where they are not."""

from __future__ import annotations

import random
import time

from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.textdiff import Block, changed_blocks, text_diff, text_lines

lines = st.lists(st.sampled_from(["a", "b", "c", "d", ""]), max_size=14)


def replaced(old: list[str], new: list[str], blocks: tuple[Block, ...]) -> list[str]:
    result, at = [], 0
    for block in blocks:
        result += [*old[at : block.before], *new[block.after : block.after + block.added]]
        at = block.before + block.removed
    return [*result, *old[at:]]


def length_of_longest_common_subsequence(a: list[str], b: list[str]) -> int:
    row = [0] * (len(b) + 1)
    for x in a:
        previous = row
        row = [0]
        for j, y in enumerate(b):
            row.append(previous[j] + 1 if x == y else max(previous[j + 1], row[j]))
    return row[-1]


def seconds_of(before: str, after: str) -> float:
    started = time.process_time()
    text_diff(before, after)
    return time.process_time() - started


@given(lines, lines)
def test_the_blocks_turn_one_text_into_the_other(old: list[str], new: list[str]) -> None:
    assert replaced(old, new, changed_blocks(old, new)) == new


@given(lines, lines, st.integers(0, 12))
def test_the_blocks_are_right_however_early_the_search_ends(old: list[str], new: list[str], steps: int) -> None:
    assert replaced(old, new, changed_blocks(old, new, steps)) == new


@given(lines, lines)
def test_no_diff_has_fewer_lines(old: list[str], new: list[str]) -> None:
    blocks = changed_blocks(old, new)
    kept = length_of_longest_common_subsequence(old, new)
    assert (sum(b.removed for b in blocks), sum(b.added for b in blocks)) == (len(old) - kept, len(new) - kept)


@given(st.text("ab\n\r"), st.text("ab\n\r"))
def test_texts_that_differ_have_a_line_that_says_so(before: str, after: str) -> None:
    assert bool(text_diff(before, after).lines) is (before != after)


@given(st.text("ab\n\r\u2028"))
def test_lines_put_together_are_the_text(text: str) -> None:
    assert "".join(text_lines(text)) == text


def test_a_text_of_5000_lines_with_4_changed_ones_shows_those_at_once() -> None:
    old = [f"  key-{n % 90}: value" for n in range(5000)]
    new = [*old]
    for at in (17, 2000, 2001, 4998):
        new[at] += "!"
    before, after = "\n".join(old), "\n".join(new)
    found = text_diff(before, after)
    assert (found.added, found.removed) == (4, 4)
    assert [line for line in found.lines if line[0] in "+-"] == [
        "-  key-17: value",
        "+  key-17: value!",
        "-  key-20: value",
        "-  key-21: value",
        "+  key-20: value!",
        "+  key-21: value!",
        "-  key-48: value",
        "+  key-48: value!",
    ]
    assert sum(line.startswith("@@") for line in found.lines) == 3
    assert seconds_of(before, after) < 0.2


def test_unrelated_texts_of_the_same_few_lines_end_soon_as_one_replacement() -> None:
    dice = random.Random(4)
    before, after = ("\n".join(f"{dice.randrange(40)}" for _ in range(5000)) for _ in range(2))
    assert seconds_of(before, after) < 0.8
    found = text_diff(before, after)
    assert found.lines[0].startswith("@@ -1,") or found.lines[0].startswith("@@ -")
    assert sum(line.startswith("@@") for line in found.lines) == 1
    assert [line for line in found.lines if line.startswith("…")] == [
        f"… {found.removed - 40:,} more lines removed",
        f"… {found.added - 40:,} more lines added",
    ]


def test_unrelated_texts_without_a_common_line_are_one_replacement() -> None:
    found = text_diff("\n".join(f"old {n}" for n in range(5000)), "\n".join(f"new {n}" for n in range(4000)))
    assert (found.removed, found.added, found.lines[0]) == (5000, 4000, "@@ -1,5000 +1,4000 @@")


def test_a_missing_newline_at_the_end_is_a_difference() -> None:
    assert text_diff("a\nb\n", "a\nb").lines == ("@@ -1,2 +1,2 @@", " a", "-b", "+b", "\\ no newline at the end")


def test_changes_whose_context_touches_are_one_hunk() -> None:
    old = [str(n) for n in range(30)]
    near, far = [*old], [*old]
    near[5] = near[12] = far[5] = far[13] = "x"
    assert [line for line in text_diff("\n".join(old), "\n".join(near)).lines if "@@" in line] == ["@@ -3,14 +3,14 @@"]
    assert [line for line in text_diff("\n".join(old), "\n".join(far)).lines if "@@" in line] == [
        "@@ -3,7 +3,7 @@",
        "@@ -11,7 +11,7 @@",
    ]


def test_a_diff_of_very_many_places_is_cut_and_says_by_how_much() -> None:
    old = [str(n) for n in range(9000)]
    new = [f"{line}x" if int(line) % 10 == 0 else line for line in old]
    found = text_diff("\n".join(old), "\n".join(new))
    assert len(found.lines) == 401
    assert found.lines[-1].endswith("more lines of this diff")
    assert found.added == 900
