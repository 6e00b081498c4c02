"""SIGKILL before and after every write of a deployment with hooks; the next run goes on with it."""

from __future__ import annotations

import signal

import pytest

from gitops_push.cluster.api import ApiWriter
from gitops_push.core.inventory import InventoryState
from tests.cluster.deploying import deployed, stored
from tests.cluster.hooking import told
from tests.cluster.killed_deploy import config_map, hook_set
from tests.cluster.planning import until
from tests.cluster.test_killed_deploys import run_killed
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl

WRITES = 5
"""The inventory, a hook, an object, a hook, the inventory again."""

EVERY = [(write, when) for write in range(1, WRITES + 1) for when in ("before", "after")]
SAMPLE = {(2, "after"), (4, "before"), (5, "before")}


def uids(kubectl: Kubectl, namespace: str) -> dict[str, str]:
    return {job["metadata"]["name"]: job["metadata"]["uid"] for job in kubectl.get("jobs", "-n", namespace)["items"]}


@pytest.mark.parametrize(
    ("write", "when"),
    [case if case in SAMPLE else pytest.param(*case, marks=pytest.mark.prove) for case in EVERY],
)
def test_after_a_kill_no_hook_is_run_a_second_time_by_the_next_run_of_the_same_set(
    control_plane: ControlPlane, api: ApiWriter, namespace: str, kubectl: Kubectl, write: int, when: str
) -> None:
    killed = run_killed(control_plane, namespace, write, when, "hook")
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    before = uids(kubectl, namespace)
    recorded = {entry.ref.name: entry.hook for entry in stored(api, namespace).entries}
    assert all(recorded[name] == name for name in before)
    done = deployed(api, namespace, *hook_set(namespace))
    assert done.exit_code == 0, told(done)
    after = uids(kubectl, namespace)
    assert before.items() <= after.items()
    assert after.keys() == {"migrate", "smoke"}
    found = stored(api, namespace)
    assert found.state is InventoryState.DONE
    assert {(entry.ref.name, entry.uid) for entry in found.entries if entry.hook} == set(after.items())
    assert deployed(api, namespace, *hook_set(namespace)).wrote is False
    assert uids(kubectl, namespace) == after


def test_there_are_no_more_writes_than_are_killed(control_plane: ControlPlane, namespace: str) -> None:
    alive = run_killed(control_plane, namespace, WRITES + 1, "before", "hook")
    assert (alive.returncode, alive.stdout.strip()) == (0, "ended alive with 0")


def test_what_a_killed_hook_left_is_deleted_when_the_hook_leaves_the_config(
    control_plane: ControlPlane, api: ApiWriter, namespace: str, kubectl: Kubectl
) -> None:
    assert run_killed(control_plane, namespace, 2, "after", "hook").returncode == -signal.SIGKILL
    until(lambda: bool(uids(kubectl, namespace)))
    assert deployed(api, namespace, config_map(namespace, "env")).exit_code == 0
    assert uids(kubectl, namespace) == {}
    assert [entry.ref.name for entry in stored(api, namespace).entries] == ["env"]
