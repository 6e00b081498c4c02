"""The API server is killed and comes back, and etcd stands still, in the middle of a deployment: it resumes."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane.cluster import ControlPlane, start_control_plane
from tests.controlplane.processes import Processes
from tests.controlplane.programs import find_programs
from tests.controlplane.waiting import eventually
from tests.e2e.judging import writes_since
from tests.e2e.program import Finished, Program, config, config_map, new_program
from tests.faults.warm import WarmProgram

MANY = 120
FAR_ENOUGH = 15
AWAY_SECONDS = 6.0
STILL_SECONDS = 45.0
"""Longer than the API server gives a request (34 s) and than the tool waits for an answer (40 s)."""


@pytest.fixture(scope="module")
def plane(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """A control plane of its own: what is killed here would be missed by the other tests."""
    if control_plane.own is None:
        pytest.skip("the API server of a given cluster is not ours to kill")
    with start_control_plane(find_programs(os.environ)) as plane:
        yield plane


@pytest.fixture
def processes(plane: ControlPlane) -> Processes:
    assert plane.own is not None
    return plane.own.processes


@pytest.fixture
def slow(plane: ControlPlane, tmp_path: Path, request: pytest.FixtureRequest) -> Program:
    """The program with many ConfigMaps to create, as a service account that may do everything."""
    namespace = f"away-{request.node.name[-20:].strip('[]_')}".replace("_", "-")
    plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    binding = {
        "metadata": {"name": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": "deployer"}],
    }
    plane.request("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
    program = new_program(tmp_path / "repo", plane.service_account_kubeconfig(namespace, "deployer"))
    program.write("gitops-push.yaml", config(namespace))
    program.write("app/all.yaml", "---\n".join(config_map(f"item-{number:03}") for number in range(MANY)))
    program.commit()
    return Program(program.folder, {**program.environ, "NAMESPACE": namespace})


def ours(plane: ControlPlane, namespace: str) -> list[str]:
    path = f"/api/v1/namespaces/{namespace}/configmaps?labelSelector=applyset.kubernetes.io/part-of"
    return [item["metadata"]["name"] for item in plane.request("GET", path)["items"]]


def started(plane: ControlPlane, warm: WarmProgram, program: Program) -> None:
    """Start a deployment, and return when it is in the middle."""
    warm.start(program, "apply", "test", "--yes", "--concurrency", "2")
    eventually(lambda: len(ours(plane, program.environ["NAMESPACE"])) >= FAR_ENOUGH)


def assert_resumed(plane: ControlPlane, namespace: str, done: Finished) -> None:
    assert done.code == 0, done
    assert len(ours(plane, namespace)) == MANY


def test_an_api_server_that_is_killed_and_restarted_is_waited_for_and_nothing_is_created_twice(
    plane: ControlPlane, processes: Processes, warm: WarmProgram, slow: Program
) -> None:
    mark = plane.audit_mark()
    started(plane, warm, slow)
    processes.kill("kube-apiserver")
    time.sleep(AWAY_SECONDS)
    processes.restart("kube-apiserver")
    assert_resumed(plane, slow.environ["NAMESPACE"], warm.finish())
    created = Counter(event.name for event in writes_since(plane, mark) if event.code == 201 and "item-" in event.name)
    assert len(created) >= MANY - 2  # an answer that the kill cut off may be missing in the audit log
    assert set(created.values()) == {1}


def test_etcd_that_stands_still_for_a_moment_is_waited_for(
    plane: ControlPlane, processes: Processes, warm: WarmProgram, slow: Program
) -> None:
    started(plane, warm, slow)
    with processes.paused("etcd"):
        time.sleep(AWAY_SECONDS)
    assert_resumed(plane, slow.environ["NAMESPACE"], warm.finish())


@pytest.mark.prove
def test_etcd_that_stands_still_for_longer_than_a_request_may_take_is_waited_for(
    plane: ControlPlane, processes: Processes, warm: WarmProgram, slow: Program
) -> None:
    started(plane, warm, slow)
    began = time.monotonic()
    with processes.paused("etcd"):
        time.sleep(STILL_SECONDS)
    done = warm.finish()
    print(f"\netcd stood still for {STILL_SECONDS:.0f} s, the deployment went on for {time.monotonic() - began:.0f} s")
    assert_resumed(plane, slow.environ["NAMESPACE"], done)
