"""The command line of each program, and the files it reads."""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.controlplane.audit import AUDIT_POLICY
from tests.controlplane.authority import (
    SERVICE_ACCOUNT_ISSUER,
    Authority,
    KeyPair,
    issue_client,
    issue_server,
    private_pem,
    public_pem,
)
from tests.controlplane.kubeconfig import certificate_kubeconfig

STAGES = Path(__file__).parent / "stages"
CONTAINER_LOG = "".join(  # the format of container runtimes: time, stream, F for a full line
    f"2026-01-01T00:00:00.000000000Z stdout F {line}\n" for line in ("starting", "listening", "last line of the log")
)
FIRST_PORT, END_PORT = 10000, 30000  # below the ports that the system gives to outgoing connections


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one control plane lives: its folder, its programs and its ports on loopback."""

    folder: Path
    programs: Path
    etcd_port: int
    peer_port: int
    server_port: int
    kubelet_port: int

    @property
    def server_url(self) -> str:
        """The address of the API server."""
        return f"https://127.0.0.1:{self.server_port}"

    @property
    def audit_log(self) -> Path:
        """The file that the API server appends its audit events to."""
        return self.folder / "audit.log"

    def program(self, name: str) -> str:
        """Returns the path of a program."""
        return str(self.programs / name)

    def file(self, name: str) -> str:
        """Returns the path of a file of this control plane."""
        return str(self.folder / name)


def make_layout(folder: Path, programs: Path) -> Layout:
    """Returns a layout with four ports that nobody listens on at this moment."""
    ports: set[int] = set()
    while len(ports) < 4:
        port = random.randrange(FIRST_PORT, END_PORT)
        if _is_free(port):
            ports.add(port)
    return Layout(folder, programs, *ports)


def write_files(layout: Layout, authority: Authority) -> None:
    """Writes certificates, keys, kubeconfigs, the audit policy and the stages into the folder."""
    _write(layout, "ca.crt", authority.certificate_pem)
    _write(layout, "service-accounts.key", private_pem(authority.token_key))
    _write(layout, "service-accounts.pub", public_pem(authority.token_key))
    _write_pair(layout, "server", issue_server(authority))
    _write_pair(layout, "kubelet-client", issue_client(authority, "kube-apiserver", ("system:masters",)))
    for user, groups in _PROGRAM_USERS.items():
        pair = issue_client(authority, f"system:{user}", groups)
        text = certificate_kubeconfig(layout.server_url, authority.certificate_pem, pair)
        _write(layout, f"{user}.kubeconfig", text.encode())
    _write(layout, "audit-policy.yaml", yaml.safe_dump(AUDIT_POLICY).encode())
    _write(layout, "container.log", CONTAINER_LOG.encode())
    _write(layout, "kwok.yaml", _kwok_config(layout).encode())


def etcd_command(layout: Layout) -> list[str]:
    """Returns etcd without its fsyncs: the data lives as long as the test session."""
    client, peer = f"http://127.0.0.1:{layout.etcd_port}", f"http://127.0.0.1:{layout.peer_port}"
    return _command(
        layout.program("etcd"),
        {
            "name": "test",
            "data-dir": layout.file("etcd"),
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"test={peer}",
            "unsafe-no-fsync": "true",
        },
    )


def api_server_command(layout: Layout, flags: Mapping[str, str]) -> list[str]:
    """Returns the API server on loopback with RBAC, an audit log, the defaults of a real one, and `flags` on top."""
    return _command(
        layout.program("kube-apiserver"),
        {
            "etcd-servers": f"http://127.0.0.1:{layout.etcd_port}",
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "endpoint-reconciler-type": "none",  # the endpoint of this server would be a loopback address: not valid
            "secure-port": str(layout.server_port),
            "cert-dir": layout.file("server-certificates"),
            "tls-cert-file": layout.file("server.crt"),
            "tls-private-key-file": layout.file("server.key"),
            "client-ca-file": layout.file("ca.crt"),
            "authorization-mode": "RBAC",
            "allow-privileged": "true",
            "service-cluster-ip-range": "10.96.0.0/16",
            "service-account-issuer": SERVICE_ACCOUNT_ISSUER,
            "service-account-key-file": layout.file("service-accounts.pub"),
            "service-account-signing-key-file": layout.file("service-accounts.key"),
            "kubelet-client-certificate": layout.file("kubelet-client.crt"),
            "kubelet-client-key": layout.file("kubelet-client.key"),
            "kubelet-preferred-address-types": "InternalIP",
            "audit-policy-file": layout.file("audit-policy.yaml"),
            "audit-log-path": str(layout.audit_log),
            "audit-log-mode": "blocking",
            "audit-log-maxsize": "100000",  # MB; a log that rotates would move the marks in it
            "profiling": "false",
            **flags,
        },
    )


def controller_manager_command(layout: Layout) -> list[str]:
    """Returns the controller manager with all its controllers, each with its own service account."""
    return _command(
        layout.program("kube-controller-manager"),
        {
            "kubeconfig": layout.file("kube-controller-manager.kubeconfig"),
            "root-ca-file": layout.file("ca.crt"),
            "service-account-private-key-file": layout.file("service-accounts.key"),
            "use-service-account-credentials": "true",
            "leader-elect": "false",
            "secure-port": "0",
            "kube-api-qps": "200",
            "kube-api-burst": "400",
            "profiling": "false",
        },
    )


def scheduler_command(layout: Layout) -> list[str]:
    """Returns the scheduler."""
    kubeconfig = layout.file("kube-scheduler.kubeconfig")
    flags = {"kubeconfig": kubeconfig, "leader-elect": "false", "secure-port": "0", "profiling": "false"}
    return _command(layout.program("kube-scheduler"), flags)


def kwok_command(layout: Layout) -> list[str]:
    """Returns kwok, which plays every node and its kubelet, logs included."""
    return _command(
        layout.program("kwok"),
        {
            "kubeconfig": layout.file("kwok.kubeconfig"),
            "config": layout.file("kwok.yaml"),
            "manage-all-nodes": "true",
            "node-lease-duration-seconds": "40",
            "cidr": "10.244.0.0/16",
            "node-ip": "127.0.0.1",
            "node-port": str(layout.kubelet_port),
            "server-address": f"127.0.0.1:{layout.kubelet_port}",
            "tls-cert-file": layout.file("server.crt"),
            "tls-private-key-file": layout.file("server.key"),
        },
    )


_PROGRAM_USERS: Mapping[str, tuple[str, ...]] = {
    "kube-controller-manager": (),
    "kube-scheduler": (),
    "kwok": ("system:masters",),
}


def _kwok_config(layout: Layout) -> str:
    """Returns the stages and the log of every container, as one stream of documents."""
    log = layout.file("container.log")
    logs = {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "ClusterLogs",
        "metadata": {"name": "every-container"},
        "spec": {"logs": [{"logsFile": log, "previousLogsFile": log}]},
    }
    stages = [path.read_text(encoding="utf-8") for path in sorted(STAGES.glob("*.yaml"))]
    return "\n---\n".join([*stages, yaml.safe_dump(logs)])


def _command(program: str, flags: Mapping[str, str]) -> list[str]:
    return [program, *(f"--{name}={value}" for name, value in flags.items())]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _write_pair(layout: Layout, name: str, pair: KeyPair) -> None:
    _write(layout, f"{name}.crt", pair.certificate)
    _write(layout, f"{name}.key", pair.key)


def _write(layout: Layout, name: str, content: bytes) -> None:
    (layout.folder / name).write_bytes(content)
