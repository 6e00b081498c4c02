"""The trail of a value that came from another place: where the field's values came from, then where this one did."""

from __future__ import annotations

from typing import Final

from gitops_push.core.origin import Origin

_LONGEST: Final = 32
"""Values that are copied to and fro would otherwise have endless trails."""


def traced(origin: Origin, earlier: Origin | None, source: Origin | None) -> Origin:
    """Return the place with a trail over those that the field had, and then those that the value had."""
    places = [place.without_trail() for one in (earlier, source) if one is not None for place in (*one.trail, one)]
    kept = list(dict.fromkeys(places))
    if len(kept) > _LONGEST:
        kept = [kept[0], *kept[1 - _LONGEST :]]
    return Origin(origin.file, origin.line, origin.column, origin.step, tuple(kept))
