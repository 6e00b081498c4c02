"""The formats of texts that API servers know (k8s.io/apiextensions-apiserver, pkg/apiserver/validation/formats.go).

Names are without their dashes. `uri`, `email`, `hostname` and `mac` are parsers of Go's own libraries: what is checked
here is what these refuse for certain.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Final

_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})")
_CARD: Final = re.compile(
    r"4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9]{2})[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}"
    r"|(?:2131|1800|35[0-9]{3})[0-9]{11}"
)
_CLOCK: Final = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[^\n][0-9]+)?(?:z|[+-][0-9]{2}:[0-9]{2})")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_GO_DURATION: Final = re.compile(r"[+-]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)")
_LONG_DURATION: Final = re.compile(r"[0-9]+\s*([A-Za-zµ]+)")
_LABEL: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_MAC: Final = re.compile(
    r"[0-9a-fA-F]{2}(?:(?::[0-9a-fA-F]{2})+|(?:-[0-9a-fA-F]{2})+)|[0-9a-fA-F]{4}(?:\.[0-9a-fA-F]{4})+"
)
_OBJECT_ID: Final = re.compile(r"[0-9a-fA-F]{24}")
_RGB: Final = re.compile(
    r"rgb\(\s*(?P<n>0|[1-9][0-9]?|1[0-9]{1,2}|2[0-4][0-9]|25[0-5])\s*"
    r"(?:,\s*(?:0|[1-9][0-9]?|1[0-9]{1,2}|2[0-4][0-9]|25[0-5])\s*){2}\)"
)
_SSN: Final = re.compile(r"[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}")
_COLOUR: Final = re.compile(r"#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9a-fA-F]{2})")
_SHORT_UNITS: Final = frozenset({"ns", "us", "µs", "ms", "s", "m", "h", "hr", "d", "w", "wk"})
_LONG_UNITS: Final = ("nano", "micro", "milli", "sec", "min", "hour", "day", "week")


def _whole(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.fullmatch(text) is not None


def _is_uuid(text: str, version: str = "[0-9a-f]", variant: str = "[0-9a-f]") -> bool:
    pattern = f"[0-9a-f]{{8}}-?[0-9a-f]{{4}}-?{version}[0-9a-f]{{3}}-?{variant}[0-9a-f]{{3}}-?[0-9a-f]{{12}}"
    return re.fullmatch(pattern, text, re.IGNORECASE) is not None


def _is_date(text: str) -> bool:
    if not _whole(_DATE, text):
        return False
    year, month, day = (int(part) for part in text.split("-"))
    try:
        date(year or 2000, month, day)  # Go has a year 0, which is a leap year
    except ValueError:
        return False
    return True


def _is_time(text: str) -> bool:
    parts = text.lower().split("t")
    clock = _CLOCK.fullmatch(parts[1]) if len(parts) > 1 else None
    return clock is not None and _is_date(parts[0]) and clock[1] <= "23" and max(clock[2], clock[3]) <= "59"


def _is_duration(text: str) -> bool:
    """Return whether Go or Scala would take it; of the latter a text holds one somewhere."""
    if _whole(_GO_DURATION, text):
        return True
    units = (found[1].lower() for found in _LONG_DURATION.finditer(text))
    return any(unit in _SHORT_UNITS or unit.startswith(_LONG_UNITS) for unit in units)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an IP address as Go reads it: numbers of IPv4 may have leading zeros, zones are not known."""
    try:
        return None if "%" in text else ipaddress.ip_address(_without_leading_zeros(text))
    except ValueError:
        return None


def _without_leading_zeros(text: str) -> str:
    head, colon, tail = text.rpartition(":")
    if not re.fullmatch(r"[0-9]{1,10}(?:\.[0-9]{1,10}){3}", tail):
        return text
    return head + colon + ".".join(str(int(number)) for number in tail.split("."))


def _is_ipv4(text: str) -> bool:
    return "." in text and _address(text) is not None


def _is_ipv6(text: str) -> bool:
    return ":" in text and _address(text) is not None


def _is_cidr(text: str) -> bool:
    place, slash, length = text.partition("/")
    address = _address(place)
    return bool(slash) and address is not None and _is_length(length, address.max_prefixlen)


def _is_length(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4 and int(text) <= most


def _is_uri(text: str) -> bool:
    """Return what Go's url.ParseRequestURI takes: an absolute path, or anything after a scheme."""
    path = text.partition("?")[0]
    if not text or _CONTROL.search(text) or not (text.startswith("/") or text == "*" or _SCHEME.match(text)):
        return False
    return _BAD_ESCAPE.search(path) is None and (" " not in path.partition("://")[2].partition("/")[0])


def _is_email(text: str) -> bool:
    """Return whether it may be an address: with an at sign, in angle brackets after a name or alone."""
    before, at, domain = text.strip().rpartition("@")
    return bool(at) and bool(before.strip(" <")) and bool(domain.strip(" >")) and not _CONTROL.search(text)


def _is_hostname(text: str) -> bool:
    """Return what the server's pattern takes: one label with at most a dash behind its first letter, or a full name."""
    *labels, last = text.split(".")
    if len(text.encode()) > 255 or any(len(label.encode()) > 63 for label in (*labels, last)):
        return False
    if not labels:
        return _is_host_character(last[:1]) and all(map(_is_host_character, last[1:].removeprefix("-")))
    letters = all(unicodedata.category(char)[0] == "L" for char in last)
    return len(last) >= 2 and letters and all(map(_is_host_label, labels))


def _is_host_label(label: str) -> bool:
    inside = all(map(_is_host_character, label.replace("-", "")))
    return bool(label) and inside and not label.startswith("-") and not label.endswith("-")


def _is_host_character(char: str) -> bool:
    return char.isascii() and char.isalnum() if char < "\x80" else unicodedata.category(char)[0] in "SL"


def _is_isbn10(text: str) -> bool:
    plain = re.sub(r"[\s-]+", "", text)
    if not re.fullmatch(r"[0-9]{9}(?:X|[0-9])", plain):
        return False
    return sum(weight * (10 if char == "X" else int(char)) for weight, char in enumerate(plain, 1)) % 11 == 0


def _is_isbn13(text: str) -> bool:
    plain = re.sub(r"[\s-]+", "", text)
    if not re.fullmatch(r"[0-9]{13}", plain):
        return False
    return sum((1, 3)[place % 2] * int(char) for place, char in enumerate(plain)) % 10 == 0


def _is_card(text: str) -> bool:
    plain = re.sub(r"[^0-9]+", "", text)
    doubled = [int(char) * (1 + place % 2) for place, char in enumerate(reversed(plain))]
    return _whole(_CARD, plain) and sum(number // 10 + number % 10 for number in doubled) % 10 == 0


def _is_ssn(text: str) -> bool:
    return len(text) == 11 and _whole(_SSN, text)


def _is_short_name(text: str) -> bool:
    return len(text) <= 63 and _whole(_LABEL, text)


def _is_long_name(text: str) -> bool:
    return len(text) <= 253 and all(_whole(_LABEL, part) for part in text.split("."))


FORMATS: Final[Mapping[str, Callable[[str], bool]]] = {
    "bsonobjectid": partial(_whole, _OBJECT_ID),
    "byte": partial(_whole, _BASE64),
    "cidr": _is_cidr,
    "creditcard": _is_card,
    "date": _is_date,
    "datetime": _is_time,
    "duration": _is_duration,
    "email": _is_email,
    "hexcolor": partial(_whole, _COLOUR),
    "hostname": _is_hostname,
    "ipv4": _is_ipv4,
    "ipv6": _is_ipv6,
    "isbn": lambda text: _is_isbn10(text) or _is_isbn13(text),
    "isbn10": _is_isbn10,
    "isbn13": _is_isbn13,
    "k8slongname": _is_long_name,
    "k8sshortname": _is_short_name,
    "mac": partial(_whole, _MAC),
    "rgbcolor": partial(_whole, _RGB),
    "ssn": _is_ssn,
    "uri": _is_uri,
    "uuid": _is_uuid,
    "uuid3": partial(_is_uuid, version="3"),
    "uuid4": partial(_is_uuid, version="4", variant="[89ab]"),
    "uuid5": partial(_is_uuid, version="5", variant="[89ab]"),
}
"""Whether a text has the format. `password` is any text; `quantity` servers list and do not check."""
