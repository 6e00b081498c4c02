"""Regular expressions of Go's RE2 syntax, on Python's `re`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from gitops_push.core.origin import Origin
from gitops_push.kustomize.errors import invalid

_CLASSES: Final = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "digit": "0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "space": r"\t\n\v\f\r ",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
    "punct": r"!-/:-@\[-`{-~",
}
_CLASS: Final = re.compile(r"\[:(\w+):\]")


def compile_go_regex(pattern: str, origin: Origin) -> re.Pattern[str]:
    """Return the pattern compiled. Raises `BuildError` at `origin` when it is not valid."""
    try:
        return _compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise invalid(f"error parsing regexp {pattern!r}: {error}", origin, "correct the regular expression") from error


@lru_cache(maxsize=4096)
def _compile(pattern: str) -> re.Pattern[str]:
    text = _CLASS.sub(lambda found: _CLASSES.get(found[1], found[0]), pattern).replace(r"\z", r"\Z")
    if text.endswith("$") and not text.endswith(r"\$"):
        text = text[:-1] + r"\Z"  # Go's $ does not match before a last newline
    return re.compile(text, re.ASCII)
