"""The lines of a reply that has no end yet."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from gitops_push.cluster.reply import NoReply, ReplyTooLarge


class ResponseLines:
    """Implements `Lines` on a response; read by one thread, closed by any."""

    def __init__(self, response: Any, read_some: Callable[[Any, float], bytes]) -> None:
        self._response = response
        self._read_some = read_some
        self._buffer = bytearray()
        self._closed = threading.Event()
        self._reading = threading.Lock()

    @property
    def status(self) -> int:
        """See `Lines`."""
        return int(self._response.status)

    def read_line(self, deadline: float, limit_bytes: int) -> bytes | None:
        """See `Lines`."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > limit_bytes:
                raise ReplyTooLarge(limit_bytes)
            chunk = self._read(deadline)
            if not chunk:
                return None
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def close(self) -> None:
        """See `Lines`. Wakes a reader that waits, which then closes the connection; else closes it itself."""
        self._closed.set()
        with contextlib.suppress(OSError, RuntimeError, ValueError):  # it has ended already
            self._response.shutdown()
        if self._reading.acquire(blocking=False):
            try:
                self._response.close()
            finally:
                self._reading.release()

    def _read(self, deadline: float) -> bytes:
        with self._reading:
            try:
                return b"" if self._closed.is_set() else self._read_some(self._response, deadline)
            except (NoReply, ValueError, AttributeError):  # the last two: the socket was shut down under the read
                if self._closed.is_set():
                    return b""
                raise
            finally:
                if self._closed.is_set():
                    self._response.close()
