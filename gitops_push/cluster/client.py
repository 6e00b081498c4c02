"""The only module that speaks HTTP to an API server: the official client's transport with our own pool and rules.

The client's defaults follow redirects with the body, repeat writes, wait up to six hours for a Retry-After, and never
time out. So its `ApiClient` gets a pool manager of ours that does none of that, its generated calls and models stay
unused, and each request goes through `UrllibWire.send`. Importing `kubernetes` takes a quarter of a second, whichever
of its modules is wanted (its `__init__` imports the rest), so it happens inside `connect`.
"""

from __future__ import annotations

import math
import socket
import ssl
import time
import zlib
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import SplitResult, quote, unquote, urlsplit

from gitops_push.cluster.authorization import Authorization, Headers
from gitops_push.cluster.exchange import Exchange, Lines
from gitops_push.cluster.http_api import HttpApi
from gitops_push.cluster.lines import ResponseLines
from gitops_push.cluster.options import ConnectionOptions
from gitops_push.cluster.proxies import checked_proxy, proxy_for
from gitops_push.cluster.reply import NoReply, Reply, ReplyTooLarge
from gitops_push.cluster.request import ERROR_LIMIT_BYTES, JSON, Request
from gitops_push.cluster.retries import Retries
from gitops_push.cluster.sockets import CurrentCall, deadline_socket
from gitops_push.cluster.tls_errors import may_pass, tls_error
from gitops_push.core.codes import Code
from gitops_push.core.credential import Credential
from gitops_push.core.errors import ClusterError, CredentialError, Problem
from gitops_push.core.untrusted import clean_line
from gitops_push.system.tls import tls_context

if TYPE_CHECKING:
    import urllib3

__all__ = ["ConnectionOptions", "HttpApi", "connect"]

_KEEP_ALIVE: Final = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
"""Seconds before the first probe, between probes, and how many go unanswered; where the platform has them."""

_CHUNK_BYTES: Final = 64 * 1024
_MOST_HEADERS: Final = 32


def connect(credential: Credential, options: ConnectionOptions, retries: Retries | None = None) -> HttpApi:
    """Return the API server of a credential. Sends nothing yet: the first call opens the first connection.

    `CredentialError` for a TLS identity that OpenSSL does not take, `ClusterError` for a server or proxy URL that
    cannot be used. `retries` is for tests that bring their own clock.
    """
    parts = _server_parts(credential)
    retries = retries or Retries(options.retries)
    wire = UrllibWire(credential, parts, options)
    run_deadline = math.inf if options.run_seconds is None else retries.clock() + options.run_seconds
    return HttpApi(Exchange(credential.server, wire, Authorization(credential), options, retries, run_deadline))


def _server_parts(credential: Credential) -> SplitResult:
    try:
        parts = urlsplit(credential.server)
        usable = parts.scheme == "https" and parts.hostname and not (parts.query or parts.fragment or parts.username)
        if usable and (parts.port is None or parts.port > 0):
            return parts
    except ValueError:
        pass
    message = f"the kubeconfig of {credential.found_in} names a server that is not an https:// URL"
    raise CredentialError(Problem(Code.CREDENTIAL_INVALID, message))


class UrllibWire:
    """Implements `Wire` with urllib3, by the pools of one `kubernetes.client.ApiClient`."""

    def __init__(self, credential: Credential, parts: SplitResult, options: ConnectionOptions) -> None:
        import urllib3
        from kubernetes.client import ApiClient, Configuration

        self._urllib3 = urllib3
        self._credential = credential
        self._prefix = quote(unquote(parts.path.rstrip("/")), safe="/")
        self._call = CurrentCall()
        self._client = ApiClient(Configuration(host=credential.server))
        pools = self._client.rest_client.pool_manager = _pool_manager(credential, parts, options, self._call)
        host, port = str(parts.hostname), parts.port or 443
        self._pool = pools.connection_from_host(host, port, "https")
        self._watch_pool = pools.connection_from_host(host, port, "https", {"block": False, "maxsize": 1})
        self._pool.ConnectionCls = _one_write_connection(self._pool.ConnectionCls)
        self._timeout = urllib3.Timeout(connect=options.connect_seconds, read=options.read_seconds)
        self._patient = urllib3.Timeout(connect=options.connect_seconds, read=None)
        self._once = urllib3.Retry(False, redirect=False)
        self._headers: dict[tuple[Headers, str, bool, str], urllib3.HTTPHeaderDict] = {}

    def send(self, request: Request, headers: Headers, deadline: float) -> Reply:
        """See `Wire`."""
        self._call.begin(deadline)
        try:
            return self._whole(self._urlopen(self._pool, request, headers, self._timeout), request)
        except (self._urllib3.exceptions.HTTPError, OSError, UnicodeError) as error:
            raise self.no_reply(error) from error

    def open(self, request: Request, headers: Headers, deadline: float) -> Reply | Lines:
        """See `Wire`. Has its own connections: a watch must not keep a request waiting."""
        self._call.begin(deadline)
        try:
            response = self._urlopen(self._watch_pool, request, headers, self._patient)
            if response.status == 200 and _is_plain_json(response.headers):
                return ResponseLines(response, self.read_some)
            return self._whole(response, request)
        except (self._urllib3.exceptions.HTTPError, OSError, UnicodeError) as error:
            raise self.no_reply(error) from error

    def close(self) -> None:
        """See `Wire`."""
        for pool in (self._pool, self._watch_pool):
            pool.close()

    def read_some(self, response: Any, deadline: float) -> bytes:
        """Return what the next read of a streamed response gives, b"" at its end; `NoReply` if it broke off."""
        self._call.begin(deadline)
        try:
            return bytes(response.read1(_CHUNK_BYTES, decode_content=False))
        except (self._urllib3.exceptions.HTTPError, OSError) as error:
            raise self.no_reply(error) from error

    def no_reply(self, error: Exception) -> NoReply:
        """Return what an exception of the transport means."""
        tls = _cause_of(error, ssl.SSLError)
        broken_off = isinstance(tls, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError))
        if isinstance(tls, ssl.SSLError) and not broken_off and _cause_of(error, TimeoutError) is None:
            return NoReply(tls_error(self._credential, tls), sent=self._call.sent, final=not may_pass(tls))
        proxy = self._pool.proxy
        through = f" (through the proxy {proxy.host})" if proxy is not None else ""
        what, hint = self._reason(error)
        message = f"{self._credential.server}{through} {what}"
        return NoReply(ClusterError(Problem(Code.SERVER_UNREACHABLE, message, hint=hint)), sent=self._call.sent)

    def _urlopen(self, pool: Any, request: Request, identity: Headers, timeout: urllib3.Timeout) -> Any:
        return pool.urlopen(
            request.method,
            self._prefix + request.target,
            body=request.body or None,
            headers=self._headers_of(request, identity),
            retries=self._once,
            redirect=False,
            timeout=timeout,
            preload_content=False,
            decode_content=False,
        )

    def _headers_of(self, request: Request, identity: Headers) -> urllib3.HTTPHeaderDict:
        key = (identity, request.accept, request.gzip, request.content_type)
        known = self._headers.get(key)
        if known is not None:
            return known
        headers = self._urllib3.HTTPHeaderDict()
        for name, value in identity:
            headers.add(name, value)
        headers["Accept"] = request.accept
        headers["Accept-Encoding"] = "gzip" if request.gzip else "identity"
        if request.content_type:
            headers["Content-Type"] = request.content_type
        self._headers = {**self._headers, key: headers} if len(self._headers) < _MOST_HEADERS else {key: headers}
        return headers

    def _whole(self, response: Any, request: Request) -> Reply:
        """Read a response to its end and give its connection back; a reply cut for its size loses the connection."""
        good = response.status < 300
        try:
            body = _read(response, request.limit_bytes if good else ERROR_LIMIT_BYTES)
            body = self._unpacked(response, request, body)
        except ReplyTooLarge:
            if good:
                raise
            body = b""
        finally:
            _give_back(response)
        headers = response.headers
        return Reply(
            response.status,
            headers.get("Content-Type", "").lower(),
            body,
            tuple(headers.getlist("Warning")) if "Warning" in headers else (),
            headers.get("Retry-After", ""),
            headers.get("Location", ""),
        )

    def _unpacked(self, response: Any, request: Request, body: bytes) -> bytes:
        packed = response.headers.get("Content-Encoding", "").strip().lower()
        if packed in {"", "identity"}:
            return body
        unpacked = _gunzip(body, request.limit_bytes) if packed == "gzip" and request.gzip else None
        if unpacked is not None:
            return unpacked
        message = f"{self._credential.server} sent a reply packed as {clean_line(packed[:40])} that cannot be accepted"
        hint = "something between here and the API server changes its replies: check HTTPS_PROXY"
        raise ClusterError(Problem(Code.SERVER_NOT_KUBERNETES, message, hint=hint))

    def _reason(self, error: Exception) -> tuple[str, str | None]:
        errors = self._urllib3.exceptions
        if isinstance(error, errors.ProxyError):
            return f"cannot be reached: {_short(error)}", "check HTTPS_PROXY and NO_PROXY, or use --no-proxy"
        if isinstance(error, (errors.NameResolutionError, UnicodeError)):
            return "cannot be reached: its name does not resolve", "check the server in the kubeconfig, DNS and VPN"
        if _cause_of(error, ConnectionRefusedError):
            return "refuses the connection", "is the API server running, and is the port right?"
        if isinstance(error, errors.NewConnectionError):  # before its base class ConnectTimeoutError
            return f"cannot be reached: {_short(error)}", "check the network, firewall and VPN"
        if isinstance(error, errors.ConnectTimeoutError):
            return f"does not answer within {self._timeout.connect_timeout:g} s", "check the network, firewall and VPN"
        if _cause_of(error, TimeoutError) or isinstance(error, errors.ReadTimeoutError):
            return "did not answer in time", "the server or the network is overloaded"
        return f"broke the connection off ({_short(error)})", None


def _pool_manager(
    credential: Credential, parts: SplitResult, options: ConnectionOptions, call: CurrentCall
) -> urllib3.PoolManager:
    import urllib3
    from urllib3.connection import HTTPConnection

    context = tls_context(credential)
    context.sslsocket_class = deadline_socket(call, time.monotonic)
    settings: dict[str, Any] = {
        "ssl_context": context,
        "maxsize": options.concurrency,
        "block": True,
        "retries": False,
        "socket_options": [*HTTPConnection.default_socket_options, *_keep_alive_options()],
    }
    if credential.tls_server_name:
        settings["server_hostname"] = credential.tls_server_name
    proxy = ""
    if options.use_proxy:
        proxy = credential.proxy_url or proxy_for(str(parts.hostname), parts.port or 443, options.environment)
    if not proxy:
        return urllib3.PoolManager(**settings)
    url = checked_proxy(proxy)
    return urllib3.ProxyManager(url, proxy_headers=_proxy_headers(url), **settings)


def _one_write_connection(base: type[Any]) -> type[Any]:
    """Return a connection class that sends head and body of a request as one TLS record.

    The base class writes twice, and each write gives the interpreter lock away: with 16 threads that costs an eighth of
    the processor time of a request (measured with urllib3 2.8).
    """

    class OneWriteConnection(base):  # type: ignore[misc]  # its type is known when urllib3 has been imported
        _held: list[bytes] | None = None

        def request(self, *arguments: Any, **options: Any) -> None:
            self._held = []
            try:
                super().request(*arguments, **options)
                data = b"".join(self._held)
            finally:
                self._held = None
            self.send(data)

        def send(self, data: Any) -> None:
            if self._held is None:
                super().send(data)
            else:
                self._held.append(data)

    return OneWriteConnection


def _proxy_headers(url: str) -> dict[str, str]:
    import urllib3

    parts = urlsplit(url)
    if not parts.username:
        return {}
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return dict(urllib3.make_headers(proxy_basic_auth=login))


def _keep_alive_options() -> list[tuple[int, int, int]]:
    found = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in _KEEP_ALIVE:
        if hasattr(socket, name):
            found.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return found


def _read(response: Any, limit_bytes: int) -> bytes:
    """Return the whole body as it came over the wire; `ReplyTooLarge` at the first byte over the limit."""
    if response.length_remaining is not None and response.length_remaining > limit_bytes:
        raise ReplyTooLarge(limit_bytes)
    chunks: list[bytes] = []
    left = limit_bytes
    while chunk := response.read(left + 1, decode_content=False):
        left -= len(chunk)
        if left < 0:
            raise ReplyTooLarge(limit_bytes)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _gunzip(data: bytes, limit_bytes: int) -> bytes | None:
    """Return unpacked gzip data, None if it is broken; `ReplyTooLarge` if it unpacks to more than the limit."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        unpacked = unpacker.decompress(data, limit_bytes + 1)
    except zlib.error:
        return None
    if len(unpacked) > limit_bytes:
        raise ReplyTooLarge(limit_bytes)
    return unpacked if unpacker.eof and not unpacker.unused_data else None


def _give_back(response: Any) -> None:
    """Return the connection to its pool: as it is after a whole body, closed after anything else."""
    if not response.closed:
        response.close()
    response.release_conn()


def _is_plain_json(headers: Any) -> bool:
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return bool(media_type == JSON and headers.get("Content-Encoding", "identity").lower() == "identity")


_Cause = TypeVar("_Cause", bound=BaseException)


def _cause_of(error: BaseException, wanted: type[_Cause]) -> _Cause | None:
    """Return the first exception of a type among an error, its causes, contexts and arguments."""
    pending, seen = [error], set[int]()
    while pending:
        current = pending.pop(0)
        if isinstance(current, wanted):
            return current
        if id(current) not in seen:
            seen.add(id(current))
            linked = (current.__cause__, current.__context__, *current.args)
            pending.extend(each for each in linked if isinstance(each, BaseException))
    return None


def _short(error: Exception) -> str:
    inner = next((argument for argument in reversed(error.args) if isinstance(argument, Exception)), error)
    return clean_line(str(inner)[:200])
