"""Rollouts really happen in the control plane of the tests, well and badly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.controlplane.sources import kubernetes_version
from tests.controlplane.waiting import eventually
from tests.controlplane.workloads import CHAOS_ANNOTATION, daemon_set, deployment, job, pod_template, stateful_set

APPS = "/apis/apps/v1/namespaces"
BATCH = "/apis/batch/v1/namespaces"


def test_the_server_says_the_version_that_is_built(own_control_plane: ControlPlane) -> None:
    assert own_control_plane.request("GET", "/version")["gitVersion"] == kubernetes_version()


def test_a_deployment_becomes_ready(control_plane: ControlPlane, namespace: str, kubectl: Kubectl) -> None:
    control_plane.request("POST", f"{APPS}/{namespace}/deployments", deployment("web", replicas=3))
    kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=30s")
    live = kubectl.get("deployment", "web", "-n", namespace)
    assert live["status"]["readyReplicas"] == 3


def test_a_daemon_set_has_a_ready_pod_on_every_node(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.request("POST", f"{APPS}/{namespace}/daemonsets", daemon_set("agent"))
    nodes = len(control_plane.request("GET", "/api/v1/nodes")["items"])
    path = f"{APPS}/{namespace}/daemonsets/agent"
    eventually(lambda: control_plane.request("GET", path)["status"], lambda s: s["numberReady"] == nodes)


def test_a_job_completes(control_plane: ControlPlane, namespace: str, kubectl: Kubectl) -> None:
    control_plane.request("POST", f"{BATCH}/{namespace}/jobs", job("migrate"))
    kubectl("wait", "job/migrate", "-n", namespace, "--for=condition=Complete", "--timeout=30s")


def test_a_job_fails_when_its_pod_fails(control_plane: ControlPlane, namespace: str, kubectl: Kubectl) -> None:
    control_plane.request("POST", f"{BATCH}/{namespace}/jobs", job("migrate", {CHAOS_ANNOTATION: "fail"}))
    kubectl("wait", "job/migrate", "-n", namespace, "--for=condition=Failed", "--timeout=30s")


def test_a_job_runs_on_when_it_is_told_not_to_complete(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.request("POST", f"{BATCH}/{namespace}/jobs", job("watch", {CHAOS_ANNOTATION: "never-completes"}))
    path = f"{BATCH}/{namespace}/jobs/watch"
    status = eventually(lambda: control_plane.request("GET", path)["status"], lambda s: s.get("ready") == 1)
    assert "completionTime" not in status


@pytest.mark.parametrize(
    ("chaos", "container_list", "phase", "reason"),
    [
        pytest.param("crash-loop", "containerStatuses", "Running", "CrashLoopBackOff", id="crash loop"),
        pytest.param("oom", "containerStatuses", "Running", "CrashLoopBackOff", id="out of memory"),
        pytest.param("image-not-found", "containerStatuses", "Pending", "ImagePullBackOff", id="no image"),
        pytest.param("config-missing", "containerStatuses", "Pending", "CreateContainerConfigError", id="no secret"),
        pytest.param("init-crash-loop", "initContainerStatuses", "Pending", "CrashLoopBackOff", id="init container"),
    ],
)
def test_a_pod_goes_wrong_as_its_annotation_asks(
    control_plane: ControlPlane, namespace: str, chaos: str, container_list: str, phase: str, reason: str
) -> None:
    manifest = deployment("web", annotations={CHAOS_ANNOTATION: chaos})
    init = {"name": "init", "image": "registry.example/init:1.0"}
    manifest["spec"]["template"]["spec"]["initContainers"] = [init]
    control_plane.request("POST", f"{APPS}/{namespace}/deployments", manifest)
    status = _pod_status(control_plane, namespace, container_list)
    assert status["phase"] == phase
    assert status[container_list][0]["state"]["waiting"]["reason"] == reason


def test_a_pod_out_of_memory_says_so_in_its_last_state(control_plane: ControlPlane, namespace: str) -> None:
    manifest = deployment("web", annotations={CHAOS_ANNOTATION: "oom"})
    control_plane.request("POST", f"{APPS}/{namespace}/deployments", manifest)
    status = _pod_status(control_plane, namespace, "containerStatuses")
    assert status["containerStatuses"][0]["lastState"]["terminated"]["reason"] == "OOMKilled"


def test_a_pod_that_is_never_ready_runs_and_has_an_event(
    control_plane: ControlPlane, namespace: str, kubectl: Kubectl
) -> None:
    manifest = deployment("web", annotations={CHAOS_ANNOTATION: "never-ready"})
    control_plane.request("POST", f"{APPS}/{namespace}/deployments", manifest)
    status = _pod_status(control_plane, namespace, "containerStatuses")
    assert (status["phase"], status["containerStatuses"][0]["ready"]) == ("Running", False)
    warnings = ("events", "-n", namespace, "--field-selector", "type=Warning")
    events = eventually(lambda: kubectl.get(*warnings)["items"])
    assert [event["reason"] for event in events] == ["Unhealthy"]


def test_a_pod_waits_before_it_is_ready_when_asked(control_plane: ControlPlane, namespace: str) -> None:
    manifest = deployment("web", annotations={"gitops-push.test/ready-after": "1s"})
    control_plane.request("POST", f"{APPS}/{namespace}/deployments", manifest)
    path = f"{APPS}/{namespace}/deployments/web"
    eventually(lambda: control_plane.request("GET", path)["status"], lambda s: s.get("unavailableReplicas") == 1)
    eventually(lambda: control_plane.request("GET", path)["status"], lambda s: s.get("readyReplicas") == 1)


def test_a_stateful_set_gets_its_volumes(control_plane: ControlPlane, namespace: str, kubectl: Kubectl) -> None:
    control_plane.request("POST", f"{APPS}/{namespace}/statefulsets", stateful_set("db", replicas=2))
    kubectl("rollout", "status", "statefulset/db", "-n", namespace, "--timeout=30s")
    claims = kubectl.get("pvc", "-n", namespace)["items"]
    assert [(c["metadata"]["name"], c["status"]["phase"]) for c in claims] == [
        ("data-db-0", "Bound"),
        ("data-db-1", "Bound"),
    ]


def test_a_volume_goes_with_its_claim(control_plane: ControlPlane, namespace: str) -> None:
    claims = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    control_plane.request("POST", claims, {"metadata": {"name": "data"}, "spec": spec})
    live = eventually(
        lambda: control_plane.request("GET", f"{claims}/data"), lambda claim: claim["status"]["phase"] == "Bound"
    )
    control_plane.request("DELETE", f"{claims}/data")
    name = live["spec"]["volumeName"]
    eventually(lambda: name not in _volume_names(control_plane))


def test_a_container_has_a_log(control_plane: ControlPlane, namespace: str, kubectl: Kubectl) -> None:
    control_plane.request("POST", f"{APPS}/{namespace}/deployments", deployment("web"))
    kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=30s")
    log = kubectl("logs", "deployment/web", "-n", namespace, "--tail=1")
    assert log == "last line of the log\n"


def test_a_deleted_namespace_goes_away_with_its_pods(
    control_plane: ControlPlane, namespace: str, kubectl: Kubectl
) -> None:
    manifest = deployment("web")
    manifest["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 1
    name = f"{namespace}-too"
    kubectl("create", "namespace", name)
    kubectl("apply", "-n", name, "-f", "-", stdin=json.dumps(manifest))
    kubectl("rollout", "status", "deployment/web", "-n", name, "--timeout=30s")
    kubectl("delete", "namespace", name, "--timeout=60s")
    assert kubectl.run("get", "namespace", name).returncode != 0


def test_a_pod_takes_its_time_to_go_when_asked(control_plane: ControlPlane, namespace: str) -> None:
    slow = _bare_pod("slow", {"gitops-push.test/delete-after": "1s"})
    stuck = _bare_pod("stuck", {CHAOS_ANNOTATION: "stuck-deleting"})
    pods = f"/api/v1/namespaces/{namespace}/pods"
    for pod in (slow, stuck):
        control_plane.request("POST", pods, pod)
    eventually(lambda: _phases(control_plane, pods), lambda phases: phases == {"slow": "Running", "stuck": "Running"})
    for name in ("slow", "stuck"):
        control_plane.request("DELETE", f"{pods}/{name}")
    assert set(_phases(control_plane, pods)) == {"slow", "stuck"}
    eventually(lambda: set(_phases(control_plane, pods)), lambda names: names == {"stuck"})
    control_plane.request("DELETE", f"{pods}/stuck", {"gracePeriodSeconds": 0})


def _pod_status(control_plane: ControlPlane, namespace: str, container_list: str) -> dict[str, Any]:
    """Returns the status of the only pod once it says something about its containers."""

    def look() -> dict[str, Any]:
        pods = control_plane.request("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
        return dict(pods[0]["status"]) if pods else {}

    return eventually(look, lambda status: container_list in status)


def _volume_names(control_plane: ControlPlane) -> list[str]:
    return [item["metadata"]["name"] for item in control_plane.request("GET", "/api/v1/persistentvolumes")["items"]]


def _bare_pod(name: str, annotations: dict[str, str]) -> dict[str, Any]:
    template = pod_template(name, annotations)
    return {**template, "metadata": {**template["metadata"], "name": name}}


def _phases(control_plane: ControlPlane, pods: str) -> dict[str, str]:
    return {pod["metadata"]["name"]: pod["status"]["phase"] for pod in control_plane.request("GET", pods)["items"]}
