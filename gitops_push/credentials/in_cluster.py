"""The credential of the pod that we run in: what the kubelet mounts (Kubernetes: "Accessing the API from a Pod")."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import CredentialError, Problem
from gitops_push.core.secret_text import SecretText

ACCOUNT_FOLDER: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_REREAD_SECONDS: Final = 60.0
_LIMIT_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class PodAccount:
    """Where the server is, and the account's files. `token` reads its file again: the kubelet renews it."""

    server: str
    ca_pem: str
    namespace: str
    token: Callable[[bool], SecretText] = field(repr=False)


def pod_account(environ: Mapping[str, str], folder: Path = ACCOUNT_FOLDER) -> PodAccount:
    """Return the account of this pod. Raises `CredentialError` where we do not run in one."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT_HTTPS", "443")
    port = environ.get("KUBERNETES_SERVICE_PORT", port)
    if not host or not port.isdigit():
        raise _missing("the variables KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
    address = f"[{host}]" if ":" in host else host
    tokens = _TokenFile(folder / "token")
    tokens(True)
    namespace = folder / "namespace"
    return PodAccount(
        server=f"https://{address}:{port}",
        ca_pem=_read(folder / "ca.crt"),
        namespace=_read(namespace).strip() if namespace.exists() else "",
        token=tokens,
    )


class _TokenFile:
    """The token in a file; used by many threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._token = SecretText("")
        self._read_at = float("-inf")

    def __call__(self, refresh: bool) -> SecretText:
        with self._lock:
            now = time.monotonic()
            if refresh or now - self._read_at >= _REREAD_SECONDS:
                self._token, self._read_at = SecretText(_read(self._path).strip()), now
            return self._token


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_LIMIT_BYTES)
    except OSError as error:
        raise _missing(f"{path} cannot be read: {(error.strerror or '').lower()}") from None


def _missing(why: str) -> CredentialError:
    hint = "inCluster is for a job that runs in a pod of the cluster, with automountServiceAccountToken"
    return CredentialError(Problem(Code.CREDENTIAL_MISSING, f"no service account of a pod: {why}", hint=hint))
