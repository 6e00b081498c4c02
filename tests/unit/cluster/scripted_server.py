"""A TLS server that answers what a test tells it to, however wrong that is."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from gitops_push.core.credential import ClientCertificate, Credential
from gitops_push.core.secret_text import SecretText
from tests.unit.certificates import Issued, issue, make_authority

Chunks: TypeAlias = Iterable[bytes]
Script: TypeAlias = Callable[["Received"], Chunks]
"""Yields the bytes to send for a request; an `EndOfConnection` raised in it closes the connection."""


class EndOfConnection(Exception):  # noqa: N818
    """Close the connection now."""


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came over the wire; header names in lower case, repeated ones in order."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


@dataclass(slots=True)
class ScriptedServer:
    """Serves the scripts in turn, the last one for ever. `connections` counts those that were accepted."""

    authority: Issued
    certificate: Issued
    scripts: deque[Script]
    client_authority: Issued | None = None
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _open: list[socket.socket] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    port: int = field(init=False)

    def __post_init__(self) -> None:
        self.port = int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def credential(self, **changes: Any) -> Credential:
        """Return a credential for this server, with a token that is never refreshed."""
        fields = {
            "server": self.url,
            "found_in": "the test",
            "ca_pem": self.authority.certificate_pem,
            "token": lambda refresh: SecretText("the-token"),
        }
        return Credential(**{**fields, **changes})

    def client_certificate(self, authority: Issued, **dates: Any) -> ClientCertificate:
        pair = issue(authority, "somebody", **dates)
        return ClientCertificate(SecretText(pair.certificate_pem), SecretText(pair.key_pem))

    def start(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        for connection in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        context = self._context()
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(raw)
            threading.Thread(target=self._serve, args=(context, raw), daemon=True).start()

    def _serve(self, context: ssl.SSLContext, raw: socket.socket) -> None:
        with contextlib.suppress(OSError, EndOfConnection, ValueError):
            connection = context.wrap_socket(raw, server_side=True)
            self._open.append(connection)
            self.connections += 1
            with connection, connection.makefile("rb") as stream:
                while request := _read_request(stream):
                    self._answer(connection, request)

    def _answer(self, connection: socket.socket, request: Received) -> None:
        with self._lock:
            self.received.append(request)
            script = self.scripts.popleft() if len(self.scripts) > 1 else self.scripts[0]
        for chunk in script(request):
            connection.sendall(chunk)

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "server.pem")
            path.write_text(self.certificate.certificate_pem + self.certificate.key_pem)
            context.load_cert_chain(path)
        if self.client_authority:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=self.client_authority.certificate_pem)
        return context


@contextlib.contextmanager
def serving(*scripts: Script, **changes: Any) -> Iterator[ScriptedServer]:
    """Run a server with a certificate for 127.0.0.1."""
    authority = changes.pop("authority", None) or make_authority()
    certificate = changes.pop("certificate", None) or issue(authority, "server", hosts=("127.0.0.1",))
    server = ScriptedServer(authority, certificate, deque(scripts), **changes)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def message(status: int, body: bytes = b"", content_type: str = "application/json", **headers: str) -> bytes:
    """Return a whole HTTP response; header names are given with `_` for `-`."""
    lines = [f"HTTP/1.1 {status} Any", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def reply(status: int, body: bytes = b"", content_type: str = "application/json", **headers: str) -> Script:
    """Return a script that answers the same to everything."""
    return lambda request: [message(status, body, content_type, **headers)]


def reply_json(value: Any, status: int = 200, **headers: str) -> Script:
    """Return a script that answers a JSON value."""
    return reply(status, json.dumps(value).encode(), **headers)


def status_object(code: int, reason: str, text: str = "no", **details: Any) -> Script:
    """Return a script that answers a Status object as an API server does."""
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "message": text,
        "code": code,
    }
    return reply_json({**status, "details": details}, code)


def hang_up(request: Received) -> NoReturn:
    """Close the connection instead of answering."""
    raise EndOfConnection


def endless_body(request: Received) -> Iterator[bytes]:
    """Send spaces for ever."""
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"10000\r\n" + b" " * 0x10000 + b"\r\n"


def bomb(megabytes: int) -> bytes:
    """Return a little gzip data that unpacks to much."""
    return gzip.compress(b" " * (megabytes << 20), 9)


def _read_request(stream: Any) -> Received | None:
    line = stream.readline()
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers = []
    while (header := stream.readline()) not in {b"\r\n", b""}:
        name, _, value = header.decode("latin-1").partition(":")
        headers.append((name.strip().lower(), value.strip()))
    length = next((int(value) for name, value in headers if name == "content-length"), 0)
    return Received(method, target, tuple(headers), stream.read(length))
