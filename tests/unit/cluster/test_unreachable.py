"""Servers that cannot be reached or trusted, and the proxies on the way."""

from __future__ import annotations

import contextlib
import socket
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gitops_push.cluster.client import ConnectionOptions
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, CredentialError, GitopsPushError
from tests.unit.certificates import issue, make_authority
from tests.unit.cluster.opening import BODY, FAST, api, code_of, connect, get
from tests.unit.cluster.scripted_server import (
    reply_json,
    serving,
)


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
