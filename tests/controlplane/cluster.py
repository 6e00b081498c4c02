"""One running control plane: how to start it, reach it, judge what was written to it, and stop it."""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import urllib3

from tests.controlplane import commands
from tests.controlplane.access import Access, RequestError, open_access
from tests.controlplane.audit import AuditEvent, AuditLog, AuditMark
from tests.controlplane.authority import Authority, issue_client, make_authority, sign_token
from tests.controlplane.build import report_on_stderr
from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.kubeconfig import certificate_kubeconfig, token_kubeconfig
from tests.controlplane.nodes import is_ready, node, storage_class
from tests.controlplane.processes import Processes, start_supervisor
from tests.controlplane.programs import find_programs

KUBECONFIG_VARIABLE = "GITOPS_PUSH_TEST_KUBECONFIG"
READY_SECONDS = 90.0
HEARTBEAT_SECONDS = 10.0
POLL_SECONDS = 0.05
START_ATTEMPTS = 3
ADMIN = "test-admin"


@dataclass(frozen=True, slots=True)
class OwnParts:
    """What only a control plane has that this process started: its processes, authority and audit log."""

    processes: Processes
    authority: Authority
    audit: AuditLog


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A control plane. `kubeconfig` is the text for its administrator; `own` is None when it was given from outside."""

    kubeconfig: str = field(repr=False)
    access: Access
    own: OwnParts | None

    @property
    def server_url(self) -> str:
        """The address of the API server."""
        return self.access.server

    @property
    def audit_log(self) -> Path | None:
        """The audit log file, None for a cluster given from outside."""
        return self.own.audit.path if self.own else None

    def request(self, method: str, path: str, body: object = None, content_type: str = "application/json") -> Any:
        """Returns the answer to a request as administrator; the user agent is `gitops-push-test-fixture`."""
        return self.access.request(method, path, body, content_type)

    def audit_mark(self) -> AuditMark:
        """Returns the present end of the audit log."""
        return self._own().audit.mark()

    def audit_events(self, since: AuditMark | None = None) -> tuple[AuditEvent, ...]:
        """Returns the requests that the server answered since `since`, all when None."""
        return self._own().audit.events(since)

    def new_user(self, name: str, groups: tuple[str, ...] = (), valid_for: dt.timedelta | None = None) -> str:
        """Returns the kubeconfig of a user with a client certificate and no rights but those of `groups`.

        `("system:masters",)` may do everything. A negative `valid_for` makes a certificate that has expired.
        """
        authority = self._own().authority
        pair = issue_client(authority, name, groups, valid_for)
        return certificate_kubeconfig(self.server_url, authority.certificate_pem, pair)

    def service_account_kubeconfig(self, namespace: str, name: str) -> str:
        """Returns the kubeconfig of a service account, which it makes when missing, with a token of one hour."""
        accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        try:
            self.request("POST", accounts, {"metadata": {"name": name}})
        except RequestError as error:
            if error.status != 409:
                raise
        answer = self.request("POST", f"{accounts}/{name}/token", {"spec": {"expirationSeconds": 3600}})
        return self.token_kubeconfig(answer["status"]["token"])

    def token_kubeconfig(self, token: str) -> str:
        """Returns the kubeconfig of whoever holds `token`, which need not be valid."""
        return token_kubeconfig(self.server_url, self._own().authority.certificate_pem, token)

    def expired_token_kubeconfig(self, namespace: str = "default", name: str = "default") -> str:
        """Returns the kubeconfig of a service account whose token was valid until an hour ago."""
        token = sign_token(self._own().authority, namespace, name, -dt.timedelta(hours=1))
        return self.token_kubeconfig(token)

    def stop(self) -> None:
        """Ends every process and removes the folder. Leaves a cluster that was given from outside as it is."""
        self.access.close()
        if self.own:
            self.own.processes.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _own(self) -> OwnParts:
        if self.own is None:
            raise ControlPlaneError(
                f"{KUBECONFIG_VARIABLE} names a cluster with an authority and an audit log of its own"
            )
        return self.own


def open_control_plane(environ: Mapping[str, str], say: Callable[[str], None] = report_on_stderr) -> ControlPlane:
    """Returns the cluster of `GITOPS_PUSH_TEST_KUBECONFIG`, or else starts a control plane of our own.

    KUBECONFIG is not looked at: tests must not touch a developer's cluster. Raises ControlPlaneError.
    """
    given = environ.get(KUBECONFIG_VARIABLE)
    if not given:
        return start_control_plane(find_programs(environ, say), say=say)
    try:
        kubeconfig = Path(given).read_text(encoding="utf-8")
        access = open_access(kubeconfig)
        access.request("GET", "/version")
    except (OSError, urllib3.exceptions.HTTPError) as error:
        raise ControlPlaneError(f"the cluster of {KUBECONFIG_VARIABLE}={given} is not reached: {error}") from error
    return ControlPlane(kubeconfig, access, None)


def start_control_plane(
    programs: Path,
    nodes: int = 2,
    api_server_flags: Mapping[str, str] | None = None,
    say: Callable[[str], None] = report_on_stderr,
) -> ControlPlane:
    """Starts a control plane with `nodes` ready nodes and waits until pods can run in it: about four seconds.

    `programs` is a folder with the five programs; `api_server_flags` (without dashes) go to kube-apiserver. Raises
    ControlPlaneError, with the end of the log of the program that failed; then nothing is left running. It ends with
    `stop()`, and also when this process ends in any way.
    """
    for attempt in range(1, START_ATTEMPTS + 1):
        folder = Path(tempfile.mkdtemp(prefix="gitops-push-controlplane-"))
        layout = commands.make_layout(folder, programs)
        processes = start_supervisor(folder)
        try:
            return _start(layout, processes, nodes, api_server_flags or {}, say)
        except BaseException as error:
            processes.stop()
            if "address already in use" not in str(error) or attempt == START_ATTEMPTS:
                raise
            say("somebody took one of the chosen ports; starting again with others")
    raise AssertionError("unreachable")


def _start(
    layout: commands.Layout,
    processes: Processes,
    nodes: int,
    api_server_flags: Mapping[str, str],
    say: Callable[[str], None],
) -> ControlPlane:
    authority = make_authority()
    commands.write_files(layout, authority)
    admin = issue_client(authority, ADMIN, ("system:masters",))
    kubeconfig = certificate_kubeconfig(layout.server_url, authority.certificate_pem, admin)
    processes.start("etcd", commands.etcd_command(layout))
    processes.start("kube-apiserver", commands.api_server_command(layout, api_server_flags))
    access = open_access(kubeconfig)
    wait = _Wait(processes, say)
    wait.until("API server ready", "kube-apiserver", lambda: _answers(access, "/readyz"))
    processes.start("kube-controller-manager", commands.controller_manager_command(layout))
    processes.start("kube-scheduler", commands.scheduler_command(layout))
    processes.start("kwok", commands.kwok_command(layout))
    for number in range(1, nodes + 1):
        access.request("POST", "/api/v1/nodes", node(number))
    access.request("POST", "/apis/storage.k8s.io/v1/storageclasses", storage_class())
    wait.until("nodes ready", "kwok", lambda: all(map(is_ready, _nodes(access))))
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    wait.until("controllers at work", "kube-controller-manager", lambda: _answers(access, account))
    audit = AuditLog(layout.audit_log, lambda path: access.request("GET", path))
    return ControlPlane(kubeconfig, access, OwnParts(processes, authority, audit))


@dataclass(slots=True)
class _Wait:
    """Waits for the stages of a start, with one time limit for all of them and a line every ten seconds."""

    processes: Processes
    say: Callable[[str], None]
    started_at: float = field(default_factory=time.monotonic)
    said_at: float = 0.0

    def until(self, what: str, program: str, happened: Callable[[], bool]) -> None:
        while not happened():
            self.processes.raise_if_any_ended()
            waited_seconds = time.monotonic() - self.started_at
            if waited_seconds > READY_SECONDS:
                log = self.processes.log_end(program)
                raise ControlPlaneError(f"{what}: not in {READY_SECONDS:.0f} s. The log of {program} ends with:\n{log}")
            if waited_seconds - self.said_at > HEARTBEAT_SECONDS:
                self.said_at = waited_seconds
                self.say(f"{what}: waiting for {waited_seconds:.0f} s")
            time.sleep(POLL_SECONDS)


def _answers(access: Access, path: str) -> bool:
    try:
        access.request("GET", path)
    except (RequestError, urllib3.exceptions.HTTPError):
        return False
    return True


def _nodes(access: Access) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = access.request("GET", "/api/v1/nodes")["items"]
    return items
