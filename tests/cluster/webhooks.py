"""Admission webhooks that run in the test process, with a certificate of their own authority."""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.controlplane.authority import issue_server, make_authority
from tests.controlplane.cluster import ControlPlane

Body = dict[str, Any]
Admit = Callable[[Body], Body]
"""From the request of an AdmissionReview to its response, without the uid."""

CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1"


@dataclass
class Webhook:
    """A server that answers; `requests` are those that came, the newest last."""

    url: str
    ca_bundle: str
    requests: list[Body] = field(default_factory=list)

    @property
    def client_config(self) -> Body:
        """Return how the API server reaches it."""
        return {"url": self.url, "caBundle": self.ca_bundle}

    def about(self, name: str) -> list[bool]:
        """Return for each request about an object of this name whether it was a dry run."""
        return [bool(request.get("dryRun")) for request in self.requests if request["name"] == name]


@contextmanager
def running(admit: Admit) -> Iterator[Webhook]:
    """Run a webhook until the end."""
    authority = make_authority()
    pair = issue_server(authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:  # the ssl module reads files only
        file.write(pair.certificate + b"\n" + pair.key)
        file.flush()
        context.load_cert_chain(file.name)
    webhook = Webhook("", base64.b64encode(authority.certificate_pem).decode())
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(webhook, admit))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    webhook.url = f"https://127.0.0.1:{server.server_port}/admit"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield webhook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def configured(
    control_plane: ControlPlane,
    namespace: str,
    client_config: Body,
    *,
    mutating: bool = False,
    failure_policy: str = "Fail",
    resources: tuple[str, ...] = ("configmaps",),
    timeout_seconds: int = 5,
) -> Iterator[str]:
    """Let the API server ask a webhook about ConfigMaps in a namespace; yields the name of the webhook."""
    kind = "Mutating" if mutating else "Validating"
    name = f"{uuid.uuid4().hex[:8]}.example.com"
    webhook = {
        "name": name,
        "clientConfig": client_config,
        "rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": list(resources)}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "sideEffects": "NoneOnDryRun",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": failure_policy,
        "timeoutSeconds": timeout_seconds,
    }
    path = f"{CONFIGURATIONS}/{kind.lower()}webhookconfigurations"
    control_plane.request("POST", path, {"metadata": {"name": name}, "webhooks": [webhook]})
    try:
        yield name
    finally:
        control_plane.request("DELETE", f"{path}/{name}")


def patched(*operations: Body) -> Body:
    """Return the response that changes the object."""
    patch = base64.b64encode(json.dumps(operations).encode()).decode()
    return {"allowed": True, "patchType": "JSONPatch", "patch": patch}


def denied(message: str) -> Body:
    """Return the response that refuses the object."""
    return {"allowed": False, "status": {"code": 400, "message": message}}


def _handler(webhook: Webhook, admit: Admit) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            webhook.requests.append(review["request"])
            response = {"uid": review["request"]["uid"], **admit(review["request"])}
            answer = json.dumps({"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": response})
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    return Handler
