"""Connects tests to a control plane by the kubeconfigs that its fixture makes, without the project's own reader."""

from __future__ import annotations

import base64
from typing import Any

import yaml

from gitops_push.cluster.client import ConnectionOptions, HttpApi, connect
from gitops_push.core.credential import ClientCertificate, Credential
from gitops_push.core.secret_text import SecretText


def credential_of(kubeconfig: str) -> Credential:
    """Return the credential of a kubeconfig with one context and everything inline."""
    config: dict[str, Any] = yaml.safe_load(kubeconfig)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    certificate = None
    if "client-certificate-data" in user:
        pair = (SecretText(_decoded(user[f"client-{part}-data"])) for part in ("certificate", "key"))
        certificate = ClientCertificate(*pair)
    token = SecretText(user["token"]) if "token" in user else None
    return Credential(
        server=cluster["server"].rstrip("/"),
        found_in="the test's kubeconfig",
        ca_pem=_decoded(cluster["certificate-authority-data"]),
        client_certificate=certificate,
        token=(lambda refresh: token) if token else None,
    )


def connected(kubeconfig: str, *, read_only: bool = False, concurrency: int = 16) -> HttpApi:
    """Return a connection by a kubeconfig."""
    return connect(credential_of(kubeconfig), ConnectionOptions(read_only=read_only, concurrency=concurrency))


def _decoded(data: str) -> str:
    return base64.b64decode(data).decode()
