"""The output gate: text that we did not write becomes harmless to terminals, to CI runners and to the reader's eye.

Untrusted are manifests, file and branch names, kubeconfigs, and everything that a server or a program answered. Three
dangers: characters that move the cursor, hide text or reorder it (CVE-2021-25743); commands that a runner reads from
the log; blocks of text that look like our own words. The runners' rules: GitHub reads `::name::` at the start of a
line, after any white space, and `##[name]` anywhere in it; Azure reads `##vso[` anywhere. .NET compares text by the
rules of a language there, so characters without a weight in its order are escaped like control characters.

Everything here can be applied twice without harm. Secrets are masked before (see `redaction`).
"""

from __future__ import annotations

import re
from typing import Final

_INVISIBLE: Final = (
    "\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Format characters, bidi controls, zero-width and tag characters, line separators, lone surrogates, fillers."""

_IN_TEXT: Final = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_INVISIBLE}]")
_IN_LINE: Final = re.compile(f"[\x00-\x08\x0a-\x1f\x7f-\x9f{_INVISIBLE}]")
_COMMAND_ANYWHERE: Final = re.compile(r"##(?=[\w.]*\[)")
_COMMAND_AT_START: Final = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)


def clean_text(text: str) -> str:
    r"""Return text of one or many lines, dangerous characters shown as `\xNN` or `\u{…}`, commands defused."""
    return _without_commands(_IN_TEXT.sub(_shown, text))


def clean_line(text: str) -> str:
    """Return the same for a single line: line ends are escaped too."""
    return _without_commands(_IN_LINE.sub(_shown, text))


def prefixed_block(text: str, prefix: str = "| ") -> str:
    """Return the text with a prefix before each line, so that none of its lines can be taken for ours or for a command.

    The prefix begins with something that is no white space and no colon.
    """
    safe = _COMMAND_ANYWHERE.sub(r"#\\x23", _IN_TEXT.sub(_shown, text))
    return "\n".join(f"{prefix}{line}".rstrip(" ") for line in safe.removesuffix("\n").split("\n"))


def _without_commands(text: str) -> str:
    return _COMMAND_AT_START.sub(r"\1\\x3a", _COMMAND_ANYWHERE.sub(r"#\\x23", text))


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"
