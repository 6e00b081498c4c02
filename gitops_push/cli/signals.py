"""What Ctrl-C, SIGTERM and SIGHUP do: end at once before the first write, finish what is in flight after it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from types import FrameType
from typing import Final

_SIGNALS: Final = tuple(
    signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in signal.Signals.__members__
)
_AFTER_WRITE: Final = 20


class Interrupted(BaseException):
    """A signal arrived while nothing was being written; the exit code is 128 + its number."""

    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number
        super().__init__(signal.Signals(number).name)


class _Phase(Enum):
    """What a signal does now."""

    READING = auto()
    """It ends the run: nothing is written."""
    DEPLOYING = auto()
    """It is a wish to stop, that the deployer asks for."""
    REPORTING = auto()
    """It waits: what is left is to say what was done."""


def last_words(*, wrote: bool, at_terminal: bool) -> bytes:
    """Return what a run that ends at once still writes; a spinner has hidden the cursor, which must come back."""
    unknown = b"requests in flight have an unknown result; see `gitops-push status`"
    text = b"\nstopped at once: " + (unknown if wrote else b"nothing was written") + b"\n"
    return text + b"\x1b[?25h" if at_terminal else text


class StopSignals:
    """Turns signals into `Interrupted`, or from `deploying()` on into a wish to stop that the deployer asks for."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._number = 0
        self._phase = _Phase.READING
        self._writing = False

    def install(self) -> None:
        """Take over the signals, but not those that who started us wants ignored (nohup); main thread only."""
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)

    def stop_wanted(self) -> bool:
        """Return whether a signal arrived since the deployment began."""
        return self._wanted.is_set()

    @property
    def exit_code(self) -> int:
        """Return the exit code of a run that a signal stopped before its first write: 128 + the signal's number."""
        return 128 + self._number

    @contextmanager
    def deploying(self) -> Iterator[None]:
        """Within this block the first signal is a wish; after it, it waits for the report. A second one ends it all."""
        self._phase = _Phase.DEPLOYING
        try:
            yield
        finally:
            self.report()

    def begin_writing(self) -> None:
        """Note that the first write is about to be sent: from now on to end at once is exit code 20."""
        self._writing = True

    def report(self) -> None:
        """Let nothing but a second signal come between a run and its report."""
        self._phase = _Phase.REPORTING

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        again, self._number = self._number > 0, self._number or number
        if again:
            _say(last_words(wrote=self._writing, at_terminal=os.isatty(2)))
            os._exit(_AFTER_WRITE if self._writing else self.exit_code)
        if self._phase is _Phase.READING:
            raise Interrupted(number)
        self._wanted.set()
        if self._phase is _Phase.DEPLOYING:
            _say(b"\nstopping: waiting for requests in flight (again to stop at once)\n")


def _say(text: bytes) -> None:
    """Write to standard error as it is: the console may be in the middle of a line. A closed terminal stops nothing."""
    with suppress(OSError):
        os.write(2, text)
