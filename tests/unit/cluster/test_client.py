"""The transport against a real TLS server on loopback that answers well, badly, or not at all."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gitops_push.cluster import client
from gitops_push.cluster.api import AccessQuestion, ApiFailure, Precondition, ServedKind
from gitops_push.cluster.client import ConnectionOptions, HttpApi
from gitops_push.cluster.retries import RetryCounts, RetryRules
from gitops_push.core.codes import Code
from gitops_push.core.credential import Credential
from gitops_push.core.errors import ClusterError, CredentialError, GitopsPushError
from gitops_push.core.secret_text import SecretText
from tests.unit.certificates import issue, make_authority
from tests.unit.cluster.scripted_server import (
    EndOfConnection,
    Received,
    Script,
    ScriptedServer,
    hang_up,
    message,
    reply,
    reply_json,
    serving,
    status_object,
)

CONFIG_MAP = ServedKind("", "v1", "ConfigMap", "configmaps", namespaced=True)
BODY: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}}
FAST = RetryRules(base_seconds=0.001, cap_seconds=0.002)
GUARD = Precondition(uid="u-1", resource_version="7")


OPENED: list[HttpApi] = []


@pytest.fixture(autouse=True)
def _closes_every_connection() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


def connect(credential: Credential, options: ConnectionOptions) -> HttpApi:
    OPENED.append(client.connect(credential, options))
    return OPENED[-1]


def api(server: ScriptedServer, **options: Any) -> HttpApi:
    settings: dict[str, Any] = {"read_only": False, "retries": FAST, "connect_seconds": 1.0, "read_seconds": 2.0}
    return connect(server.credential(), ConnectionOptions(**{**settings, **options}))


def get(connection: HttpApi) -> Any:
    return connection.get(CONFIG_MAP, "shop", "a")


def code_of(error: GitopsPushError) -> Code:
    return error.problems[0].code


def test_an_object_is_read_with_the_token_the_user_agent_and_an_uncompressed_reply() -> None:
    with serving(reply_json(BODY)) as server:
        assert get(api(server)) == BODY
    request = server.received[0]
    assert (request.method, request.target) == ("GET", "/api/v1/namespaces/shop/configmaps/a")
    assert request.values("authorization") == ["Bearer the-token"]
    assert request.values("accept-encoding") == ["identity"]
    assert request.values("user-agent")[0].startswith("gitops-push/")


def test_a_dry_run_is_a_forced_strict_apply_patch_with_dry_run_all() -> None:
    with serving(reply_json(BODY)) as server:
        api(server, read_only=True).dry_run_apply(CONFIG_MAP, "shop", "a", BODY)
    request = server.received[0]
    path, _, query = request.target.partition("?")
    assert (request.method, path) == ("PATCH", "/api/v1/namespaces/shop/configmaps/a")
    expected = {"fieldManager=gitops-push", "fieldValidation=Strict", "force=true", "dryRun=All"}
    assert set(query.split("&")) == expected
    assert request.values("content-type") == ["application/apply-patch+yaml"]
    assert json.loads(request.body) == BODY


def test_an_apply_carries_its_precondition_in_the_body_and_no_dry_run() -> None:
    with serving(reply_json(BODY)) as server:
        api(server).apply(CONFIG_MAP, "shop", "a", BODY, GUARD)
        api(server).apply(CONFIG_MAP, "shop", "a", BODY, Precondition(absent=True))
    update, create = (json.loads(request.body)["metadata"] for request in server.received)
    assert (update["uid"], update["resourceVersion"]) == ("u-1", "7")
    assert create["resourceVersion"] == "1"
    assert "dryRun" not in server.received[0].target
    assert "uid" not in BODY["metadata"]


@pytest.mark.parametrize(
    "precondition",
    [
        Precondition(uid="u", resource_version="0"),
        Precondition(resource_version="7"),
        Precondition(uid="u", absent=True),
    ],
)
def test_a_precondition_that_the_server_would_not_check_is_refused(precondition: Precondition) -> None:
    with serving(reply_json(BODY)) as server, pytest.raises(ValueError, match="resourceVersion"):
        api(server).apply(CONFIG_MAP, "shop", "a", BODY, precondition)
    assert server.received == []


def test_a_replacement_without_a_resource_version_is_refused() -> None:
    with serving(reply_json(BODY)) as server, pytest.raises(ValueError, match="resourceVersion"):
        api(server).replace(CONFIG_MAP, "shop", "a", BODY)
    assert server.received == []


def test_a_prefix_in_the_server_url_comes_before_every_path() -> None:
    with serving(reply_json(BODY)) as server:
        credential = server.credential(server=f"{server.url}/k8s/clusters/c-1")
        connect(credential, ConnectionOptions()).get(CONFIG_MAP, "shop", "a")
    assert server.received[0].target == "/k8s/clusters/c-1/api/v1/namespaces/shop/configmaps/a"


def test_impersonation_is_sent_with_every_group_in_a_header_of_its_own() -> None:
    with serving(reply_json(BODY)) as server:
        credential = server.credential(impersonate_user="jörg", impersonate_groups=("dev", "ops"))
        connect(credential, ConnectionOptions()).get(CONFIG_MAP, "shop", "a")
    request = server.received[0]
    assert request.values("impersonate-group") == ["dev", "ops"]
    assert request.values("impersonate-user")[0].encode("latin-1").decode() == "jörg"


def test_a_token_with_a_line_break_is_refused_before_anything_is_sent() -> None:
    with serving(reply_json(BODY)) as server:
        credential = server.credential(token=lambda refresh: SecretText("abc\r\nX-Evil: 1"))
        with pytest.raises(CredentialError) as caught:
            connect(credential, ConnectionOptions()).get(CONFIG_MAP, "shop", "a")
    assert code_of(caught.value) is Code.CREDENTIAL_INVALID
    assert "abc" not in str(caught.value)
    assert server.received == []


@pytest.mark.parametrize("server", ["http://127.0.0.1", "https://", "https://u:p@h", "https://h:99999", "ftp://h", ""])
def test_a_server_that_is_not_a_plain_https_url_is_refused(server: str) -> None:
    with serving(reply_json(BODY)) as scripted, pytest.raises(CredentialError):
        connect(scripted.credential(server=server), ConnectionOptions())


# 401


def test_a_rejected_token_is_refreshed_once_for_all_threads_and_the_request_sent_again() -> None:
    tokens = ["old", "new"]
    refreshed = []

    def token(refresh: bool) -> SecretText:
        if refresh:
            refreshed.append(1)
            tokens.pop(0)
        return SecretText(tokens[0])

    def script(request: Received) -> list[bytes]:
        good = request.values("authorization") == ["Bearer new"]
        return [message(200, json.dumps(BODY).encode()) if good else message(401, b"{}")]

    with serving(script) as server:
        connection = connect(server.credential(token=token), ConnectionOptions(retries=FAST))
        threads = [threading.Thread(target=get, args=(connection,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert get(connection) == BODY
    assert refreshed == [1]


@pytest.mark.parametrize("token", [None, "the-token"])
def test_a_401_that_stays_is_a_rejected_credential(token: str | None) -> None:
    provided = None if token is None else lambda refresh: SecretText("the-token")
    with serving(status_object(401, "Unauthorized")) as server, pytest.raises(CredentialError) as caught:
        get(connect(server.credential(token=provided), ConnectionOptions()))
    assert code_of(caught.value) is Code.CREDENTIAL_REJECTED
    assert "the-token" not in str(caught.value)
    assert server.url in str(caught.value)
    assert len(server.received) == 1


def test_a_new_token_that_is_rejected_too_is_not_refreshed_again() -> None:
    numbers = iter(range(100))
    held = ["t"]

    def token(refresh: bool) -> SecretText:
        if refresh:
            held[0] = f"t{next(numbers)}"
        return SecretText(held[0])

    with serving(status_object(401, "Unauthorized")) as server, pytest.raises(CredentialError):
        get(connect(server.credential(token=token), ConnectionOptions()))
    assert len(server.received) == 2


# Hostile and broken servers


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


def endless_body(request: Received) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"10000\r\n" + b" " * 0x10000 + b"\r\n"


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


def bomb(megabytes: int) -> bytes:
    return gzip.compress(b" " * (megabytes << 20), 9)


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


# What is a failure and what is not


def test_a_missing_object_is_none_but_an_unknown_kind_is_a_failure() -> None:
    missing = status_object(404, "NotFound", "not found", name="a", kind="configmaps")
    unknown = reply(404, b"404 page not found\n", "text/plain; charset=utf-8")
    nameless = status_object(404, "NotFound", "the server could not find the requested resource")
    with serving(missing, unknown, nameless) as server:
        connection = api(server)
        assert get(connection) is None
        for _ in range(2):
            with pytest.raises(ApiFailure) as caught:
                get(connection)
            assert caught.value.status == 404


def test_deleting_what_is_gone_is_no_failure_but_a_wrong_uid_is() -> None:
    gone = status_object(404, "NotFound", name="a")
    with serving(gone, status_object(409, "Conflict")) as server:
        connection = api(server)
        connection.delete(CONFIG_MAP, "shop", "a", GUARD)
        with pytest.raises(ApiFailure) as caught:
            connection.delete(CONFIG_MAP, "shop", "a", GUARD)
    assert caught.value.status == 409
    options = json.loads(server.received[0].body)
    assert options["preconditions"] == {"uid": "u-1", "resourceVersion": "7"}
    assert options["propagationPolicy"] == "Background"


def test_warnings_of_the_server_come_with_the_answer() -> None:
    warning = '299 - "policy/v1beta1 is \\"old\\"", 299 - "second"'
    with serving(reply_json(BODY, Warning=warning)) as server:
        answer = api(server).dry_run_apply(CONFIG_MAP, "shop", "a", BODY)
    assert answer.warnings == ('policy/v1beta1 is "old"', "second")


def test_access_is_only_allowed_by_a_clear_yes() -> None:
    replies: list[dict[str, Any]] = [{"status": {"allowed": True}}, {"status": {"allowed": "true"}}, {"status": {}}, {}]
    scripts = [reply_json({"kind": "SelfSubjectAccessReview", "apiVersion": "v1", **extra}) for extra in replies]
    with serving(*scripts) as server:
        connection = api(server, read_only=True)
        answers = [connection.may_i(AccessQuestion("get", "", "secrets", "shop")) for _ in replies]
    assert answers == [True, False, False, False]


def test_a_log_is_cut_and_its_broken_text_replaced() -> None:
    with serving(reply(200, b"\xff" + b"x" * 70_000, "text/plain")) as server:
        text = api(server, read_only=True).pod_log("shop", "web-1", "web", previous=True, lines=20)
    assert text.startswith("\ufffdx")
    assert len(text) == 65_536
    assert set(server.received[0].target.partition("?")[2].split("&")) == {
        "container=web",
        "previous=true",
        "tailLines=20",
        "limitBytes=65536",
    }


def test_a_list_follows_its_pages_and_fills_in_kind_and_version() -> None:
    pages = [
        {
            "kind": "L",
            "apiVersion": "v1",
            "metadata": {"continue": "abc=&", "resourceVersion": "5"},
            "items": [{"n": 1}],
        },
        {"kind": "L", "apiVersion": "v1", "metadata": {"resourceVersion": "5"}, "items": [{"n": 2}]},
    ]
    with serving(*map(reply_json, pages)) as server:
        listed = api(server).list(CONFIG_MAP, "", "app=x,tier")
    assert [item["n"] for item in listed.items] == [1, 2]
    assert {(item["apiVersion"], item["kind"]) for item in listed.items} == {("v1", "ConfigMap")}
    assert server.received[0].target.startswith("/api/v1/configmaps?labelSelector=app%3Dx%2Ctier&limit=")
    assert "continue=abc%3D%26" in server.received[1].target


# Retries


def test_reads_and_dry_runs_are_sent_again_after_a_lost_answer() -> None:
    with serving(hang_up, reply_json(BODY), hang_up, hang_up, reply_json(BODY)) as server:
        connection = api(server)
        get(connection)
        connection.dry_run_apply(CONFIG_MAP, "shop", "a", BODY)
    assert connection.retry_counts == RetryCounts(requests=5, retries=3, ambiguous=0)


def writes(connection: HttpApi) -> list[Any]:
    body = {**BODY, "metadata": {**BODY["metadata"], "resourceVersion": "7"}}
    return [
        lambda: connection.apply(CONFIG_MAP, "shop", "a", BODY, GUARD),
        lambda: connection.create(CONFIG_MAP, "shop", BODY),
        lambda: connection.replace(CONFIG_MAP, "shop", "a", body),
        lambda: connection.delete(CONFIG_MAP, "shop", "a", GUARD),
    ]


def cut_off(request: Received) -> Iterator[bytes]:
    yield message(200, json.dumps(BODY).encode())[:-5]
    raise EndOfConnection


@pytest.mark.parametrize("number", range(4), ids=["apply", "create", "replace", "delete"])
@pytest.mark.parametrize(
    ("script", "status"),
    [
        (hang_up, 0),
        (cut_off, 0),
        (status_object(500, "InternalError"), 500),
        (status_object(504, "Timeout"), 504),
        (reply(502, b"<html>bad gateway</html>", "text/html"), 502),
    ],
    ids=["no answer", "half an answer", "500", "504", "502 of a proxy"],
)
def test_a_write_of_unknown_outcome_is_sent_once_and_called_ambiguous(script: Script, status: int, number: int) -> None:
    with serving(script) as server:
        connection = api(server)
        with pytest.raises(ApiFailure) as caught:
            writes(connection)[number]()
    assert (caught.value.ambiguous, caught.value.status) == (True, status)
    assert len(server.received) == 1
    assert connection.retry_counts.ambiguous == 1


@pytest.mark.parametrize("number", range(4), ids=["apply", "create", "replace", "delete"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_write_that_an_overloaded_server_turned_away_is_sent_again(status: int, number: int) -> None:
    with serving(reply(status, b"busy", "text/plain"), reply_json(BODY)) as server:
        connection = api(server)
        writes(connection)[number]()
    assert len(server.received) == 2
    assert server.received[0].body == server.received[1].body


def test_a_field_that_the_schema_does_not_know_is_never_sent_again_though_it_is_a_500() -> None:
    text = "failed to create typed patch object: .dota: field not declared in schema"
    with serving(status_object(500, "", text)) as server:
        connection = api(server)
        with pytest.raises(ApiFailure, match="field not declared"):
            connection.dry_run_apply(CONFIG_MAP, "shop", "a", BODY)
        with pytest.raises(ApiFailure, match="field not declared") as caught:
            connection.apply(CONFIG_MAP, "shop", "a", BODY, GUARD)
    assert not caught.value.ambiguous
    assert len(server.received) == 2


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 413, 422])
def test_a_refusal_is_never_sent_again(status: int) -> None:
    with serving(status_object(status, "No")) as server, pytest.raises(ApiFailure) as caught:
        api(server).dry_run_apply(CONFIG_MAP, "shop", "a", BODY)
    assert (caught.value.status, len(server.received)) == (status, 1)


def test_a_server_that_stays_overloaded_is_a_failure_after_the_last_attempt() -> None:
    with serving(reply(503, b"<html>down</html>", "text/html")) as server, pytest.raises(ApiFailure) as caught:
        get(api(server))
    assert (caught.value.status, len(server.received)) == (503, 6)


def test_a_connection_that_the_server_closed_while_idle_is_replaced() -> None:
    def answer_and_close(request: Received) -> Iterator[bytes]:
        yield message(200, json.dumps(BODY).encode())
        raise EndOfConnection

    with serving(answer_and_close) as server:
        connection = api(server)
        for _ in range(3):
            assert get(connection) == BODY
            time.sleep(0.05)
    assert (server.connections, connection.retry_counts.retries) == (3, 0)


def test_connections_are_kept_and_never_more_than_the_concurrency() -> None:
    with serving(reply_json(BODY)) as server:
        connection = api(server, concurrency=3)
        threads = [threading.Thread(target=lambda: [get(connection) for _ in range(10)]) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(server.received) == 120
    assert server.connections <= 3


def test_a_refused_reply_does_not_use_up_a_connection_of_the_pool() -> None:
    with serving(reply(200, bomb(1), Content_Encoding="gzip")) as server:
        connection = api(server, concurrency=1)
        for _ in range(5):
            with pytest.raises(ClusterError):
                get(connection)
    assert len(server.received) == 5


# Servers that cannot be reached or trusted


def unreachable(**changes: Any) -> GitopsPushError:
    with serving(reply_json(BODY)) as server:
        connection = connect(server.credential(**changes), ConnectionOptions(retries=FAST, connect_seconds=0.3))
        with pytest.raises(GitopsPushError) as caught:
            get(connection)
        assert server.received == []
        return caught.value


def test_a_refused_connection_names_the_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    error = unreachable(server=f"https://127.0.0.1:{port}")
    assert code_of(error) is Code.SERVER_UNREACHABLE
    assert f"https://127.0.0.1:{port} refuses the connection" in str(error)


def test_a_name_that_does_not_resolve_is_named() -> None:
    error = unreachable(server="https://no-such-host.invalid")
    assert code_of(error) is Code.SERVER_UNREACHABLE
    assert "no-such-host.invalid" in str(error)
    assert "does not resolve" in str(error)


def test_an_impossible_host_name_is_an_error_not_a_crash() -> None:
    assert code_of(unreachable(server=f"https://{'a' * 70}.example")) is Code.SERVER_UNREACHABLE


def test_a_full_backlog_is_a_connection_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        try:
            error = unreachable(server=f"https://127.0.0.1:{port}")
        finally:
            for client in waiting:
                client.close()
    assert code_of(error) is Code.SERVER_UNREACHABLE
    assert "within 0.3 s" in str(error) or "in time" in str(error)


def test_a_certificate_of_another_authority_is_refused_with_advice() -> None:
    error = unreachable(ca_pem=make_authority("other").certificate_pem)
    assert code_of(error) is Code.SERVER_UNREACHABLE
    assert "not signed by the CA" in str(error)
    assert error.problems[0].hint


def test_an_expired_server_certificate_is_said_to_be_expired() -> None:
    authority = make_authority()
    past = datetime.now(UTC) - timedelta(hours=1)
    certificate = issue(authority, "server", hosts=("127.0.0.1",), expires=past)
    with serving(reply_json(BODY), authority=authority, certificate=certificate) as server:
        with pytest.raises(ClusterError, match="has expired"):
            get(api(server))
        assert server.received == []


def test_a_certificate_for_another_name_is_refused_and_tls_server_name_helps() -> None:
    authority = make_authority()
    certificate = issue(authority, "server", hosts=("api.example",))
    with serving(reply_json(BODY), authority=authority, certificate=certificate) as server:
        with pytest.raises(ClusterError, match="for another name") as caught:
            get(api(server))
        assert "tls-server-name" in str(caught.value.problems[0].hint)
        named = connect(server.credential(tls_server_name="api.example"), ConnectionOptions())
        assert get(named) == BODY


def test_a_missing_or_foreign_client_certificate_is_a_rejected_credential() -> None:
    with serving(reply_json(BODY), client_authority=make_authority("clients")) as server:
        foreign = server.client_certificate(make_authority("others"))
        for credential in (server.credential(token=None), server.credential(client_certificate=foreign)):
            with pytest.raises(CredentialError) as caught:
                get(connect(credential, ConnectionOptions(retries=FAST)))
            assert code_of(caught.value) is Code.CREDENTIAL_REJECTED
        assert server.received == []


def test_a_client_certificate_of_the_right_authority_is_used() -> None:
    clients = make_authority("clients")
    with serving(reply_json(BODY), client_authority=clients) as server:
        credential = server.credential(token=None, client_certificate=server.client_certificate(clients))
        assert get(connect(credential, ConnectionOptions())) == BODY


def test_a_server_that_speaks_plain_http_is_called_that() -> None:
    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(ConnectionError):
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            connection.recv(1000)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        error = unreachable(server=f"https://127.0.0.1:{listener.getsockname()[1]}")
    assert code_of(error) is Code.SERVER_NOT_KUBERNETES
    assert "does not speak TLS" in str(error)


# Watches


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


# Proxies


def connect_proxy(listener: socket.socket, seen: list[bytes], target_port: int) -> None:
    client, _ = listener.accept()
    request = b""
    while b"\r\n\r\n" not in request:
        request += client.recv(1000)
    seen.append(request)
    upstream = socket.create_connection(("127.0.0.1", target_port))
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            return

    with client, upstream:
        back = threading.Thread(target=pump, args=(upstream, client))
        back.start()
        pump(client, upstream)
        upstream.shutdown(socket.SHUT_RDWR)
        back.join()


def test_a_proxy_gets_a_connect_and_never_sees_the_request() -> None:
    authority = make_authority()
    certificate = issue(authority, "server", hosts=("api.example",))
    seen: list[bytes] = []
    with (
        serving(reply_json(BODY), authority=authority, certificate=certificate) as server,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        proxying = threading.Thread(target=connect_proxy, args=(listener, seen, server.port))
        proxying.start()
        proxy = f"http://me:p%40ss@127.0.0.1:{listener.getsockname()[1]}"
        options = ConnectionOptions(environment={"HTTPS_PROXY": proxy})
        connection = connect(server.credential(server="https://api.example:6443"), options)
        assert get(connection) == BODY
        connection.close()
        proxying.join()
    assert seen[0].startswith(b"CONNECT api.example:6443 HTTP/1.")
    assert b"Basic bWU6cEBzcw==" in seen[0]
    assert b"the-token" not in seen[0]


def test_a_proxy_that_is_down_is_named_and_no_proxy_switches_it_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with serving(reply_json(BODY)) as server:
        credential = server.credential(proxy_url=f"http://127.0.0.1:{port}")
        with pytest.raises(ClusterError, match="through the proxy"):
            get(connect(credential, ConnectionOptions(retries=FAST)))
        assert get(connect(credential, ConnectionOptions(use_proxy=False))) == BODY
