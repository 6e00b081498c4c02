"""A server that sends too much, too slowly, or something that is not Kubernetes."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator

import pytest

from gitops_push.cluster.api import ApiFailure
from gitops_push.cluster.retries import RetryRules
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError
from tests.unit.cluster.opening import BODY, CONFIG_MAP, GUARD, api, code_of, get
from tests.unit.cluster.scripted_server import (
    Received,
    Script,
    bomb,
    endless_body,
    reply,
    reply_json,
    serving,
    status_object,
)


def drip(request: Received) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
    while True:
        yield b" "
        time.sleep(0.05)


def drip_headers(request: Received) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nX: "
    while True:
        yield b"a"
        time.sleep(0.05)


@pytest.mark.parametrize("script", [drip, drip_headers])
def test_a_slow_drip_ends_at_the_deadline_of_the_call(script: Script) -> None:
    start = time.monotonic()
    with serving(script) as server, pytest.raises(ClusterError) as caught:
        get(api(server, call_seconds=0.5))
    assert time.monotonic() - start < 3
    assert code_of(caught.value) is Code.SERVER_UNREACHABLE


def test_the_deadline_of_the_run_bounds_every_call() -> None:
    with serving(drip) as server, pytest.raises(ClusterError):
        get(api(server, run_seconds=0.3))


def silence(request: Received) -> Iterator[bytes]:
    time.sleep(5)
    yield b""


def test_a_server_that_says_nothing_is_given_up_after_the_read_timeout() -> None:
    with serving(silence) as server, pytest.raises(ClusterError, match="did not answer in time") as caught:
        get(api(server, read_seconds=0.2, retries=RetryRules(first_attempts=1)))
    assert server.url in str(caught.value)


def endless_headers(request: Received) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"X-Filler: " + b"a" * 60_000 + b"\r\n"


def one_long_header(request: Received) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nX-Filler: "
    while True:
        yield b"a" * 60_000


@pytest.mark.parametrize("script", [endless_headers, one_long_header])
def test_headers_without_an_end_break_the_call_off(script: Script) -> None:
    with serving(script) as server, pytest.raises(ClusterError):
        get(api(server))


def test_a_list_without_an_end_is_an_error_at_its_limit_not_a_full_memory() -> None:
    with serving(endless_body) as server, pytest.raises(ClusterError, match="64 MiB"):
        api(server).list(CONFIG_MAP, "shop")


def test_a_declared_length_over_the_limit_is_refused_without_reading() -> None:
    huge = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000000000\r\n\r\n"
    with serving(lambda request: [huge]) as server, pytest.raises(ClusterError, match="64 MiB"):
        api(server).list(CONFIG_MAP, "shop")


def test_an_error_of_any_length_is_cut() -> None:
    with serving(status_object(403, "Forbidden", "x" * 60_000)) as server, pytest.raises(ApiFailure) as caught:
        get(api(server))
    assert len(caught.value.message) < 5_000


def test_an_error_body_over_its_limit_is_not_read() -> None:
    with serving(reply(403, b" " * 200_000, "text/plain")) as server, pytest.raises(ApiFailure) as caught:
        get(api(server))
    assert caught.value.status == 403


@pytest.mark.parametrize("status", [200, 403])
def test_a_compressed_reply_that_nobody_asked_for_is_refused(status: int) -> None:
    script = reply(status, bomb(1), Content_Encoding="gzip")
    with serving(script) as server, pytest.raises(ClusterError, match="packed") as caught:
        get(api(server))
    assert code_of(caught.value) is Code.SERVER_NOT_KUBERNETES


@pytest.mark.parametrize("packing", ["deflate", "br", "gzip, gzip", "zstd"])
def test_a_list_packed_in_another_way_than_gzip_is_refused(packing: str) -> None:
    with serving(reply(200, b"{}", Content_Encoding=packing)) as server, pytest.raises(ClusterError, match="packed"):
        api(server).list(CONFIG_MAP, "shop")


def test_a_list_that_unpacks_to_more_than_the_limit_is_refused() -> None:
    with serving(reply(200, bomb(70), Content_Encoding="gzip")) as server, pytest.raises(ClusterError, match="64 MiB"):
        api(server).list(CONFIG_MAP, "shop")


def test_a_gzipped_list_is_unpacked() -> None:
    document = {"kind": "ConfigMapList", "apiVersion": "v1", "metadata": {"resourceVersion": "9"}, "items": [BODY]}
    script = reply(200, gzip.compress(json.dumps(document).encode()), Content_Encoding="gzip")
    with serving(script) as server:
        listed = api(server).list(CONFIG_MAP, "shop")
    assert (listed.items, listed.resource_version) == ((BODY,), "9")
    assert server.received[0].values("accept-encoding") == ["gzip"]


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        (200, b"<html><form>log in</form></html>", "text/html"),
        (200, b"not json", "application/json"),
        (200, b"[]", "application/json"),
        (200, b"{}", "application/json"),
        (200, b'{"kind": "ConfigMap"}', "application/json"),
        (200, b'{"kind": 1, "apiVersion": []}', "application/json"),
        (200, b"NaN", "application/json"),
        (200, b"[" * 100_000, "application/json"),
        (200, b"\xff\xfe", "application/json"),
        (200, b"", "application/json"),
        (403, b"<html>blocked</html>", "text/html"),
        (404, b"<html>nothing here</html>", "text/html"),
        (418, b"{}", "application/json"),
    ],
)
def test_a_reply_that_is_not_kubernetes_says_so(status: int, body: bytes, content_type: str) -> None:
    with serving(reply(status, body, content_type)) as server, pytest.raises(ClusterError) as caught:
        get(api(server))
    assert code_of(caught.value) is Code.SERVER_NOT_KUBERNETES


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
def test_a_redirect_is_refused_and_its_target_named(status: int) -> None:
    script = reply(status, b"", Location="https://login.evil.example/path?token=x")
    with serving(script) as server, pytest.raises(ClusterError) as caught:
        api(server).dry_run_apply(CONFIG_MAP, "shop", "a", BODY)
    assert code_of(caught.value) is Code.SERVER_NOT_KUBERNETES
    assert "login.evil.example" in str(caught.value)
    assert "token=x" not in str(caught.value)
    assert len(server.received) == 1


def test_control_characters_of_the_server_do_not_come_through() -> None:
    script = status_object(403, "For\x1b[2Jbidden\n", "\x1b]0;owned\x07 ::error::x\u202e")
    with serving(script) as server, pytest.raises(ApiFailure) as caught:
        get(api(server))
    text = str(caught.value)
    assert not set(text) & {"\x1b", "\x07", "\u202e"}


def test_an_odd_status_object_is_still_a_failure() -> None:
    odd = {"kind": "Status", "reason": 5, "message": ["x"], "details": {"causes": [1, {"field": "a"}], "kind": {}}}
    with serving(reply_json(odd, 422)) as server, pytest.raises(ApiFailure) as caught:
        get(api(server))
    assert caught.value.causes == (("", "", ""), ("a", "", ""))


def test_one_object_without_end_is_an_error_of_the_server() -> None:
    with serving(endless_body) as server, pytest.raises(ClusterError, match="for one object"):
        get(api(server))


def test_an_endless_answer_to_a_write_leaves_its_result_unknown() -> None:
    with serving(endless_body) as server, pytest.raises(ApiFailure) as failure:
        api(server).apply(CONFIG_MAP, "shop", "a", BODY, GUARD)
    assert failure.value.ambiguous
