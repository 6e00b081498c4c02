"""Kubeconfig texts: everything inline, one cluster, one user, one context."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import yaml

from tests.controlplane.authority import KeyPair


def certificate_kubeconfig(server: str, authority_pem: bytes, pair: KeyPair) -> str:
    """Returns the kubeconfig of a user with a client certificate."""
    user = {"client-certificate-data": _encode(pair.certificate), "client-key-data": _encode(pair.key)}
    return _kubeconfig(server, authority_pem, user)


def token_kubeconfig(server: str, authority_pem: bytes, token: str) -> str:
    """Returns the kubeconfig of a user with a bearer token."""
    return _kubeconfig(server, authority_pem, {"token": token})


def _kubeconfig(server: str, authority_pem: bytes, user: Mapping[str, str]) -> str:
    name = "gitops-push-test"
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": name, "cluster": {"server": server, "certificate-authority-data": _encode(authority_pem)}}
            ],
            "users": [{"name": name, "user": dict(user)}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        },
        sort_keys=False,
    )


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
