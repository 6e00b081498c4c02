"""TLS sockets that keep the deadline of a whole call, however slowly its bytes drip.

A socket's timeout bounds one read; a server that sends a byte a second never runs into it. Here every read and write
looks at the deadline of the call that its thread is making, and notes that the first byte of a request has gone out.
"""

from __future__ import annotations

import contextlib
import math
import ssl
import threading
from collections.abc import Callable
from typing import Any, Final

_ALERT_SECONDS: Final = 0.5


class CurrentCall(threading.local):
    """The call that this thread is making: its deadline on the monotonic clock, and whether any of it was sent."""

    deadline: float = math.inf
    sent: bool = False

    def begin(self, deadline: float) -> None:
        """Start a new call."""
        self.deadline = deadline
        self.sent = False


def deadline_socket(call: CurrentCall, clock: Callable[[], float]) -> type[ssl.SSLSocket]:
    """Return a socket class for `SSLContext.sslsocket_class` whose reads and writes end at the deadline of `call`."""

    class DeadlineSocket(ssl.SSLSocket):
        def read(self, len: int = 1024, buffer: Any = None) -> Any:
            self._shorten()
            return super().read(len, buffer)

        def send(self, data: Any, flags: int = 0) -> int:
            self._shorten()
            call.sent = True
            try:
                return super().send(data, flags)
            except (ssl.SSLEOFError, ConnectionError):
                self._raise_alert()
                raise

        def _raise_alert(self) -> None:
            """Say why the other side hung up, if it did: TLS 1.3 refuses a client certificate after the handshake."""
            with contextlib.suppress(
                ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError, TimeoutError, ValueError
            ):
                self.settimeout(_ALERT_SECONDS)
                super().read(1)

        def _shorten(self) -> None:
            left = call.deadline - clock()
            if left <= 0:
                raise TimeoutError("the call took longer than it may")
            allowed = self.gettimeout()
            if allowed is None or allowed > left:
                self.settimeout(left)

    return DeadlineSocket
