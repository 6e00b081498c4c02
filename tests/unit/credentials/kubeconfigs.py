"""Kubeconfigs for tests, as data that a test changes before it writes them."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.unit.certificates import issue, make_authority

AUTHORITY = make_authority()
CLIENT = issue(AUTHORITY, "deployer")
TOKEN = "canary-token-0123456789abcdef"
SERVER = "https://10.0.0.1:6443"


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def kubeconfig(
    user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    """Return a kubeconfig with one context; `cluster` is merged into its cluster, `user` replaces its user."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "prod",
                "cluster": {
                    "server": SERVER,
                    "certificate-authority-data": base64_of(AUTHORITY.certificate_pem),
                    **(cluster or {}),
                },
            }
        ],
        "users": [{"name": "deployer", "user": {"token": TOKEN} if user is None else user}],
        "contexts": [{"name": "main", "context": {"cluster": "prod", "user": "deployer", "namespace": "shop"}}],
        "current-context": "main",
        **changes,
    }


def as_text(config: object) -> str:
    return json.dumps(config, indent=1)
