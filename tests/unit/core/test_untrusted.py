from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.untrusted import clean_line, clean_text, prefixed_block

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


def test_the_emulators_know_a_command_when_they_see_one() -> None:
    for line in ("::error::x", "  \u00a0::add-mask::x", "text ##[error]x", "\u200b::group::", "##[set-env name=A]b"):
        assert github_command(line)
    assert azure_command("before ##VSO[task.setvariable variable=a]b")
    assert not github_command("a ::error::x")


@given(hostile_text)
def test_no_line_of_cleaned_text_is_a_command(text: str) -> None:
    assert commands_in(clean_text(text)) == []
    assert commands_in(clean_line(text)) == []
    assert commands_in(prefixed_block(text)) == []


@given(st.lists(hostile_text, max_size=4), st.sampled_from(["", " ", "/", ": "]))
def test_pieces_that_are_cleaned_one_by_one_make_no_command_together(pieces: list[str], between: str) -> None:
    line = between.join(clean_line(piece) for piece in pieces)
    assert commands_in("~ " + clean_line(line)) == []


@given(hostile_text)
def test_nothing_that_moves_hides_or_reorders_is_left(text: str) -> None:
    for cleaned, allowed in ((clean_text(text), "\t\n"), (clean_line(text), "\t"), (prefixed_block(text), "\t\n")):
        left = {c for c in cleaned if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - set(allowed)
        assert left == set()
        assert not WEIGHTLESS & set(cleaned)
        cleaned.encode()


def test_every_character_of_the_dangerous_categories_is_shown_as_an_escape() -> None:
    dangerous = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert [c for c in dangerous if clean_line(c) == c] == ["\t"]
    assert [c for c in dangerous if clean_text(c) == c] == ["\t", "\n"]


@given(hostile_text)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)
    assert clean_line(clean_line(text)) == clean_line(text)


@given(st.text(st.characters(categories=["L", "N", "Sm", "Sc", "So"]), max_size=60))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    kept = "".join(character for character in text if character not in WEIGHTLESS and character != "\uffa0")
    assert clean_line(kept) == kept


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\rb", "a\\x0db"),
        ("admin\u202etxt.exe", "admin\\u{202e}txt.exe"),
        ("  ::error file=a::b", "  \\x3a:error file=a::b"),
        ("ok ##[error]b", "ok #\\x23[error]b"),
        ("###[group]", "##\\x23[group]"),
        ("##vso[task.complete]", "#\\x23vso[task.complete]"),
        ("## a heading [1]", "## a heading [1]"),
        ("std::string and a::b", "std::string and a::b"),
        ("image: web:1.2.3", "image: web:1.2.3"),
    ],
)
def test_what_the_reader_sees(text: str, shown: str) -> None:
    assert clean_text(text) == shown
    assert clean_line(text) == shown


def test_a_line_end_is_kept_in_text_and_shown_in_a_line() -> None:
    assert clean_text("a\n::error::b") == "a\n\\x3a:error::b"
    assert clean_line("a\n::error::b") == "a\\x0a::error::b"


def test_each_line_of_a_block_has_the_prefix() -> None:
    assert prefixed_block("::error::a\n\nplan: 0 create\n") == "| ::error::a\n|\n| plan: 0 create"
    assert prefixed_block("", "> ") == ">"
