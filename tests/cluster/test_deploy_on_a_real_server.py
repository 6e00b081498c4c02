from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gitops_push.cluster.api import ApiWriter
from gitops_push.cluster.client import HttpApi
from gitops_push.core.deployment import Result
from gitops_push.core.inventory import InventoryState
from tests.cluster.connecting import connected
from tests.cluster.deploying import deployed, results, stored
from tests.controlplane import workloads
from tests.controlplane.cluster import ControlPlane


@pytest.fixture
def api(control_plane: ControlPlane) -> Iterator[HttpApi]:
    api = connected(control_plane.kubeconfig)
    yield api
    api.close()


def config_map(namespace: str, name: str = "env", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}


def placed(namespace: str, body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "metadata": {**body["metadata"], "namespace": namespace}}


def test_a_first_deploy_creates_everything_and_waits_until_it_is_ready(api: ApiWriter, namespace: str) -> None:
    web = placed(namespace, workloads.deployment("web", replicas=2))
    done = deployed(api, namespace, config_map(namespace, A="1"), web)
    assert (done.exit_code, done.note) == (0, "")
    assert results(done) == {"env": Result.DONE, "web": Result.DONE}
    found = stored(api, namespace)
    assert found.state is InventoryState.DONE
    assert all(entry.uid for entry in found.entries)
