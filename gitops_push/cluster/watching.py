"""Watches: one event a line, until the server, the time, or another thread ends it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from gitops_push.cluster.answers import failure_of, failure_of_status, not_kubernetes, parse_json
from gitops_push.cluster.api import WatchEvent
from gitops_push.cluster.exchange import Exchange, Lines
from gitops_push.cluster.paths import query
from gitops_push.cluster.reply import NoReply, Reply, ReplyTooLarge
from gitops_push.cluster.request import Effect, Request
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, Problem

EVENT_LIMIT_BYTES: Final = 8 * 1024 * 1024
_TYPES: Final = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK"})
_GRACE_SECONDS: Final = 5.0
"""How much later than it was asked to the server may end a watch before we do."""


def open_watch(
    exchange: Exchange, path: str, resource_version: str, seconds: float, field_selector: str = ""
) -> HttpWatch:
    """Send the watch request and return its events; `ApiFailure` if the server refuses (410: list again)."""
    wanted = query(
        (
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", resource_version),
            ("timeoutSeconds", str(max(1, round(seconds)))),
            ("fieldSelector", field_selector),
        )
    )
    opened = exchange.open(Request("GET", path + wanted, Effect.READ))
    if isinstance(opened, Reply):
        raise failure_of(opened, exchange.server) if opened.status >= 300 else not_kubernetes(opened, exchange.server)
    deadline = min(exchange.retries.clock() + seconds + _GRACE_SECONDS, exchange.run_deadline)
    return HttpWatch(opened, exchange.server, deadline)


class HttpWatch:
    """Implements `Watch`. A connection that breaks off ends it like the server's own end: the caller watches again."""

    def __init__(self, lines: Lines, server: str, deadline: float) -> None:
        self._lines = lines
        self._server = server
        self._deadline = deadline
        self._closed = False

    def __iter__(self) -> Iterator[WatchEvent]:
        return self

    def __next__(self) -> WatchEvent:
        line = None if self._closed else self._next_line()
        if self._closed or not line:
            self.close()
            raise StopIteration
        return self._event(line)

    def close(self) -> None:
        """See `Watch`."""
        if not self._closed:
            self._closed = True
            self._lines.close()

    def _next_line(self) -> bytes | None:
        try:
            return self._lines.read_line(self._deadline, EVENT_LIMIT_BYTES)
        except NoReply:
            return None
        except ReplyTooLarge:
            self.close()
            message = f"{self._server} sent a watch event of more than {EVENT_LIMIT_BYTES >> 20} MiB"
            raise ClusterError(Problem(Code.SERVER_ERROR, message)) from None

    def _event(self, line: bytes) -> WatchEvent:
        event = parse_json(line)
        kind = event.get("type") if isinstance(event, dict) else None
        body: Any = event.get("object") if isinstance(event, dict) else None
        if isinstance(body, dict) and kind in _TYPES:
            return WatchEvent(str(kind), body)
        self.close()
        if isinstance(body, dict) and kind == "ERROR":
            code = body.get("code")
            raise failure_of_status(body, code if isinstance(code, int) else 500)
        raise not_kubernetes(Reply(200, "application/json", line[:100]), self._server)
