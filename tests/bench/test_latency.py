"""The proxy of the benchmarks: what passes through it stays what it is, and comes later."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import yaml

from tests.bench.latency import delayed

ROUND_TRIP_MS = 40.0


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(65536):
            self.request.sendall(data)


@pytest.fixture
def kubeconfig() -> Iterator[str]:
    """A kubeconfig whose server sends back what it receives."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"https://127.0.0.1:{server.server_address[1]}"
        yield yaml.safe_dump({"clusters": [{"name": "c", "cluster": {"server": url}}]})
        server.shutdown()


def cluster_of(kubeconfig: str) -> dict[str, str]:
    (entry,) = yaml.safe_load(kubeconfig)["clusters"]
    cluster: dict[str, str] = entry["cluster"]
    return cluster


def exchanged(kubeconfig: str, sent: bytes) -> tuple[bytes, float]:
    """Return what comes back on a new connection, and after how many seconds the first byte of it."""
    address = urlsplit(cluster_of(kubeconfig)["server"])
    received, first = b"", 0.0
    started = time.monotonic()  # the proxy may know of the connection before this side does
    with socket.create_connection((str(address.hostname), address.port or 0), timeout=20) as connection:
        threading.Thread(target=connection.sendall, args=(sent,)).start()
        while len(received) < len(sent):
            received += connection.recv(65536)
            first = first or time.monotonic() - started
    return received, first


def is_ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_bytes_of_many_connections_come_back_in_order_and_a_handshake_and_a_round_trip_later(kubeconfig: str) -> None:
    sent = [bytes([number]) + b"".join(b"%d " % i for i in range(30_000)) for number in range(20)]
    with delayed(kubeconfig, ROUND_TRIP_MS) as far, ThreadPoolExecutor(len(sent)) as threads:
        answers = list(threads.map(lambda data: exchanged(far, data), sent))
    assert [data for data, _ in answers] == sent
    assert min(seconds for _, seconds in answers) >= 2 * ROUND_TRIP_MS / 1000


def test_the_name_in_the_certificate_is_still_that_of_the_server(kubeconfig: str) -> None:
    with delayed(kubeconfig.replace("127.0.0.1", "localhost"), ROUND_TRIP_MS) as far:
        assert cluster_of(far)["tls-server-name"] == "localhost"


def test_a_server_that_is_not_there_ends_the_connection(kubeconfig: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    gone = yaml.safe_dump({"clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{port}"}}]})
    with delayed(gone, ROUND_TRIP_MS) as far:
        address = urlsplit(cluster_of(far)["server"])
        with socket.create_connection((str(address.hostname), address.port or 0), timeout=20) as connection:
            assert is_ended(connection)


def test_without_a_delay_nothing_is_in_between(kubeconfig: str) -> None:
    with delayed(kubeconfig, 0) as near:
        assert near == kubeconfig
