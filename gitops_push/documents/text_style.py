"""How text is written in YAML: the style that Go's yaml package chooses, and its folding of long lines."""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from gitops_push.documents.scalars import HINTS, is_text

FOLD_AFTER: Final = 80
"""The column after which a line is folded at the next single space."""

_CACHED_LENGTH: Final = 256
_LONGEST_SIMPLE_KEY_BYTES: Final = 128
# Patterns over much of Unicode are texts here: `re` compiles them when they are first used, and most runs never do.
# They name what is not wanted: the few characters, for to compile takes a step for each of those named.
_UNPRINTABLE: Final = "[\0-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe-\U0010ffff]"
_BREAKS: Final = "\n\u2028\u2029"
_ANY_BREAK: Final = re.compile(f"[{_BREAKS}\r\x85]")
_BREAK: Final = re.compile(f"[{_BREAKS}]")
_BREAKS_BEFORE_TEXT: Final = re.compile(f"([{_BREAKS}]+)(?=[^{_BREAKS}])")
_SPACE_THEN_BREAK: Final = re.compile(f" [{_BREAKS}]")
_BREAK_THEN_SPACE: Final = re.compile(f"[{_BREAKS}] ")
_INDICATOR: Final = re.compile(
    r"\A(?:---|\.\.\.|[#,\[\]{}&*!|>'\"%@`]|[?:-](?:[ \t]|\Z))"  # at the start
    r"|:(?:[ \t]|\Z)"  # as the end of a key
    r"|[ \t]#"  # as the start of a comment
)
_SEXAGESIMAL: Final = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_ESCAPED: Final = '[\0-\x1f"\\\\\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe-\U0010ffff]'
_EVERYTHING: Final = "(?s:.)"
_ESCAPES: Final = dict(zip('\0\a\b\t\n\v\f\r\x1b"\\\x85\xa0\u2028\u2029', '0abtnvfre"\\N_LP', strict=True))


class Style(Enum):
    """A way to write text."""

    PLAIN = auto()
    SINGLE_QUOTED = auto()
    DOUBLE_QUOTED = auto()
    LITERAL = auto()


def styled(text: str) -> tuple[Style, str]:
    """Return the style of a text and what is written for it on one line ("" for a literal block)."""
    return _styled(text) if len(text) > _CACHED_LENGTH else _styled_cached(text)


def simple_key(key: str) -> str | None:
    """Return a key as it is written on one line, or None where it needs a `?`: it is long, or has line breaks."""
    return None if len(key) > _LONGEST_SIMPLE_KEY_BYTES else _simple_key_cached(key)


def literal_block(text: str, indent: str) -> str:
    """Return text as a `|` block, with its indicators, ending in a line break."""
    hint = "2" if text[0] in " " + _BREAKS else ""
    if text[-1] not in _BREAKS:
        chomping, end = "-", "\n"
    else:
        chomping, end = ("+" if len(text) == 1 or text[-2] in _BREAKS else ""), ""
    first = "" if text[0] in _BREAKS else indent
    body = _BREAKS_BEFORE_TEXT.sub(rf"\1{indent}", text)
    return f"|{hint}{chomping}\n{first}{body}{end}"


def folded(style: Style, line: str, column: int, indent: str) -> str:
    """Return the one line of a text broken where it is too long; it begins at `column`, counted from 0."""
    if style is Style.SINGLE_QUOTED and _BREAK.search(line):
        return _folded_at_breaks(line, column, indent)
    return _folded_words(style, line, column, indent)


def _folded_words(style: Style, line: str, column: int, indent: str) -> str:
    if column + len(line) <= FOLD_AFTER + 1 or " " not in line:
        return line
    if style is Style.PLAIN and "  " not in line:
        return _folded_prose(line, column, indent)
    words = line.split(" ")
    parts = [words[0]]
    column += len(words[0])
    quoted = style is not Style.PLAIN
    last = len(words) - 1
    for number, word in enumerate(words[1:], 1):
        before_space = not word and number < last
        at_edge = quoted and ((number == 1 and words[0] in _OPENING) or (number == last and word in _OPENING))
        after_space = number > 1 and not words[number - 1]
        if (
            column > FOLD_AFTER
            and not after_space
            and not at_edge
            and (style is Style.DOUBLE_QUOTED or not before_space)
        ):
            escape = "\\" if before_space else ""
            parts += ("\n", indent, escape)
            column = len(indent) + len(escape)
        else:
            parts.append(" ")
            column += 1
        parts.append(word)
        column += len(word)
    return "".join(parts)


def _folded_prose(line: str, column: int, indent: str) -> str:
    """Return plain words with single spaces between them, broken at the first space behind the last column."""
    parts: list[str] = []
    start = 0
    while (space := line.find(" ", start + max(FOLD_AFTER + 1 - column, 0))) >= 0:
        parts += (line[start:space], "\n", indent)
        start, column = space + 1, len(indent)
    parts.append(line[start:])
    return "".join(parts)


_OPENING: Final = frozenset({"'", '"'})


def _folded_at_breaks(line: str, column: int, indent: str) -> str:
    """Return single-quoted text with line separators: each run of them is followed by the indent."""
    pieces = _BREAKS_BEFORE_TEXT.split(line[:-1])
    parts = [_folded_words(Style.SINGLE_QUOTED, pieces[0], column, indent)]
    for breaks, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        parts += (breaks, indent, _folded_words(Style.SINGLE_QUOTED, piece, len(indent), indent))
    return "".join(parts) + "'"


@lru_cache(maxsize=4096)
def _simple_key_cached(key: str) -> str | None:
    if len(key.encode("utf-8", "replace")) > _LONGEST_SIMPLE_KEY_BYTES or _ANY_BREAK.search(key):
        return None
    # Go leaves this one plain, and would read it back as a merge.
    return '"<<"' if key == "<<" else _styled(key)[1]


@lru_cache(maxsize=16_384)
def _styled_cached(text: str) -> tuple[Style, str]:
    return _styled(text)


def _styled(text: str) -> tuple[Style, str]:
    if text.isascii() and text.isprintable():
        return _styled_line(text, special=False)
    special = re.search(_UNPRINTABLE, text) is not None or _SPACE_THEN_BREAK.search(text) is not None
    if "\n" in text:
        if special or text.endswith(" "):
            return Style.DOUBLE_QUOTED, _double_quoted(text)
        return Style.LITERAL, ""
    return _styled_line(text, special=special)


def _styled_line(text: str, *, special: bool) -> tuple[Style, str]:
    if special or not reads_as_text(text):
        return Style.DOUBLE_QUOTED, _double_quoted(text)
    breaks = _BREAK.search(text) is not None
    if not breaks and text[0] != " " and text[-1] != " " and not _INDICATOR.search(text):
        return Style.PLAIN, text
    if breaks and _BREAK_THEN_SPACE.search(text):
        return Style.DOUBLE_QUOTED, _double_quoted(text)
    return Style.SINGLE_QUOTED, "'" + text.replace("'", "''") + "'"


def reads_as_text(text: str) -> bool:
    """Return whether the unquoted text is text to every reader, also to those that know base-60 numbers."""
    if text and text[0] not in HINTS:
        return True
    return is_text(text) and not _SEXAGESIMAL.fullmatch(text)


def _double_quoted(text: str) -> str:
    # A text that begins with a byte order mark is escaped as a whole.
    pattern = _EVERYTHING if text.startswith("\ufeff") else _ESCAPED
    return '"' + re.sub(pattern, _escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in _ESCAPES:
        return "\\" + _ESCAPES[character]
    point = ord(character)
    if point <= 0xFF:
        return f"\\x{point:02X}"
    return f"\\u{point:04X}" if point <= 0xFFFF else f"\\U{point:08X}"
