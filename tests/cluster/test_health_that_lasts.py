"""Health that must last, and hooks that say nothing about theirs, on a real API server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gitops_push.cluster.api import ApiWriter
from gitops_push.core.causes import CauseCode
from gitops_push.core.environment import WaitRule, WaitRules
from gitops_push.core.inventory import InventoryState
from tests.cluster.deploying import stored
from tests.cluster.gadgets import gadget_definition
from tests.cluster.hooking import annotated, config, hooked, job, told, web
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl

SOAK_SECONDS = 4.0


def restart(plane: ControlPlane, namespace: str, name: str) -> None:
    """Have the kubelet say that a container of a Deployment was restarted, and is ready again."""
    pods = plane.request("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
    pod = next(each for each in pods if each["metadata"]["name"].startswith(f"{name}-"))
    states = [{**each, "restartCount": each["restartCount"] + 1} for each in pod["status"]["containerStatuses"]]
    path = f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}/status"
    plane.request("PATCH", path, {"status": {"containerStatuses": states}}, "application/merge-patch+json")


@contextmanager
def restarting(plane: ControlPlane, namespace: str, name: str, after: str) -> Iterator[None]:
    """Restart a container of a Deployment a moment after a ConfigMap is there."""

    def watch() -> None:
        path = f"/api/v1/namespaces/{namespace}/configmaps"
        while after not in {each["metadata"]["name"] for each in plane.request("GET", path)["items"]}:
            time.sleep(0.1)
        time.sleep(1.0)
        restart(plane, namespace, name)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield
    thread.join(10)


def test_a_restart_in_an_earlier_wave_while_health_must_last_is_a_failure(
    own_control_plane: ControlPlane, api: ApiWriter, namespace: str
) -> None:
    every = (web(namespace, "first"), config(namespace, "last", sync_wave="1"))
    with restarting(own_control_plane, namespace, "first", "last"):
        done = hooked(api, namespace, *every, wait=WaitRules(soak_seconds=SOAK_SECONDS))
    assert (done.exit_code, told(done)) == (21, {"first": "not ready", "last": "done"})
    (cause,) = [outcome.cause for outcome in done.outcomes if outcome.cause]
    assert cause.code is CauseCode.RESTARTED
    assert stored(api, namespace).state is InventoryState.UNHEALTHY


def test_health_that_lasts_is_told_once_and_not_asked_of_a_set_that_is_as_it_was(
    api: ApiWriter, namespace: str
) -> None:
    every = (web(namespace, "first"), config(namespace, "last", sync_wave="1"))
    rules = WaitRules(soak_seconds=1.0)
    assert hooked(api, namespace, *every, wait=rules).exit_code == 0
    began_at = time.monotonic()
    again = hooked(api, namespace, *every, wait=WaitRules(soak_seconds=60.0))
    assert (again.exit_code, again.wrote) == (0, False)
    assert time.monotonic() - began_at < 30


def gadget(namespace: str, group: str, name: str, **annotations: str) -> dict[str, Any]:
    body = {"apiVersion": f"{group}/v1", "kind": "Gadget", "metadata": {"name": name}, "spec": {"text": "a"}}
    return annotated(namespace, body, **annotations)


def test_a_hook_that_says_nothing_about_its_health_is_not_verified_and_no_failure(
    api: ApiWriter, namespace: str, kubectl: Kubectl
) -> None:
    group = f"{namespace}.example.com"
    definition = gadget_definition(group)
    done = hooked(
        api,
        namespace,
        definition,
        gadget(namespace, group, "before", hook="PreSync"),
        config(namespace, "env"),
        job(namespace, "smoke", hook="PostSync"),
    )
    try:
        assert done.exit_code == 0, told(done)
        assert told(done)["before PreSync"] == "not verified"
        assert told(done)["smoke PostSync"] == "done"
        assert stored(api, namespace).state is InventoryState.DONE
    finally:
        kubectl("delete", "crd", definition["metadata"]["name"], "--wait=false")


def test_a_hook_that_fails_says_so_with_its_log_and_its_own_time_counts(api: ApiWriter, namespace: str) -> None:
    failed = hooked(api, namespace, job(namespace, "migrate", "fail", hook="PreSync"))
    (cause,) = [outcome.cause for outcome in failed.outcomes if outcome.cause]
    assert (failed.exit_code, cause.code) == (20, CauseCode.HOOK_FAILED)
    assert cause.exit_code == 1
    slow = WaitRules(rules=(WaitRule(kind="Job", name="slow", timeout_seconds=1.0),))
    began_at = time.monotonic()
    done = hooked(api, namespace, job(namespace, "slow", "never-completes", hook="PreSync"), wait=slow)
    assert told(done)["slow PreSync"] == "failed"
    assert time.monotonic() - began_at < 20


def test_a_rule_may_say_that_a_hook_is_not_waited_for(api: ApiWriter, namespace: str) -> None:
    skip = WaitRules(rules=(WaitRule(kind="Job", name="slow", skip=True),))
    done = hooked(api, namespace, job(namespace, "slow", "never-completes", hook="PostSync"), wait=skip)
    assert (done.exit_code, told(done)) == (0, {"slow PostSync": "done"})
