"""SIGKILL before and after every write of a deployment; the next run finishes the job."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitops_push.cluster.client import HttpApi
from gitops_push.cluster.inventory_store import write_inventory
from gitops_push.core.inventory import InventoryState, exact
from tests.cluster.connecting import connected
from tests.cluster.deploying import deployed, stored
from tests.cluster.killed_deploy import adopted_set, config_map, first_set, job_set, second_set
from tests.cluster.planning import until
from tests.cluster.test_inventory_on_a_real_server import entries
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl

ROOT = Path(__file__).parents[2]
WRITES = 5
"""The inventory, two objects, one deletion, the inventory again."""


@pytest.fixture
def api(control_plane: ControlPlane) -> Iterator[HttpApi]:
    api = connected(control_plane.kubeconfig)
    yield api
    api.close()


def run_killed(
    control_plane: ControlPlane, namespace: str, write: int, when: str, which: str = "second"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.cluster.killed_deploy", namespace, str(write), when, which],
        input=control_plane.kubeconfig,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", range(1, WRITES + 1))
def test_after_a_kill_at_any_write_the_next_run_finishes(
    control_plane: ControlPlane, api: HttpApi, namespace: str, kubectl: Kubectl, write: int, when: str
) -> None:
    assert deployed(api, namespace, *first_set(namespace)).exit_code == 0
    killed = run_killed(control_plane, namespace, write, when)
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    existing = {item["metadata"]["name"] for item in kubectl.get("configmaps", "-n", namespace)["items"]}
    recorded = {entry.ref.name for entry in stored(api, namespace).entries}
    assert existing & {"old", "new"} <= recorded
    done = deployed(api, namespace, *second_set(namespace))
    assert done.exit_code == 0
    found = stored(api, namespace)
    assert (found.state, [entry.ref.name for entry in found.entries]) == (InventoryState.DONE, ["new", "web"])
    assert all(entry.uid for entry in found.entries)
    left = {item["metadata"]["name"] for item in kubectl.get("configmaps", "-n", namespace)["items"]}
    assert left == {"new", "kube-root-ca.crt", "gitops-push-shop-prod"}
    container = kubectl.get("deployment", "web", "-n", namespace)["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "registry.example/app:2.0"
    assert deployed(api, namespace, *second_set(namespace)).wrote is False


LARGE_WRITES = 12
"""Two shards, the record, two shards less; two objects, one deletion, the record, two shards less; and one more."""
A_SAMPLE = {(2, "after"), (9, "after")}


@pytest.mark.parametrize(
    ("write", "when"),
    [
        pytest.param(write, when, marks=[] if (write, when) in A_SAMPLE else [pytest.mark.prove])
        for write in range(1, LARGE_WRITES + 1)
        for when in ("before", "after")
    ],
)
def test_after_a_kill_between_the_shards_of_a_large_inventory_the_next_run_finishes(
    control_plane: ControlPlane, api: HttpApi, namespace: str, kubectl: Kubectl, write: int, when: str
) -> None:
    assert deployed(api, namespace, *first_set(namespace)).exit_code == 0
    record = stored(api, namespace)
    large = write_inventory(api, exact(record, (*record.entries, *entries(20_000, place=namespace)), record.state))
    assert len(large.shards) >= 2
    killed = run_killed(control_plane, namespace, write, when)
    assert killed.returncode in {-signal.SIGKILL, 0}, killed.stdout + killed.stderr
    existing = {item["metadata"]["name"] for item in kubectl.get("configmaps", "-n", namespace)["items"]}
    assert existing & {"old", "new"} <= {entry.ref.name for entry in stored(api, namespace).entries}
    assert deployed(api, namespace, *second_set(namespace)).exit_code == 0
    found = stored(api, namespace)
    assert (found.state, [entry.ref.name for entry in found.entries]) == (InventoryState.DONE, ["new", "web"])
    assert deployed(api, namespace, *second_set(namespace)).wrote is False
    # Shards that the killed run left behind go with the next write of the record.
    assert deployed(api, namespace, *first_set(namespace)).exit_code == 0
    left = {item["metadata"]["name"] for item in kubectl.get("configmaps", "-n", namespace)["items"]}
    assert left == {"old", "kube-root-ca.crt", "gitops-push-shop-prod"}


def test_there_are_no_more_writes_than_are_killed(control_plane: ControlPlane, api: HttpApi, namespace: str) -> None:
    deployed(api, namespace, *first_set(namespace))
    alive = run_killed(control_plane, namespace, WRITES + 1, "before")
    assert (alive.returncode, alive.stdout.strip()) == (0, "ended alive with 0")


TAKE_OVER_WRITES = 4
"""The inventory, the hand-over of one object, its apply, the inventory again."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", range(1, TAKE_OVER_WRITES + 1))
def test_after_a_kill_at_any_write_of_a_take_over_the_next_run_finishes(
    control_plane: ControlPlane, api: HttpApi, namespace: str, kubectl: Kubectl, write: int, when: str
) -> None:
    body = config_map(namespace, "old")
    body["data"]["LEFT"] = "over"
    kubectl("apply", "-f", "-", stdin=json.dumps(body))
    killed = run_killed(control_plane, namespace, write, when, "adopted")
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    assert deployed(api, namespace, *adopted_set(namespace)).exit_code == 0
    live = kubectl.get("configmap", "old", "-n", namespace, "--show-managed-fields")
    assert live["data"] == {"A": "1"}
    assert "annotations" not in live["metadata"]
    assert [entry["manager"] for entry in live["metadata"]["managedFields"]] == ["gitops-push"]
    assert deployed(api, namespace, *adopted_set(namespace)).wrote is False


def test_a_take_over_has_no_more_writes_than_are_killed(
    control_plane: ControlPlane, namespace: str, kubectl: Kubectl
) -> None:
    kubectl("apply", "-f", "-", stdin=json.dumps(config_map(namespace, "old")))
    alive = run_killed(control_plane, namespace, TAKE_OVER_WRITES + 1, "before", "adopted")
    assert (alive.returncode, alive.stdout.strip()) == (0, "ended alive with 0")


RECREATION_WRITES = 4
"""The inventory, the deletion of one object, its creation, the inventory again."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", range(1, RECREATION_WRITES + 1))
def test_after_a_kill_at_any_write_of_a_recreation_the_next_run_finishes(
    control_plane: ControlPlane, api: HttpApi, namespace: str, kubectl: Kubectl, write: int, when: str
) -> None:
    assert deployed(api, namespace, *job_set(namespace, "1.0")).exit_code == 0
    old = kubectl.get("job", "migrate", "-n", namespace)["metadata"]["uid"]
    killed = run_killed(control_plane, namespace, write, when, "job")
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    assert [entry.ref.name for entry in stored(api, namespace).entries] == ["migrate"]
    until(lambda: not _being_deleted(kubectl, namespace))
    assert deployed(api, namespace, *job_set(namespace)).exit_code == 0
    live = kubectl.get("job", "migrate", "-n", namespace)
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/app:2.0"
    assert live["metadata"]["uid"] != old
    assert [entry.uid for entry in stored(api, namespace).entries] == [live["metadata"]["uid"]]
    assert deployed(api, namespace, *job_set(namespace)).wrote is False


@pytest.mark.parametrize(("write", "when"), [(2, "before"), (2, "after"), (3, "before"), (3, "after")])
def test_what_a_killed_recreation_left_is_deleted_when_it_leaves_the_config(
    control_plane: ControlPlane, api: HttpApi, namespace: str, kubectl: Kubectl, write: int, when: str
) -> None:
    keep = config_map(namespace, "keep")
    assert deployed(api, namespace, *job_set(namespace, "1.0")).exit_code == 0
    assert run_killed(control_plane, namespace, write, when, "job").returncode == -signal.SIGKILL
    until(lambda: not _being_deleted(kubectl, namespace))
    assert deployed(api, namespace, keep).exit_code == 0
    assert kubectl.get("jobs", "-n", namespace)["items"] == []
    assert [entry.ref.name for entry in stored(api, namespace).entries] == ["keep"]


def _being_deleted(kubectl: Kubectl, namespace: str) -> bool:
    return any("deletionTimestamp" in job["metadata"] for job in kubectl.get("jobs", "-n", namespace)["items"])


def test_a_recreation_has_no_more_writes_than_are_killed(
    control_plane: ControlPlane, api: HttpApi, namespace: str
) -> None:
    deployed(api, namespace, *job_set(namespace, "1.0"))
    alive = run_killed(control_plane, namespace, RECREATION_WRITES + 1, "before", "job")
    assert (alive.returncode, alive.stdout.strip()) == (0, "ended alive with 0")
