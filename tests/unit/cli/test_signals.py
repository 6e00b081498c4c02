"""The last words of a run that is ended at once."""

from __future__ import annotations

from gitops_push.cli.signals import last_words


def test_the_cursor_that_a_spinner_hid_comes_back_at_a_terminal_only() -> None:
    assert last_words(at_terminal=True).endswith(b"\x1b[?25h")
    assert b"\x1b" not in last_words(at_terminal=False)
