"""Line diffs of long texts, as people know them from `diff -u`."""

from __future__ import annotations

import difflib


def line_diff(before: str, after: str, context_lines: int = 3) -> tuple[str, ...]:
    """Return the unified diff of two texts without file headers: lines that begin with " ", "-", "+" or "@@"."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=context_lines)
    return tuple(line for line in lines if not line.startswith(("--- ", "+++ ")))[:MOST_LINES]


MOST_LINES = 400
"""A diff is for reading: what is longer is cut (the JSON report has all of it)."""
