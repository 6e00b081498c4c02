"""The audit log of the API server: the judge of what was really written, and by whom.

https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.controlplane.errors import ControlPlaneError

READ_VERBS = frozenset({"get", "list", "watch"})
BARRIER_SECONDS = 10.0
AUDIT_POLICY: dict[str, object] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        # The reads of the control plane itself would be most of the log and judge nothing.
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"], "verbs": sorted(READ_VERBS)},
        {
            "level": "None",
            "users": ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler", "system:kwok"],
            "verbs": sorted(READ_VERBS),
        },
        {
            "level": "None",
            "users": ["system:kwok"],
            "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}],
        },
        # What a deletion demands of the object (its uid) stands in the body of the request, which holds no secret.
        {"level": "Request", "verbs": ["delete"]},
        {"level": "Metadata"},
    ],
}


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One request that the API server answered. `verb` is Kubernetes' word: `get`, `patch`, `deletecollection`, …

    `demanded_uid` is the uid that a deletion names as its precondition, "" when it names none.
    """

    verb: str
    uri: str
    user: str
    user_agent: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    received_at: datetime
    demanded_uid: str = ""

    @property
    def is_dry_run(self) -> bool:
        """Whether the request asked the server not to persist anything (`dryRun=All`)."""
        return parse_qs(urlsplit(self.uri).query).get("dryRun") == ["All"]

    @property
    def is_write(self) -> bool:
        """Whether the request could change an object of the cluster, whatever its answer was.

        Reviews are POSTs that persist nothing.
        """
        is_review = self.group in {"authorization.k8s.io", "authentication.k8s.io"}
        return self.verb not in READ_VERBS and not self.is_dry_run and not is_review and self.resource != ""


@dataclass(frozen=True, slots=True)
class AuditMark:
    """A point in the audit log: the events after it are those of requests that were answered after it was made."""

    offset: int


@dataclass(frozen=True, slots=True)
class AuditLog:
    """The audit log file, and a request to the server (`probe(path)`) that marks a point in it."""

    path: Path
    probe: Callable[[str], object]

    def mark(self) -> AuditMark:
        """Returns the point after every request answered so far."""
        self._settle()
        return AuditMark(self.path.stat().st_size)

    def events(self, since: AuditMark | None = None) -> tuple[AuditEvent, ...]:
        """Returns the events since `since`, from the start when None, oldest first."""
        self._settle()
        with self.path.open("rb") as stream:
            stream.seek(since.offset if since else 0)
            return tuple(parse_audit_event(json.loads(line)) for line in stream if line.endswith(b"\n"))

    def _settle(self) -> None:
        """Waits until the log has the event of a request of our own, so that it has those answered before."""
        sign = f"/version?audit-mark={uuid.uuid4().hex}"
        self.probe(sign)
        deadline = time.monotonic() + BARRIER_SECONDS
        while sign.encode() not in _tail(self.path):
            if time.monotonic() > deadline:
                raise ControlPlaneError(f"{self.path} does not show a request {BARRIER_SECONDS:.0f} s old")
            time.sleep(0.01)


def parse_audit_event(raw: dict[str, Any]) -> AuditEvent:
    """Returns the event of one line of the log (`audit.k8s.io/v1 Event`)."""
    target = raw.get("objectRef", {})
    return AuditEvent(
        verb=raw["verb"],
        uri=raw["requestURI"],
        user=raw.get("impersonatedUser", raw["user"]).get("username", ""),
        user_agent=raw.get("userAgent", ""),
        group=target.get("apiGroup", ""),
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=raw.get("responseStatus", {}).get("code", 0),
        received_at=datetime.fromisoformat(raw["requestReceivedTimestamp"]),
        demanded_uid=raw.get("requestObject", {}).get("preconditions", {}).get("uid", ""),
    )


def writes(events: Iterable[AuditEvent], *, user: str = "", user_agent: str = "") -> tuple[AuditEvent, ...]:
    """Returns the writes among `events`, of one user or of user agents that start with `user_agent` when given."""
    return tuple(
        event
        for event in events
        if event.is_write and user in {"", event.user} and event.user_agent.startswith(user_agent)
    )


def _tail(path: Path, length_bytes: int = 65536) -> bytes:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - length_bytes))
        return stream.read()
