"""kubectl is the judge: it recognises our record as the parent of an ApplySet, keeps off it, and can be handed it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gitops_push.cluster.client import HttpApi
from gitops_push.cluster.inventory_store import write_inventory
from gitops_push.core.inventory import PART_OF_LABEL, InventoryState, exact
from tests.cluster.connecting import connected
from tests.cluster.deploying import deployed, stored
from tests.cluster.test_inventory_on_a_real_server import entries
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl

RECORD = "gitops-push-shop-prod"
Applying = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def api(control_plane: ControlPlane) -> Iterator[HttpApi]:
    api = connected(control_plane.kubeconfig)
    yield api
    api.close()


@pytest.fixture
def applying(kubectl: Kubectl, namespace: str) -> Applying:
    """`kubectl apply --prune` of some objects, with our record as its ApplySet."""

    def apply(*bodies: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        flags = ("--server-side", "--force-conflicts", "--prune", f"--applyset=configmaps/{RECORD}")
        rendered = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(bodies)})
        return kubectl.run("apply", *flags, "-n", namespace, "-f", "-", stdin=rendered)

    return apply


def config_map(namespace: str, name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": {"A": "1"},
    }


def role(namespace: str, name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": []}


def names(kubectl: Kubectl, namespace: str) -> set[str]:
    every = kubectl.get("configmaps,roles", "-n", namespace)["items"]
    return {item["metadata"]["name"] for item in every} - {"kube-root-ca.crt"}


def hand_over(kubectl: Kubectl, namespace: str) -> None:
    kubectl(
        "annotate",
        "configmap",
        RECORD,
        "-n",
        namespace,
        "--overwrite",
        "applyset.kubernetes.io/tooling=kubectl/v1.37.0",
    )


def test_kubectl_refuses_to_touch_our_set(api: HttpApi, namespace: str, kubectl: Kubectl, applying: Applying) -> None:
    deployed(api, namespace, config_map(namespace, "one"), role(namespace, "two"))
    refused = applying(config_map(namespace, "three"))
    assert refused.returncode != 0
    assert 'managed by tooling "gitops-push"' in refused.stderr
    assert names(kubectl, namespace) == {RECORD, "one", "two"}


def test_kubectl_refuses_to_touch_our_set_when_it_is_sharded(
    api: HttpApi, namespace: str, kubectl: Kubectl, applying: Applying
) -> None:
    deployed(api, namespace, config_map(namespace, "one"))
    record = stored(api, namespace)
    written = write_inventory(
        api, exact(record, (*record.entries, *entries(4_000, place=namespace)), InventoryState.DONE)
    )
    refused = applying(config_map(namespace, "three"))
    assert 'managed by tooling "gitops-push"' in refused.stderr
    assert names(kubectl, namespace) == {RECORD, "one", *(shard.name for shard in written.shards)}


@pytest.mark.parametrize("sharded", [False, True], ids=["in one ConfigMap", "in shards"])
def test_handed_over_kubectl_prunes_exactly_what_left_the_set(
    api: HttpApi, namespace: str, kubectl: Kubectl, applying: Applying, sharded: bool
) -> None:
    deployed(api, namespace, config_map(namespace, "keep"), config_map(namespace, "drop"), role(namespace, "drop-role"))
    kubectl("create", "configmap", "somebody-elses", "-n", namespace)
    shards: set[str] = set()
    if sharded:
        record = stored(api, namespace)
        gone = entries(4_000, place=namespace)
        written = write_inventory(api, exact(record, (*record.entries, *gone), InventoryState.DONE))
        shards = {shard.name for shard in written.shards}
    hand_over(kubectl, namespace)
    done = applying(config_map(namespace, "keep"), config_map(namespace, "more"))
    assert done.returncode == 0, done.stderr
    assert "configmap/drop pruned" in done.stdout
    assert "role.rbac.authorization.k8s.io/drop-role pruned" in done.stdout
    assert done.stdout.count("pruned") == 2
    assert names(kubectl, namespace) == {RECORD, "keep", "more", "somebody-elses", *shards}
    more = kubectl.get("configmap", "more", "-n", namespace)
    assert more["metadata"]["labels"][PART_OF_LABEL] == stored_id(kubectl, namespace)


def stored_id(kubectl: Kubectl, namespace: str) -> str:
    labels: dict[str, str] = kubectl.get("configmap", RECORD, "-n", namespace)["metadata"]["labels"]
    return labels["applyset.kubernetes.io/id"]
