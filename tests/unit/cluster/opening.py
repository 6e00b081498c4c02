"""Opens connections to a scripted server and remembers them; the folder's conftest closes them after each test."""

from __future__ import annotations

from typing import Any

from gitops_push.cluster import client
from gitops_push.cluster.api import Precondition, ServedKind
from gitops_push.cluster.client import ConnectionOptions, HttpApi
from gitops_push.cluster.retries import RetryRules
from gitops_push.core.codes import Code
from gitops_push.core.credential import Credential
from gitops_push.core.errors import GitopsPushError
from tests.unit.cluster.scripted_server import (
    ScriptedServer,
)

CONFIG_MAP = ServedKind("", "v1", "ConfigMap", "configmaps", namespaced=True)
BODY: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}}
FAST = RetryRules(base_seconds=0.001, cap_seconds=0.002)
GUARD = Precondition(uid="u-1", resource_version="7")


OPENED: list[HttpApi] = []


def connect(credential: Credential, options: ConnectionOptions) -> HttpApi:
    OPENED.append(client.connect(credential, options))
    return OPENED[-1]


def api(server: ScriptedServer, **options: Any) -> HttpApi:
    settings: dict[str, Any] = {"read_only": False, "retries": FAST, "connect_seconds": 1.0, "read_seconds": 2.0}
    return connect(server.credential(), ConnectionOptions(**{**settings, **options}))


def get(connection: HttpApi) -> Any:
    return connection.get(CONFIG_MAP, "shop", "a")


def code_of(error: GitopsPushError) -> Code:
    return error.problems[0].code
