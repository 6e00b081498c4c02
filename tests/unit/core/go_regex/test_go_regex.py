from __future__ import annotations

import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.go_regex import UnknownSyntaxError, go_search

ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "^", "$", r"\d", r"\b", r"\.", "(?:a|b)", "[a-c]"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,}", "*?"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    )


@given(st.recursive(ATOMS, _grown, max_leaves=6), st.text("ab1.c", max_size=6))
def test_a_pattern_that_python_knows_too_matches_the_same_texts(pattern: str, text: str) -> None:
    same = re.compile(pattern.replace("$", r"\Z"), re.ASCII)
    assert go_search(pattern, text) == (same.search(text) is not None)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^a$", "a\n", False),
        ("(?m)^a$", "b\na\nc", True),
        ("(?i)^straße$", "STRAßE", True),
        ("(?i:a)b", "Ab", True),
        ("(?i:a)b", "AB", False),
        ("a(?i)b|c", "C", True),
        (".", "\n", False),
        ("(?s).", "\n", True),
        (r"^\Qa.b\E+$", "a.bbb", True),
        (r"^\Qa.b\E$", "axb", False),
        (r"^[[:alpha:]]+$", "abZ", True),
        (r"^[[:^alpha:]]+$", "12-", True),
        (r"^[]a]+$", "]a", True),
        (r"^[a\-z]+$", "-", True),
        (r"^[\d-]+$", "1-2", True),
        (r"^\pL+$", "äß", True),
        (r"^\P{Lu}+$", "aB", False),
        (r"^\p{^Lu}+$", "ab", True),
        (r"^\x41\x{1F600}\101$", "A\U0001f600A", True),
        (r"^\w+$", "ä", False),
        (r"\Bb", "ab", True),
        (r"^{a}$", "{a}", True),
        ("^a{2,}$", "aaa", True),
        ("^a{0}b$", "b", True),
        ("^(?P<name>a)(?<other>b)$", "ab", True),
        ("^(a|)$", "", True),
        ("(?U)a+", "aa", True),
    ],
)
def test_what_is_go_s_own_is_read_as_go_reads_it(pattern: str, text: str, found: bool) -> None:
    assert go_search(pattern, text) is found


@pytest.mark.parametrize(
    "pattern",
    ["(?=a)", r"(a)\1", "(?<=a)", "a**", "*a", "(a", "a)", "[a", "[z-a]", r"\y", r"\p{Greek}", "a{2,1}", "a{1001}"],
)
def test_what_go_does_not_know_is_said_to_be_unknown(pattern: str) -> None:
    with pytest.raises(UnknownSyntaxError):
        go_search(pattern, "a")


@given(st.text("ab()[]{}*+?|^$\\.,1-:dpLQE<>iU", max_size=12), st.text("ab", max_size=4))
def test_no_text_whatever_ends_in_anything_but_an_answer_or_unknown_syntax(pattern: str, text: str) -> None:
    with suppress(UnknownSyntaxError):
        go_search(pattern, text)


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)+$", "^(a*)*b$", "(x+x+)+y"])
def test_patterns_that_never_end_elsewhere_take_no_time(pattern: str) -> None:
    began = time.perf_counter()
    assert not any(go_search(pattern, text) for text in ("a" * 3000 + "!", "x" * 3000))
    assert time.perf_counter() - began < 5


def test_a_pattern_that_would_grow_without_measure_is_unknown() -> None:
    with pytest.raises(UnknownSyntaxError, match="too large"):
        go_search("((a{100}){100}){100}", "a")
    with pytest.raises(UnknownSyntaxError, match="too deep"):
        go_search("(" * 500 + ")" * 500, "a")
