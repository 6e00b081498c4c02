"""The record and its shards on a real API server: their size, the requests, the audit log as the judge."""

from __future__ import annotations

import json
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gitops_push.cluster.authorization import USER_AGENT
from gitops_push.cluster.client import HttpApi
from gitops_push.cluster.inventory_store import read_inventory, write_inventory
from gitops_push.core.codes import Code
from gitops_push.core.errors import NotNowError, RefusedError
from gitops_push.core.inventory import Inventory, InventoryEntry, InventoryState, exact, new_inventory
from gitops_push.core.objects import ObjectRef
from tests.cluster.connecting import connected
from tests.cluster.deploying import deployed, stored
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl

MANY = 20_000


@pytest.fixture
def api(control_plane: ControlPlane) -> Iterator[HttpApi]:
    api = connected(control_plane.kubeconfig)
    yield api
    api.close()


def entries(count: int, seed: int = 1, place: str = "") -> tuple[InventoryEntry, ...]:
    """Return entries of objects that are not there, as clusters have them, in one namespace or in many."""
    rng = random.Random(seed)
    homes = (place or f"team-{index % 200:03d}" for index in range(count))
    refs = (ObjectRef("apps", "Deployment", home, f"service-{index:05d}") for index, home in enumerate(homes))
    return tuple(InventoryEntry(ref, "apps/v1", str(uuid.UUID(int=rng.getrandbits(128)))) for ref in refs)


def holding(inventory: Inventory, found: tuple[InventoryEntry, ...]) -> Inventory:
    return exact(inventory, found, InventoryState.DONE)


def requests_since(control_plane: ControlPlane, mark: Any) -> Counter[str]:
    events = control_plane.audit_events(mark)
    return Counter(event.verb for event in events if event.user_agent == USER_AGENT)


def config_maps(kubectl: Kubectl, namespace: str) -> dict[str, dict[str, Any]]:
    items = kubectl.get("configmaps", "-n", namespace)["items"]
    return {item["metadata"]["name"]: item for item in items if item["metadata"]["name"] != "kube-root-ca.crt"}


def test_an_inventory_of_20000_objects_is_written_and_read_back(
    own_control_plane: ControlPlane, api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    new = holding(new_inventory("shop", "prod", namespace), entries(MANY))
    mark = own_control_plane.audit_mark()
    written = write_inventory(api, new)
    for_writing = requests_since(own_control_plane, mark)
    shards = len(written.shards)
    assert for_writing == Counter(create=shards + 1, list=1)

    mark = own_control_plane.audit_mark()
    assert read_inventory(api, "shop", "prod", namespace) == written
    assert requests_since(own_control_plane, mark) == Counter(get=shards + 1)
    assert len(written.entries) == MANY

    mark = own_control_plane.audit_mark()
    swapped = write_inventory(api, replace(written, commit="next"))
    assert requests_since(own_control_plane, mark) == Counter(update=1, list=1)
    assert swapped.shards == written.shards

    found = config_maps(kubectl, namespace)
    sizes = {name: len(json.dumps(body)) for name, body in found.items()}
    assert set(sizes) == {written.name, *(shard.name for shard in written.shards)}
    assert max(sizes.values()) < 640 * 1024
    print(
        f"\ninventory of {MANY:,} objects: {shards} shards, {sum(sizes.values()):,} bytes in all, largest "
        f"{max(sizes.values()):,}; {shards + 1} requests to read, {sum(for_writing.values())} to write first"
    )


def test_of_two_runs_the_loser_leaves_the_shards_of_the_winner_alone(
    api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    first = write_inventory(api, holding(new_inventory("shop", "prod", namespace), entries(4_000)))
    won = write_inventory(api, holding(first, entries(4_000, seed=2)))
    with pytest.raises(NotNowError):
        write_inventory(api, holding(first, entries(4_000, seed=3)))
    assert read_inventory(api, "shop", "prod", namespace) == won
    last = write_inventory(api, replace(won, commit="last"))
    assert set(config_maps(kubectl, namespace)) == {last.name, *(shard.name for shard in last.shards)}


def test_a_shard_that_somebody_deleted_or_replaced_is_damage_and_nothing_is_pruned(
    api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "old", "namespace": namespace}, "data": {}}
    deployed(api, namespace, body)
    before = stored(api, namespace)
    written = write_inventory(api, holding(before, (*before.entries, *entries(4_000))))
    kubectl("delete", "configmap", written.shards[0].name, "-n", namespace)
    with pytest.raises(RefusedError) as caught:
        deployed(api, namespace, {**body, "metadata": {"name": "new", "namespace": namespace}})
    assert [problem.code for problem in caught.value.problems] == [Code.INVENTORY_DAMAGED]
    assert "old" in config_maps(kubectl, namespace)
