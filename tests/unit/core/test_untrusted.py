from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.untrusted import clean_line, clean_text, prefixed_block
from tests.runners import WEIGHTLESS, azure_command, commands_in, github_command, hostile_text


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
