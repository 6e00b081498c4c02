"""The "did you mean" of an error message."""

from __future__ import annotations

from collections.abc import Collection


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return ` (did you mean 'x'?)` for the known word that is nearest to `word`, or "" when none is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, sorted(known), n=1)
    if not near:
        spelled = {name.lower(): name for name in known}.get(word.lower())
        near = [spelled] if spelled else []
    return f" (did you mean {near[0]!r}?)" if near else ""
