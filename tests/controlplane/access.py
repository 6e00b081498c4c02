"""Plain requests to an API server for fixtures and checks: no client library, so it is no judge of its own cause."""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
import yaml

from tests.controlplane.errors import ControlPlaneError

USER_AGENT = "gitops-push-test-fixture"
TIMEOUT_SECONDS = 30.0


class RequestError(ControlPlaneError):
    """The API server answered with an error; `status` is the HTTP status, the message is the server's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Access:
    """An API server and the credential of one user."""

    server: str
    pool: urllib3.PoolManager = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    def request(self, method: str, path: str, body: object = None, content_type: str = "application/json") -> Any:
        """Returns the parsed JSON answer, or the text of an answer that is not JSON.

        Raises RequestError for a status of 400 or above, and urllib3's errors when the server is not reached.
        """
        answer = self.pool.request(
            method,
            self.server + path,
            body=None if body is None else json.dumps(body).encode(),
            headers={**self.headers, "Content-Type": content_type, "User-Agent": USER_AGENT},
            timeout=TIMEOUT_SECONDS,
            retries=False,
        )
        if answer.status >= 400:
            raise RequestError(answer.status, f"{method} {path}: HTTP {answer.status}: {_message(answer.data)}")
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        return json.loads(answer.data) if is_json else answer.data.decode()

    def close(self) -> None:
        """Closes the connections."""
        self.pool.clear()


def open_access(kubeconfig: str) -> Access:
    """Returns access as the current context's user, with a client certificate or a token.

    Raises ControlPlaneError for other kinds of credentials.
    """
    config = yaml.safe_load(kubeconfig)
    context = _named(config, "contexts", "context", config["current-context"])
    cluster = _named(config, "clusters", "cluster", context["cluster"])
    user = _named(config, "users", "user", context["user"])
    token = user.get("token") or (_content(user, "tokenFile") or b"").decode().strip()
    if not token and not _content(user, "client-certificate"):
        raise ControlPlaneError("the kubeconfig of a test cluster needs a client certificate or a token")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    pool = urllib3.PoolManager(ssl_context=_ssl_context(cluster, user), maxsize=4)
    return Access(cluster["server"].rstrip("/"), pool, headers)


def _ssl_context(cluster: Mapping[str, str], user: Mapping[str, str]) -> ssl.SSLContext:
    authority = _content(cluster, "certificate-authority")
    context = ssl.create_default_context(cadata=authority.decode() if authority else None)
    certificate, key = _content(user, "client-certificate"), _content(user, "client-key")
    if certificate and key:
        with tempfile.NamedTemporaryFile() as pair:  # the ssl module reads files only
            pair.write(certificate + b"\n" + key)
            pair.flush()
            context.load_cert_chain(pair.name)
    return context


def _content(entry: Mapping[str, str], name: str) -> bytes | None:
    """Returns what `NAME-data` holds or the file `NAME` has, None when the entry has neither."""
    if f"{name}-data" in entry:
        return base64.b64decode(entry[f"{name}-data"])
    return Path(entry[name]).read_bytes() if name in entry else None


def _named(config: Mapping[str, Any], section: str, key: str, name: str) -> dict[str, Any]:
    for entry in config[section]:
        if entry["name"] == name:
            return dict(entry[key] or {})
    raise ControlPlaneError(f"the kubeconfig has no {key} {name!r}")


def _message(data: bytes) -> str:
    try:
        return str(json.loads(data).get("message", ""))
    except ValueError:
        return data[:300].decode(errors="replace")
