"""From the text of a pattern to its tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from gitops_push.core.go_regex.characters import (
    ANY,
    ANY_BUT_NEWLINE,
    PERL_CLASSES,
    POSIX_CLASSES,
    CharacterSet,
    category_class,
)

_MOST_REPEATS: Final = 1000
"""Go refuses `x{1001}`."""
_DEEPEST: Final = 200
_ESCAPES: Final = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ASSERTIONS: Final = {"A": "start", "z": "end", "b": "boundary", "B": "no boundary"}
_COUNT: Final = re.compile(r"\{(\d{1,9})(,(\d{0,9}))?\}")
_GROUP: Final = re.compile(r"\(\?(?:P?<\w+>|(?P<flags>[imsU]*(?:-[imsU]+)?)(?P<end>[:)]))")
_HEX: Final = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})")
_OCTAL: Final = re.compile(r"[1-7][0-7]{1,2}|0[0-7]{0,2}")
_UNICODE: Final = re.compile(r"([pP])(?:([A-Z])|\{(\^?)(\w+)\})")
_POSIX: Final = re.compile(r"\[:(\^?)(\w+):\]")


class UnknownSyntaxError(ValueError):
    """The text is no pattern, or one that is not known here."""


@dataclass(frozen=True, slots=True)
class Character:
    """One character of a set."""

    wanted: CharacterSet


@dataclass(frozen=True, slots=True)
class Assertion:
    """A condition on the place: start, end, line start, line end, boundary, no boundary."""

    kind: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """All parts, one after the other."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the parts."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The part so many times; `most` None is without end."""

    part: Tree
    least: int
    most: int | None


Tree: TypeAlias = Character | Assertion | Sequence | Choice | Repeat


@dataclass(frozen=True, slots=True)
class _Flags:
    ignore_case: bool = False
    many_lines: bool = False
    dot_is_all: bool = False

    def changed(self, text: str) -> _Flags:
        """Return the flags after `i`, `s-m` or the like; whether a repeat is greedy is all the same here."""
        names = {"i": "ignore_case", "m": "many_lines", "s": "dot_is_all"}
        on, _, off = text.partition("-")
        switched = [(on, True), (off, False)]
        return replace(self, **{names[f]: value for flags, value in switched for f in flags if f in names})


def parse(pattern: str) -> Tree:
    """Return the tree of a pattern, or raise `UnknownSyntaxError`."""
    parser = _Parser(pattern)
    tree = parser.choice(0)
    if parser.at < len(pattern):
        raise UnknownSyntaxError("unexpected )")
    return tree


class _Parser:
    """Reads a pattern from left to right; `at` is where it is."""

    def __init__(self, pattern: str) -> None:
        self.text = pattern
        self.at = 0
        self.flags = _Flags()

    def choice(self, depth: int) -> Tree:
        """Read alternatives up to a closing parenthesis or the end; flags that are set in them end with them."""
        if depth > _DEEPEST:
            raise UnknownSyntaxError("nested too deep")
        outside = self.flags
        parts = [self.sequence(depth)]
        while self.text[self.at : self.at + 1] == "|":
            self.at += 1
            parts.append(self.sequence(depth))
        self.flags = outside
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def sequence(self, depth: int) -> Tree:
        """Read what stands side by side."""
        parts: list[Tree] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            found = self.atom(depth)
            if found is not None:
                parts.append(self.repeated(found))
        return Sequence(tuple(parts))

    def atom(self, depth: int) -> Tree | None:
        """Read one thing; None for flags, and for quotations, which are read in place."""
        char = self.text[self.at]
        match char:
            case "(":
                return self.group(depth)
            case "[":
                return Character(self.bracket())
            case "*" | "+" | "?":
                raise UnknownSyntaxError(f"nothing to repeat by {char}")
            case "\\":
                return self.escape()
        self.at += 1
        match char:
            case ".":
                return Character(ANY if self.flags.dot_is_all else ANY_BUT_NEWLINE)
            case "^":
                return Assertion("line start" if self.flags.many_lines else "start")
            case "$":
                return Assertion("line end" if self.flags.many_lines else "end")
            case _:
                return self.literal(char)

    def literal(self, char: str) -> Character:
        """Return a character as itself."""
        return Character(CharacterSet(((char, char),)).folded(self.flags.ignore_case))

    def group(self, depth: int) -> Tree | None:
        """Read a group; one that sets flags only is None, and the flags hold to the end of the group around it."""
        outside = self.flags
        if self.text.startswith("(?", self.at):
            found = _GROUP.match(self.text, self.at)
            if found is None:
                raise UnknownSyntaxError("unknown group")
            self.at = found.end()
            self.flags = self.flags.changed(found["flags"] or "")
            if found["end"] == ")":
                return None
        else:
            self.at += 1
        inside = self.choice(depth + 1)
        if self.text[self.at : self.at + 1] != ")":
            raise UnknownSyntaxError("missing )")
        self.at += 1
        self.flags = outside
        return inside

    def repeated(self, part: Tree) -> Tree:
        """Read what repeats a part."""
        counts = self.counts()
        if counts is None:
            return part
        if self.text[self.at : self.at + 1] == "?":
            self.at += 1
        if self.counts() is not None:
            raise UnknownSyntaxError("a repeat is repeated")
        return Repeat(part, *counts)

    def counts(self) -> tuple[int, int | None] | None:
        """Read *, +, ? or {n,m}; braces that are no count are characters."""
        char = self.text[self.at : self.at + 1]
        if char and char in "*+?":
            self.at += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
        found = _COUNT.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        least = int(found[1])
        most = least if found[2] is None else int(found[3]) if found[3] else None
        if max(least, most or 0) > _MOST_REPEATS or (most is not None and most < least):
            raise UnknownSyntaxError("invalid repeat count")
        return least, most

    def escape(self) -> Tree:
        """Read what begins with a backslash."""
        char = self.text[self.at + 1 : self.at + 2]
        if char in _ASSERTIONS and char:
            self.at += 2
            return Assertion(_ASSERTIONS[char])
        if char == "Q":
            return self.quotation()
        named = self.named_class()
        if named is not None:
            return Character(named)
        return self.literal(self.escaped_character())

    def quotation(self) -> Tree:
        r"""Read `\Q…\E`; a repeat behind it is one of its last character."""
        text, end, _ = self.text[self.at + 2 :].partition("\\E")
        self.at += 2 + len(text) + len(end)
        parts: list[Tree] = [self.literal(char) for char in text]
        return Sequence((*parts[:-1], self.repeated(parts[-1]))) if parts else Sequence(())

    def named_class(self) -> CharacterSet | None:
        r"""Read `\d` or `\p{L}`, or return None and stay."""
        char = self.text[self.at + 1 : self.at + 2]
        if char in PERL_CLASSES:
            self.at += 2
            return PERL_CLASSES[char]
        found = _UNICODE.match(self.text, self.at + 1)
        if found is None:
            return None
        wanted = category_class(found[2] or found[4])
        if wanted is None:
            raise UnknownSyntaxError(f"the class {found[0]} is not known")
        self.at = found.end()
        return wanted.negated() if (found[1] == "P") != bool(found[3]) else wanted

    def escaped_character(self) -> str:
        r"""Read `\n`, `\x2f`, `\.` as the character that it stands for."""
        char = self.text[self.at + 1 : self.at + 2]
        for pattern, base in ((_HEX, 16), (_OCTAL, 8)):
            found = pattern.match(self.text, self.at + 1)
            if found is not None:
                self.at = found.end()
                return _character(int(found[1] or found[2] if base == 16 else found[0], base))
        if char in _ESCAPES and char:
            self.at += 2
            return _ESCAPES[char]
        if not char or char.isalnum():
            raise UnknownSyntaxError(f"unknown escape \\{char}")
        self.at += 2
        return char

    def bracket(self) -> CharacterSet:
        """Read a class in brackets; a `]` at its very beginning is a character."""
        self.at += 1
        negated = self.text[self.at : self.at + 1] == "^"
        self.at += negated
        parts = tuple(self.bracket_parts())
        whole = CharacterSet((), parts).folded(self.flags.ignore_case)
        return whole.negated() if negated else whole

    def bracket_parts(self) -> Iterator[CharacterSet]:
        """Yield what is in the brackets, and go past the closing one."""
        first = self.at
        while self.text[self.at : self.at + 1] != "]" or self.at == first:
            if self.at >= len(self.text):
                raise UnknownSyntaxError("missing ]")
            posix = _POSIX.match(self.text, self.at)
            if posix is not None:
                yield self.posix_class(posix)
                continue
            named = self.named_class() if self.text[self.at] == "\\" else None
            yield named if named is not None else self.range()
        self.at += 1

    def posix_class(self, found: re.Match[str]) -> CharacterSet:
        """Return a class like `[:alpha:]`."""
        if found[2] not in POSIX_CLASSES:
            raise UnknownSyntaxError(f"the class {found[0]} is not known")
        self.at = found.end()
        wanted = POSIX_CLASSES[found[2]]
        return wanted.negated() if found[1] else wanted

    def range(self) -> CharacterSet:
        """Read `a` or `a-z` in brackets."""
        low = self.bracket_character()
        following = self.text[self.at : self.at + 2]
        if not following.startswith("-") or following == "-]" or len(following) < 2:
            return CharacterSet(((low, low),))
        self.at += 1
        high = self.bracket_character()
        if high < low:
            raise UnknownSyntaxError("invalid range of characters")
        return CharacterSet(((low, high),))

    def bracket_character(self) -> str:
        """Read one character in brackets."""
        if self.text[self.at] == "\\":
            return self.escaped_character()
        self.at += 1
        return self.text[self.at - 1]


def _character(code: int) -> str:
    if code > 0x10FFFF:
        raise UnknownSyntaxError("no such character")
    return chr(code)
