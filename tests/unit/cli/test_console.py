"""What leaves the process: masked, harmless, and coloured only where somebody looks."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.cli.console import Console
from gitops_push.core.redaction import Redactor
from gitops_push.reports.lines import Line, Tone


def console(environ: dict[str, str] | None = None, *, in_ci: bool = False) -> tuple[Console, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return Console(out, err, environ or {}, in_ci=in_ci), out, err


def test_results_and_progress_go_to_different_streams() -> None:
    made, out, err = console()
    made.print([Line("a result")])
    made.progress("a step")
    assert out.getvalue() == "a result\n"
    assert err.getvalue() == "a step\n"


def test_quiet_leaves_out_progress_and_keeps_errors() -> None:
    made, _, err = console()
    made.configure(color="auto", quiet=True, verbose=False)
    made.progress("a step")
    made.note([Line("an error", Tone.BAD)])
    assert err.getvalue() == "an error\n"


def test_no_colour_without_a_terminal_and_colour_when_asked_for() -> None:
    made, out, _ = console()
    made.print([Line("x", Tone.BAD)])
    assert "\x1b" not in out.getvalue()
    made.configure(color="always", quiet=False, verbose=False)
    made.print([Line("x", Tone.BAD)])
    assert "\x1b[1;31m" in out.getvalue()


def test_no_color_wins_over_force_color() -> None:
    made, out, _ = console({"NO_COLOR": "1", "FORCE_COLOR": "1"})
    made.print([Line("x", Tone.BAD)])
    assert out.getvalue() == "x\n"


def test_secret_values_are_masked_in_everything() -> None:
    made, out, err = console()
    made.mask_with(Redactor(b"k" * 32, ["hunter2-hunter2"]))
    made.print([Line("password hunter2-hunter2")])
    made.note([Line("server says hunter2-hunter2")])
    assert "hunter2" not in out.getvalue() + err.getvalue() + made.clean_json('"hunter2-hunter2"')


@given(st.text())
def test_no_line_carries_a_control_character_or_a_runner_command(text: str) -> None:
    made, out, _ = console()
    made.print([Line(text)])
    printed = out.getvalue()[:-1]
    assert "\n" not in printed
    assert "\r" not in printed
    assert "\x1b" not in printed
    assert "##[" not in printed
    assert not printed.lstrip().startswith("::")


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_keeps_its_value_and_loses_runner_commands(value: object) -> None:
    made, _, _ = console()
    cleaned = made.clean_json(json.dumps(value))
    assert json.loads(cleaned) == value
    assert "##" not in cleaned


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_that_is_printed_while_the_spinner_turns_begins_a_line_of_its_own() -> None:
    err = Terminal()
    made = Console(io.StringIO(), err, {"TERM": "xterm"}, in_ci=False)
    with made.working("deploying prod"):
        made.progress("health: 1 of 2 ready")
    before, _, after = err.getvalue().partition("health: 1 of 2 ready")
    assert "deploying prod" in before
    assert "\x1b[2K" in before.rpartition("deploying prod")[2]
    assert "deploying prod" in after
    assert after.rpartition("deploying prod")[2].endswith("\x1b[2K")


@pytest.mark.parametrize("typed", ["", "y"], ids=["Ctrl-D", "y and Ctrl-D"])
def test_what_follows_an_unfinished_answer_begins_a_line_of_its_own(
    typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    made, _, err = console()
    assert made.ask("apply? [y/N]") == typed
    assert err.getvalue() == "apply? [y/N] \n"
