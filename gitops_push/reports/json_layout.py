"""JSON texts laid out over lines, so that they can be compared line by line.

Only the white space between tokens changes: numbers, escapes and repeated keys stay as they are written, so nothing
that differs becomes equal, and nothing that was masked is decoded.
"""

from __future__ import annotations

import json
import re
from typing import Final

_TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_DEEPEST: Final = 50


def json_lines(text: str) -> str | None:
    """Return a JSON object or array with one entry a line, or None for a text that is none."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _laid_out(_TOKENS.findall(text))


def _laid_out(parts: list[str]) -> str | None:
    pieces: list[str] = []
    depth = 0
    for part, following in zip(parts, (*parts[1:], ""), strict=True):
        depth += (part in {"{", "["}) - (following in {"}", "]"})
        if depth > _DEEPEST:
            return None
        pieces.append(part)
        if part == ":":
            pieces.append(" ")
        elif _ends_line(part, following):
            pieces.append("\n" + "  " * depth)
    return "".join(pieces).rstrip()


def _ends_line(part: str, following: str) -> bool:
    if part + following in {"{}", "[]"}:
        return False
    return part in {"{", "[", ","} or following in {"}", "]"}
