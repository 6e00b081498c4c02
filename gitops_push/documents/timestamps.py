"""The dates that Go's yaml package knows, and their RFC 3339 form."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

_DATE: Final = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_TIME: Final = re.compile(
    _DATE.pattern + r"(?:([Tt])| )([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,]([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2})?"
)


def rfc3339(text: str) -> str | None:
    """Return a date in RFC 3339 form with up to nanoseconds, or None where the text is not such a date.

    Known are `2001-12-14`, `2001-12-14T21:59:43.1-05:00` (also with a small t) and `2001-12-14 21:59:43` without a
    zone, which means UTC; months, days, hours, minutes and seconds may have one digit.
    """
    if len(text) < 8 or text[4:5] != "-" or not text[:4].isdecimal():
        return None
    found = _DATE.fullmatch(text)
    if found:
        day = _day(*found.groups())
        return None if day is None else f"{day}T00:00:00Z"
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    year, month, day_number, letter, *clock, fraction, zone = found.groups()
    day = _day(year, month, day_number)
    time = _clock(*clock)
    if day is None or time is None or (letter is None) != (zone is None) or not _is_zone(zone):
        return None
    digits = (fraction or "")[:9].rstrip("0")
    return f"{day}T{time}{'.' + digits if digits else ''}{_zone(zone)}"


def _day(year: str, month: str, day: str) -> str | None:
    try:
        # The year 0 exists in Go and is a leap year, as 2000 is.
        date(int(year) or 2000, int(month), int(day))
    except ValueError:
        return None
    return f"{year}-{int(month):02}-{int(day):02}"


def _clock(hour: str, minute: str, second: str) -> str | None:
    if int(hour) > 23 or int(minute) > 59 or int(second) > 59:
        return None
    return f"{int(hour):02}:{int(minute):02}:{int(second):02}"


def _is_zone(zone: str | None) -> bool:
    return zone in (None, "Z") or (int(zone[1:3]) <= 23 and int(zone[4:6]) <= 59)


def _zone(zone: str | None) -> str:
    return "Z" if zone in (None, "Z", "+00:00", "-00:00") else str(zone)
