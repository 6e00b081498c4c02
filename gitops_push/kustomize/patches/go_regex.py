"""Regular expressions of Go's RE2 syntax, on Python's `re`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, Problem
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
_MOST_CHARACTERS: Final = 1000
_MOST_REPEATS: Final = 4
_NOT_IN_GO: Final = re.compile(r"(?<!\\)\((?:\?[=!>#]|\?<[=!]|\?P=|\?\()|(?<!\\)[*+?}]\+|\\[1-9]")
_PART: Final = re.compile(
    r"(?:\\.|\[\^?\]?(?:\[:\w+:\]|\\.|[^\]])*\]|\((?:\?[^:)]*:|\?P?<\w+>)?|[^\\])"
    r"(?P<repeat>(?:[*+?]|\{\d+(?:,\d*)?\})\??)?",
    re.DOTALL,
)
"""One thing that is matched, or a parenthesis or bar, with what repeats it."""
_CLASS: Final = re.compile(r"\[:(\w+):\]")


class NotARegexError(BuildError):
    """The text is no regular expression of Go either."""


def compile_go_regex(pattern: str, origin: Origin, tail: str = "") -> re.Pattern[str]:
    """Return the pattern compiled, with `tail`, a pattern that is known to be harmless, spliced to its end.

    Raises `NotARegexError` at `origin` when it is not valid, `BuildError` when it could run without end.
    """
    if _NOT_IN_GO.search(pattern):
        reason = "invalid or unsupported Perl syntax"
        raise _not_a_regex(pattern, reason, origin, "look-around, back references and possessive repeats are not known")
    refused = _refusal(pattern)
    if refused:
        raise invalid(f"error parsing regexp {_shown(pattern)}: {refused[0]}", origin, refused[1])
    try:
        return _compile(pattern + tail)
    except (re.error, OverflowError, RecursionError) as error:
        raise _not_a_regex(pattern, str(error), origin, "correct the regular expression") from error


def _not_a_regex(pattern: str, reason: str, origin: Origin, hint: str) -> NotARegexError:
    message = f"error parsing regexp {_shown(pattern)}: {reason}"
    return NotARegexError(Problem(Code.KUSTOMIZATION_INVALID, message, origin, hint=hint))


@lru_cache(maxsize=4096)
def _compile(pattern: str) -> re.Pattern[str]:
    text = _CLASS.sub(lambda found: _CLASSES.get(found[1], found[0]), pattern).replace(r"\z", r"\Z")
    if text.endswith("$") and not text.endswith(r"\$"):
        text = text[:-1] + r"\Z"  # Go's $ does not match before a last newline
    return re.compile(text, re.ASCII)


def _refusal(pattern: str) -> tuple[str, str] | None:
    """Return why a pattern is refused, and what to do; None if it can be run.

    Go's matcher takes time linear in the text, Python's tries every way to split it: `(a+)+$` on 30 letters never
    ends. So a group with a choice inside is not repeated, and few parts of a pattern are of any length.
    """
    if len(pattern) > _MOST_CHARACTERS:
        return f"it is longer than {_MOST_CHARACTERS} characters", "make it shorter"
    choices = [False]
    repeats = 0
    for found in _PART.finditer(pattern):
        part = found[0]
        closed = False
        if part[0] == "(":
            choices.append(False)
        elif part[0] == ")" and len(choices) > 1:
            closed = choices.pop()
            choices[-1] |= closed
        repeat = found["repeat"] or ""
        if closed and repeat[:1] in {"*", "+", "{"}:
            return "a group with a choice or a repeat inside is repeated", "write it without the inner or outer one"
        repeats += repeat[:1] in {"*", "+", "{"}
        choices[-1] |= bool(repeat) or part == "|"
    if repeats > _MOST_REPEATS:
        return f"more than {_MOST_REPEATS} parts of it are repeated", "use fewer of *, + and {n,m}"
    return None


def _shown(pattern: str) -> str:
    return repr(pattern if len(pattern) <= _MOST_CHARACTERS else f"{pattern[:40]}…")
