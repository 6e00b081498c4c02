"""Random ways to spell the same manifests: comments, line ends, quoted keys, markers between documents."""

from __future__ import annotations

import re
from random import Random

_PLAIN_FIELD = re.compile(r"^( *(?:- )?)([a-zA-Z]+):( [a-zA-Z0-9]+)?$", re.MULTILINE)


def spelled(text: str, random: Random) -> str:
    """Return the text, in one of four cases spelled in another way."""
    if random.random() < 0.75:
        return text
    return random.choice((_commented, _quoted, _marked, _with_carriage_returns))(text, random)


def _commented(text: str, random: Random) -> str:
    def comment(match: re.Match[str]) -> str:
        if match[3] and random.random() < 0.2:
            return f"{match[0]} # why"
        return f"# above\n{match[0]}" if not match[1] and random.random() < 0.2 else match[0]

    return f"# first\n{_PLAIN_FIELD.sub(comment, text)}# last\n"


def _quoted(text: str, random: Random) -> str:
    def quote(match: re.Match[str]) -> str:
        mark = random.choice("'\"")
        return f"{match[1]}{mark}{match[2]}{mark}:{match[3] or ''}" if random.random() < 0.2 else match[0]

    return _PLAIN_FIELD.sub(quote, text)


def _marked(text: str, random: Random) -> str:
    return random.choice(("---\n{}", "{}---\n", "---\n---\n{}", "{}...\n", "--- # one\n{}", "\n\n{}\n\n")).format(text)


def _with_carriage_returns(text: str, random: Random) -> str:
    return text.replace("\n", "\r\n")
