"""A TLS reverse proxy in front of an API server: it records every request, and does to some of them what a rule says.

It runs in threads of the test's process and speaks HTTP/1.1 with kept connections and chunked watches. The kubeconfig
that it hands out trusts an authority of its own. Whoever comes is let through with the client certificate of the
kubeconfig that it was given; tokens stand in the requests themselves.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import re
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import yaml

from tests.controlplane.authority import KeyPair, issue_server, make_authority

LOCALHOST: Final = "127.0.0.1"
_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "host", "content-length"})
_RESET_AT_CLOSE: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time
_PIECE_BYTES: Final = 64 * 1024

Action: TypeAlias = "Callable[[Passage], None]"
"""What is done with one request; see `tests.faults.actions`."""


@dataclass(slots=True)
class Recorded:
    """A request that came, counted from 1. `status` is the server's answer, 0 if it was not asked or did not answer."""

    number: int
    method: str
    target: str
    forwarded: bool = False
    status: int = 0

    @property
    def is_write(self) -> bool:
        """Return whether it could change an object: reviews and dry runs persist nothing."""
        reads = self.method == "GET" or "dryRun=All" in self.target or "/selfsubject" in self.target
        return not reads

    def __str__(self) -> str:
        return f"{self.number} {self.method} {self.target} {self.status if self.forwarded else 'not forwarded'}"


@dataclass(frozen=True, slots=True)
class Rule:
    """Which requests an action is for: from the `nth` that matches (counted from 1) on, `times` of them, 0 for all.

    `path` is searched in path and query as a regular expression; `writes` keeps those that could change something.
    """

    action: Action
    nth: int = 1
    times: int = 1
    method: str = ""
    path: str = ""
    writes: bool = False

    def is_about(self, request: Recorded) -> bool:
        """Return whether the request is of its kind, whatever its number."""
        right_method = self.method in {"", request.method} and (request.is_write or not self.writes)
        return right_method and re.search(self.path, request.target) is not None

    def fires_at(self, count: int) -> bool:
        """Return whether it is for the request that is the `count`-th of its kind."""
        return self.nth <= count and (self.times == 0 or count < self.nth + self.times)


@dataclass(slots=True)
class Upstream:
    """The server behind, and how to be let in; may be replaced while the proxy runs."""

    host: str
    port: int
    context: ssl.SSLContext


@dataclass(slots=True)
class FaultProxy:
    """The proxy and what it has seen since `begin`. `process` is who gets the signals of a rule."""

    upstream: Upstream
    context: ssl.SSLContext = field(repr=False)
    url: str = ""
    process: int = 0
    requests: list[Recorded] = field(default_factory=list)
    _rules: tuple[Rule, ...] = ()
    _counts: dict[int, int] = field(default_factory=dict)
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    severed: threading.Event = field(default_factory=threading.Event)

    def begin(self, *rules: Rule) -> None:
        """End all connections, forget all requests, and go by these rules from now on."""
        self.sever()
        with self._lock:
            self.severed = threading.Event()
            self._rules, self._counts = rules, {}
            self.requests = []

    def sever(self) -> None:
        """End all connections, and whatever waits in an action."""
        with self._lock:
            connections = tuple(self._open)
            self.severed.set()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def show_another_certificate(self) -> None:
        """Be somebody else for every connection from now on: of an authority that the kubeconfig does not know."""
        _load_pair(self.context, issue_server(make_authority()))
        self.sever()

    @property
    def writes(self) -> tuple[Recorded, ...]:
        """Return the requests that could change something and were forwarded."""
        with self._lock:
            return tuple(request for request in self.requests if request.is_write and request.forwarded)

    def record(self, method: str, target: str) -> tuple[Recorded, Action]:
        """Count a request, and return what is to be done with it."""
        with self._lock:
            request = Recorded(len(self.requests) + 1, method, target)
            self.requests.append(request)
            action: Action = Passage.pass_on
            for rule in reversed(self._rules):  # the first one that fires wins
                if rule.is_about(request):
                    self._counts[id(rule)] = self._counts.get(id(rule), 0) + 1
                    action = rule.action if rule.fires_at(self._counts[id(rule)]) else action
            return request, action

    @contextlib.contextmanager
    def holding(self, connection: socket.socket) -> Iterator[None]:
        """Let `sever` end this connection."""
        with self._lock:
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)


@dataclass(slots=True)
class Passage:
    """One request on its way through: what an action can do with it."""

    proxy: FaultProxy
    request: Recorded
    body: bytes
    handler: _Handler

    def pass_on(self) -> None:
        """Forward it, and give back what the server answers."""
        self.deliver(self.forward())

    def forward(self) -> http.client.HTTPResponse:
        """Send it to the server; return when the head of the answer is there."""
        self.request.forwarded = True
        response = self.handler.ask(self.request, self.body)
        self.request.status = response.status
        return response

    def deliver(self, response: http.client.HTTPResponse, pieces: Iterable[bytes] | None = None) -> None:
        """Give back an answer as it comes; or other pieces of its body."""
        self.handler.send_head(response)
        chunked = response.length is None
        for piece in _pieces_of(response) if pieces is None else pieces:
            self.handler.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            self.handler.write(b"0\r\n\r\n")

    def answer(self, status: int, body: bytes, headers: Iterable[tuple[str, str]]) -> None:
        """Answer in place of the server."""
        self.handler.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.handler.send_header(name, value)
        self.handler.end_headers()
        self.handler.write(body)

    def reset(self) -> None:
        """Break the connection off (RST)."""
        self.handler.reset()

    def hold(self, seconds: float | None = None) -> None:
        """Do nothing for so long, None: until the connections are severed."""
        self.proxy.severed.wait(seconds)


def _pieces_of(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Pieces of a watch go on at once; a body of known length must be read by `read`, which notes its end."""
    read = response.read1 if response.length is None else response.read
    while piece := read(_PIECE_BYTES):
        yield piece


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, with one connection to the server behind it."""

    protocol_version = "HTTP/1.1"
    proxy: FaultProxy

    def setup(self) -> None:
        self.request = self.proxy.context.wrap_socket(self.request, server_side=True)
        self.upstream = http.client.HTTPSConnection(
            self.proxy.upstream.host, self.proxy.upstream.port, context=self.proxy.upstream.context
        )
        super().setup()

    def handle(self) -> None:
        with self.proxy.holding(self.request), contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            super().handle()

    def finish(self) -> None:
        self.upstream.close()
        with contextlib.suppress(OSError, ValueError):
            super().finish()
        self.request.close()

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request, action = self.proxy.record(self.command, self.path)
        passage = Passage(self.proxy, request, body, self)
        try:
            action(passage)
        except (OSError, http.client.HTTPException):
            self.reset()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815 - the names that the base class calls

    def ask(self, request: Recorded, body: bytes) -> http.client.HTTPResponse:
        if self.upstream.sock is None:
            self.upstream.connect()
        with self.proxy.holding(self.upstream.sock):
            self.upstream.putrequest(request.method, request.target, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    self.upstream.putheader(name, value)
            self.upstream.putheader("Content-Length", str(len(body)))
            self.upstream.endheaders(body)
            return self.upstream.getresponse()

    def send_head(self, response: http.client.HTTPResponse) -> None:
        self.send_response_only(response.status, response.reason)
        for name, value in response.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        length = "Transfer-Encoding" if response.length is None else "Content-Length"
        self.send_header(length, "chunked" if response.length is None else str(response.length))
        self.end_headers()

    def write(self, data: bytes) -> None:
        self.wfile.write(data)

    def reset(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
            os.close(self.request.detach())

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a connection that broke off: that is what this is for."""


@contextlib.contextmanager
def fault_proxy(kubeconfig: str) -> Iterator[tuple[FaultProxy, str]]:
    """Run a proxy before the server of a kubeconfig; gives it, and the kubeconfig that goes through it."""
    config = yaml.safe_load(kubeconfig)
    (cluster,) = (entry["cluster"] for entry in config["clusters"])
    authority = make_authority()
    proxy = FaultProxy(upstream_of(kubeconfig), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    _load_pair(proxy.context, issue_server(authority))
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    server = _Server((LOCALHOST, 0), handler)
    proxy.url = cluster["server"] = f"https://{LOCALHOST}:{server.server_port}"
    cluster["certificate-authority-data"] = base64.b64encode(authority.certificate_pem).decode()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy, yaml.safe_dump(config)
    finally:
        proxy.sever()
        server.shutdown()
        server.server_close()
        thread.join()


def upstream_of(kubeconfig: str) -> Upstream:
    """Return the server of a kubeconfig with its client certificate; a token comes with the requests themselves."""
    config = yaml.safe_load(kubeconfig)
    (cluster,) = (entry["cluster"] for entry in config["clusters"])
    (user,) = (entry["user"] for entry in config["users"])
    context = ssl.create_default_context(cadata=_decoded(cluster, "certificate-authority-data").decode())
    if "client-certificate-data" in user:
        pair = KeyPair(_decoded(user, "client-certificate-data"), _decoded(user, "client-key-data"))
        _load_pair(context, pair)
    address = urlsplit(cluster["server"])
    return Upstream(str(address.hostname), int(address.port or 443), context)


def _decoded(entry: dict[str, Any], key: str) -> bytes:
    return base64.b64decode(entry[key])


def _load_pair(context: ssl.SSLContext, pair: KeyPair) -> None:
    with tempfile.NamedTemporaryFile() as file:  # the ssl module reads files only
        file.write(pair.certificate + b"\n" + pair.key)
        file.flush()
        context.load_cert_chain(file.name)
