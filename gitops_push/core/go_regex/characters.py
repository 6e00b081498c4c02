"""Sets of characters, as the classes of regular expressions name them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """Characters in ranges (both ends included), in other sets, or of a general category that begins like this."""

    ranges: tuple[tuple[str, str], ...] = ()
    others: tuple[CharacterSet, ...] = ()
    category: str = ""
    is_negated: bool = False
    ignores_case: bool = False

    def __contains__(self, char: str) -> bool:
        """Return whether a character is in the set."""
        spellings = {char, char.lower(), char.upper()} if self.ignores_case else (char,)
        return any(self._holds(spelling) for spelling in spellings) != self.is_negated

    def negated(self) -> CharacterSet:
        """Return all other characters."""
        return replace(self, is_negated=not self.is_negated)

    def folded(self, ignores_case: bool) -> CharacterSet:
        """Return the set, which ignores upper and lower case if asked to."""
        return replace(self, ignores_case=True) if ignores_case else self

    def _holds(self, char: str) -> bool:
        return (
            any(low <= char <= high for low, high in self.ranges)
            or any(char in other for other in self.others)
            or (bool(self.category) and unicodedata.category(char).startswith(self.category))
        )


def _set(*ranges: str) -> CharacterSet:
    return CharacterSet(tuple((text[0], text[-1]) for text in ranges))


_CATEGORIES: Final = {"C": "cfos", "L": "lmotu", "M": "cen", "N": "dlo", "P": "cdefios", "S": "ckmo", "Z": "lps"}
"""The classes of general categories by the letters that may follow, each of them also alone."""
_DIGIT: Final = _set("09")
_WORD: Final = _set("09", "AZ", "__", "az")
_PERL_SPACE: Final = _set("\t\n", "\f\r", "  ")
ANY: Final = CharacterSet(is_negated=True)
ANY_BUT_NEWLINE: Final = _set("\n\n").negated()
PERL_CLASSES: Final = {
    "d": _DIGIT,
    "D": _DIGIT.negated(),
    "s": _PERL_SPACE,
    "S": _PERL_SPACE.negated(),
    "w": _WORD,
    "W": _WORD.negated(),
}
POSIX_CLASSES: Final = {
    "alnum": _set("09", "AZ", "az"),
    "alpha": _set("AZ", "az"),
    "ascii": _set("\x00\x7f"),
    "blank": _set("\t\t", "  "),
    "cntrl": _set("\x00\x1f", "\x7f\x7f"),
    "digit": _DIGIT,
    "graph": _set("!~"),
    "lower": _set("az"),
    "print": _set(" ~"),
    "punct": _set("!/", ":@", "[`", "{~"),
    "space": _set("\t\r", "  "),
    "upper": _set("AZ"),
    "word": _WORD,
    "xdigit": _set("09", "AF", "af"),
}


def is_word(char: str) -> bool:
    r"""Return whether a character is one of `\w`; "" (before the start, behind the end) is none."""
    return bool(char) and char in _WORD


def category_class(name: str) -> CharacterSet | None:
    """Return the characters of a Unicode general category, or None for another name."""
    first, rest = name[:1], name[1:]
    known = first in _CATEGORIES and len(rest) <= 1 and rest in _CATEGORIES[first]
    return CharacterSet(category=name) if known else None
