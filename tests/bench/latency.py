"""A network that is far away: a TCP proxy in a process of its own, through which every byte takes half a round trip.

Only time is added. Bytes wait side by side, not behind one another, so any number of requests may be on their way at
once; a new connection waits one round trip, as its handshake would. TLS passes through untouched.
"""

from __future__ import annotations

import asyncio
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import yaml

LOCALHOST = "127.0.0.1"


@contextmanager
def delayed(kubeconfig: str, round_trip_ms: float) -> Iterator[str]:
    """Give a kubeconfig whose clusters are reached through a proxy; with 0 ms the kubeconfig as it is.

    The names in the servers' certificates are checked all the same.
    """
    if not round_trip_ms:
        yield kubeconfig
        return
    config = yaml.safe_load(kubeconfig)
    (cluster,) = (entry["cluster"] for entry in config["clusters"])
    address = urlsplit(cluster["server"])
    command = (sys.executable, "-m", __name__, str(address.hostname), str(address.port or 443), str(round_trip_ms))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdin is not None
        assert proxy.stdout is not None
        cluster["server"] = f"https://{LOCALHOST}:{int(proxy.stdout.readline())}{address.path}"
        cluster.setdefault("tls-server-name", address.hostname)
        try:
            yield yaml.safe_dump(config)
        finally:
            proxy.stdin.close()  # which ends the proxy; it ends with this process in any case


class _Side(asyncio.Protocol):
    """One of the two connections of a pair: what it receives is sent on the other one after `seconds`."""

    transport: asyncio.Transport
    other: _Side

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._on_their_way: deque[bytes] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        self._on_their_way.append(data)
        asyncio.get_running_loop().call_later(self._seconds, self._arrive)

    def connection_lost(self, exc: Exception | None) -> None:
        asyncio.get_running_loop().call_later(self._seconds, self.other.transport.close)

    def _arrive(self) -> None:
        """Send the oldest piece: timers of one moment may come in any order."""
        self.other.transport.write(self._on_their_way.popleft())


class _Entry(_Side):
    """The client's side, which opens the server's."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        super().__init__(seconds)
        self._server = (host, port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        try:
            _, self.other = await asyncio.get_running_loop().create_connection(
                lambda: _Side(self._seconds), *self._server
            )
        except OSError:
            self.transport.abort()
            return
        self.other.other = self
        await asyncio.sleep(2 * self._seconds)
        if self.transport.is_closing():
            self.other.transport.abort()
        self.transport.resume_reading()
        self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if hasattr(self, "other"):
            super().connection_lost(exc)


async def _serve(host: str, port: int, round_trip_ms: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Entry(host, port, round_trip_ms / 2000), LOCALHOST, 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Serve until standard input is closed. Prints the port."""
    host, port, round_trip_ms = sys.argv[1:]
    # select waits for microseconds; epoll would round each delay up to a millisecond.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(_serve(host, int(port), float(round_trip_ms)))


if __name__ == "__main__":
    main()
