"""What is said of a run is short, harmless, and enough to find it."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.run_identity import RunIdentity
from gitops_push.core.untrusted import clean_line

COMMIT = "9f3c1d2" + "0" * 33


@pytest.mark.parametrize(
    ("identity", "text"),
    [
        pytest.param(
            RunIdentity("https://ci.example.com/42", "alice", COMMIT, "main", "GitHub Actions", "runner-1"),
            "https://ci.example.com/42 (alice, 9f3c1d2)",
            id="in CI",
        ),
        pytest.param(
            RunIdentity(actor="alice", commit=COMMIT, system="CI", host="runner-1"),
            "CI on runner-1 (alice, 9f3c1d2)",
            id="in CI without a URL",
        ),
        pytest.param(RunIdentity(actor="alice", host="laptop", commit=COMMIT), "alice@laptop (9f3c1d2)", id="terminal"),
        pytest.param(RunIdentity(actor="alice"), "alice", id="a name only"),
        pytest.param(RunIdentity(host="box"), "box", id="a machine only"),
        pytest.param(RunIdentity(system="CI"), "CI", id="a system only"),
        pytest.param(RunIdentity(), "an unknown run", id="nothing"),
    ],
)
def test_a_run_is_named_in_one_line(identity: RunIdentity, text: str) -> None:
    assert str(identity) == text


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://alice:secret@ci.example.com/42", "https://ci.example.com/42"),
        ("javascript:alert(1)", ""),
        ("https://ci.example.com/a b", ""),
        ("https://[::1", ""),
        ("ci.example.com/42", ""),
    ],
)
def test_the_address_of_a_run_can_be_clicked_and_holds_no_password(url: str, kept: str) -> None:
    assert RunIdentity(url).run_url == kept


def test_what_is_no_commit_is_none() -> None:
    assert RunIdentity(commit="main; rm -rf").commit == ""


@given(st.lists(st.text(max_size=700), min_size=6, max_size=6))
def test_no_text_gets_out_of_its_line_or_its_bounds(parts: list[str]) -> None:
    identity = RunIdentity(*parts)
    for part in (*astuple(identity), str(identity)):
        assert part == clean_line(part)
        assert "\n" not in part
    assert all(len(part) <= 500 for part in astuple(identity))
