"""Durations as people write them: `90s`, `5m`, `1h30m`."""

from __future__ import annotations

import re
from typing import Final

DURATION_PATTERN: Final = r"(?=.*[1-9])(?:[0-9]{1,6}h)?(?:[0-9]{1,6}m)?(?:[0-9]{1,6}s)?"
DURATION_EXAMPLES: Final = ("5m", "90s", "1h30m")
_UNITS: Final = {"h": 3600, "m": 60, "s": 1}


def parse_duration(text: str) -> float | None:
    """Return the seconds, or None for what is no duration, or none at all (`0s`)."""
    if not re.fullmatch(DURATION_PATTERN, text):
        return None
    return float(sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"([0-9]+)([hms])", text)))


def duration_text(seconds: float) -> str:
    """Return a duration for people, to the second: `1h30m`, `45s`; below a second `0.3s`."""
    if 0 < seconds < 1:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"
