"""What Ctrl-C and SIGTERM do: end at once before the first write, finish what is in flight after it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(BaseException):
    """A signal arrived while nothing was being written; the exit code is 128 + its number."""

    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number
        super().__init__(signal.Signals(number).name)


def last_words(*, at_terminal: bool) -> bytes:
    """Return what a run that ends at once still writes; a spinner has hidden the cursor, which must come back."""
    text = b"\nstopped at once: requests in flight have an unknown result; see `gitops-push status`\n"
    return text + b"\x1b[?25h" if at_terminal else text


class StopSignals:
    """Turns signals into `Interrupted`, or within `deploying()` into a wish to stop that the deployer asks for."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._number = 0
        self._deploying = False

    def install(self) -> None:
        """Take over SIGINT and SIGTERM; only possible in the main thread."""
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)

    def stop_wanted(self) -> bool:
        """Return whether a signal arrived since the deployment began."""
        return self._wanted.is_set()

    @property
    def exit_code(self) -> int:
        """Return the exit code of a run that a signal stopped before its first write: 128 + the signal's number."""
        return 128 + self._number

    @contextmanager
    def deploying(self) -> Iterator[None]:
        """Within this block the first signal is a wish; the second one ends the process at once, with exit code 20."""
        self._deploying = True
        try:
            yield
        finally:
            self._deploying = False

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if not self._deploying:
            raise Interrupted(number)
        if self._wanted.is_set():
            os.write(2, last_words(at_terminal=os.isatty(2)))
            os._exit(20)
        self._number = number
        self._wanted.set()
        os.write(2, b"\nstopping: waiting for requests in flight (again to stop at once)\n")
