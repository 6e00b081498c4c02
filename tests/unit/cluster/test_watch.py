"""Watches against a scripted server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import pytest

from gitops_push.cluster.api import ApiFailure
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError
from tests.unit.cluster.opening import BODY, CONFIG_MAP, api, code_of, get
from tests.unit.cluster.scripted_server import (
    EndOfConnection,
    Received,
    Script,
    endless_body,
    message,
    reply,
    reply_json,
    serving,
)


def event(kind: str, **metadata: str) -> bytes:
    body = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata}
    return json.dumps({"type": kind, "object": body}).encode() + b"\n"


def chunked(*parts: bytes, last: bytes = b"0\r\n\r\n") -> Script:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return lambda request: [head, *(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts), last]


def test_a_watch_yields_events_however_the_bytes_are_cut() -> None:
    whole = event("ADDED", name="a") + event("BOOKMARK", resourceVersion="9") + event("DELETED", name="a")
    with serving(chunked(*(whole[i : i + 7] for i in range(0, len(whole), 7)))) as server:
        events = list(api(server, read_only=True).watch(CONFIG_MAP, "shop", "5", 30))
    assert [each.type for each in events] == ["ADDED", "BOOKMARK", "DELETED"]
    query = set(server.received[0].target.partition("?")[2].split("&"))
    assert query == {"watch=true", "allowWatchBookmarks=true", "resourceVersion=5", "timeoutSeconds=30"}


def test_a_watch_that_breaks_off_ends_and_drops_the_half_line() -> None:
    with serving(chunked(event("ADDED", name="a"), b'{"type": "MODI', last=b"")) as server:

        def script(request: Received) -> Iterator[bytes]:
            yield from chunked(event("ADDED", name="a"), b'{"type": "MODI', last=b"")(request)
            raise EndOfConnection

        server.scripts[0] = script
        assert [each.type for each in api(server).watch(CONFIG_MAP, "shop", "5", 30)] == ["ADDED"]


@pytest.mark.parametrize("as_event", [True, False])
def test_a_watch_that_is_too_old_is_a_failure_with_status_410(as_event: bool) -> None:
    status = {"kind": "Status", "apiVersion": "v1", "code": 410, "reason": "Expired", "message": "too old"}
    line = json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"
    script = chunked(line) if as_event else reply_json(status, 410)
    with serving(script) as server, pytest.raises(ApiFailure) as caught:
        list(api(server).watch(CONFIG_MAP, "shop", "5", 30))
    assert (caught.value.status, caught.value.reason) == (410, "Expired")


@pytest.mark.parametrize("line", [b"<html>\n", b'{"type": "OTHER", "object": {}}\n', b'{"type": "ADDED"}\n', b"[]\n"])
def test_a_watch_of_something_else_is_not_kubernetes(line: bytes) -> None:
    with serving(chunked(line)) as server, pytest.raises(ClusterError) as caught:
        list(api(server).watch(CONFIG_MAP, "shop", "5", 30))
    assert code_of(caught.value) is Code.SERVER_NOT_KUBERNETES


def test_a_watch_answered_with_a_page_is_not_kubernetes() -> None:
    with serving(reply(200, b"<html>", "text/html")) as server, pytest.raises(ClusterError):
        list(api(server).watch(CONFIG_MAP, "shop", "5", 30))


def test_an_event_without_an_end_is_an_error_at_its_limit() -> None:
    with serving(endless_body) as server, pytest.raises(ClusterError, match="8 MiB"):
        list(api(server).watch(CONFIG_MAP, "shop", "5", 30))


def quiet_watch(request: Received) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    line = event("ADDED", name="a")
    yield f"{len(line):x}\r\n".encode() + line + b"\r\n"
    time.sleep(20)


def test_a_watch_can_be_ended_by_another_thread_while_it_waits() -> None:
    with serving(quiet_watch) as server:
        watch = api(server).watch(CONFIG_MAP, "shop", "5", 30)
        next(watch)
        threading.Timer(0.1, watch.close).start()
        start = time.monotonic()
        assert list(watch) == []
        assert time.monotonic() - start < 3
        watch.close()
        assert list(watch) == []


def test_watches_do_not_take_connections_from_requests() -> None:
    def script(request: Received) -> Iterator[bytes]:
        yield from quiet_watch(request) if "watch=true" in request.target else [message(200, json.dumps(BODY).encode())]

    with serving(script) as server:
        connection = api(server, concurrency=1)
        watches = [connection.watch(CONFIG_MAP, "shop", "5", 30) for _ in range(3)]
        assert [next(watch).type for watch in watches] == ["ADDED"] * 3
        assert get(connection) == BODY
        for watch in watches:
            watch.close()
