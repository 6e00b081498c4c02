"""What a signal does while reading, while deploying, and while reporting."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from gitops_push.cli.signals import Interrupted, StopSignals, last_words

CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def signals() -> Iterator[StopSignals]:
    """Signals as a run has them; those of the test process come back at the end."""
    before = {number: signal.getsignal(number) for number in CAUGHT}
    made = StopSignals()
    made.install()
    yield made
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number: int) -> None:
    """Send this process a signal; its handler has run when this returns."""
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", CAUGHT)
def test_before_a_deployment_a_signal_ends_the_run_with_its_own_code(signals: StopSignals, number: int) -> None:
    with pytest.raises(Interrupted) as caught:
        send(number)
    assert caught.value.exit_code == 128 + number
    assert not signals.stop_wanted()


@pytest.mark.parametrize("number", CAUGHT)
def test_while_deploying_it_is_a_wish(signals: StopSignals, number: int, capfd: pytest.CaptureFixture[str]) -> None:
    with signals.deploying():
        send(number)
        assert signals.stop_wanted()
    assert signals.exit_code == 128 + number
    assert "stopping" in capfd.readouterr().err


def test_after_a_deployment_it_waits_for_the_report(signals: StopSignals, capfd: pytest.CaptureFixture[str]) -> None:
    with signals.deploying():
        pass
    send(signal.SIGTERM)
    assert capfd.readouterr().err == ""


def test_what_was_ignored_before_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        StopSignals().install()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(("writing", "code", "words"), [(False, 143, "nothing was written"), (True, 20, "unknown")])
def test_a_second_signal_ends_the_process_and_says_what_is_known(*, writing: bool, code: int, words: str) -> None:
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(write, 2)
        signals = StopSignals()
        signals.install()
        with signals.deploying():
            if writing:
                signals.begin_writing()
            send(signal.SIGTERM)
            send(signal.SIGINT)
        os._exit(99)
    os.close(write)
    _, status = os.waitpid(child, 0)
    with os.fdopen(read) as stream:
        said = stream.read()
    assert os.waitstatus_to_exitcode(status) == code
    assert words in said


def test_the_cursor_that_a_spinner_hid_comes_back_at_a_terminal_only() -> None:
    assert last_words(wrote=True, at_terminal=True).endswith(b"\x1b[?25h")
    assert b"\x1b" not in last_words(wrote=True, at_terminal=False)
