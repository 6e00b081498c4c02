"""How CI runners read a log: emulators of their parsers, and text that tries to make them do something."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import strategies as st

# The runners split a log at line feeds and carriage returns.
LINE_END = re.compile("\r\n|\r|\n")
# What .NET leaves out of account when it compares text by the rules of a language.
WEIGHTLESS = {
    chr(code)
    for code in range(0x110000)
    if unicodedata.category(chr(code)) in {"Cc", "Cf"}
    or 0xFE00 <= code <= 0xFE0F
    or code in {0x34F, 0x115F, 0x1160, 0x3164}
} - {"\t", "\n", "\v", "\f", "\r", "\x85"}

TOKENS = [
    *(
        "::",
        ":",
        ":::",
        "##[",
        "##",
        "#",
        "[",
        "]",
        "##vso[",
        "error",
        "add-mask",
        "set-output name=a",
        "group",
        "endgroup",
    ),
    *(
        "task.setvariable variable=a",
        "task.logissue",
        "section",
        "stop-commands",
        " ",
        "\t",
        "\n",
        "\r",
        "\r\n",
        "\u2028",
    ),
    *(
        "\u200b",
        "\u200d",
        "\ufeff",
        "\u00ad",
        "\u034f",
        "\ufe0f",
        "\u00a0",
        "\u3000",
        "\x1b[31m",
        "\x1b",
        "\x85",
        "\x00",
    ),
    *("\x0b", "\x0c", "\x1c", "\x7f", "\u202e", "\u2066", "\U000e0041", "x", "text", "\ud800", "\\", "\u2003"),
]
hostile_text = st.lists(st.sampled_from(TOKENS), max_size=12).map("".join) | st.text(max_size=40)


def compared(text: str) -> str:
    return "".join(character for character in text if character not in WEIGHTLESS)


def github_command(line: str) -> bool:
    """Tell whether the GitHub runner would take a line for a command (ActionCommand: both syntaxes)."""
    line = compared(line)
    start = line.lstrip()
    modern = start.startswith("::") and start.find("::", 2) > 0
    at = line.find("##[")
    old = at >= 0 and line.find("]", at) >= 0
    return modern or old


def azure_command(line: str) -> bool:
    """Tell whether the Azure agent would take a line for a command, or for one of its formatting marks."""
    line = compared(line).lower()
    return any((at := line.find(mark)) >= 0 and line.find("]", at) >= 0 for mark in ("##vso[", "##["))


def commands_in(text: str) -> list[str]:
    return [line for line in LINE_END.split(text) if github_command(line) or azure_command(line)]
