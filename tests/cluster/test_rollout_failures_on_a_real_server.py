"""What ends a rollout, on a real control plane: each failure with its code and its evidence, in one screen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from gitops_push.cluster.api import ApiWriter
from gitops_push.cluster.deployer import DeployOptions
from gitops_push.core.causes import CauseCode
from gitops_push.core.deployment import Deployment, Result
from gitops_push.core.diagnosis import Cause
from gitops_push.reports.deployment_text import deployment_lines
from gitops_push.reports.json_report import cause_data
from tests.cluster.deploying import deployed, results
from tests.controlplane import workloads
from tests.controlplane.cluster import ControlPlane

LONG = DeployOptions(timeout_seconds=6000, clock=lambda: time.monotonic() * 6)
"""A failure that is not seen early would not end in the time of a test. Times of grace pass six times faster."""


def placed(namespace: str, body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "metadata": {**body["metadata"], "namespace": namespace}}


def sick(namespace: str, chaos: str, name: str = "web", replicas: int = 1, **container: Any) -> dict[str, Any]:
    body = workloads.deployment(name, replicas, {workloads.CHAOS_ANNOTATION: chaos})
    body["spec"]["template"]["spec"]["containers"][0].update(container)
    return placed(namespace, body)


def cause_of(done: Deployment, name: str = "web") -> Cause:
    (cause,) = (outcome.cause for outcome in done.outcomes if outcome.ref.name == name)
    assert cause is not None
    return cause


def screen(done: Deployment) -> list[str]:
    """Return the report as it is printed, which fits on one screen."""
    lines = [line.text for line in deployment_lines(done)]
    print("\n".join(lines))
    assert len(lines) < 24
    assert all(len(line) <= 120 for line in lines)
    return lines


CRASH_LOG = ["  | starting", "  | listening", "  | last line of the log"]
PROBE = {"httpGet": {"path": "/ready", "port": 80}}
CHAOS: dict[str, tuple[CauseCode, dict[str, Any], str, list[str]]] = {
    "crash-loop": (
        CauseCode.CRASH_LOOP,
        {"command": ["serve"]},
        "command",
        ["  container app: CrashLoopBackOff, 5 restarts, last ended with exit code 1", *CRASH_LOG],
    ),
    "oom": (
        CauseCode.OOM_KILLED,
        {"resources": {"limits": {"memory": "64Mi"}}},
        "resources.limits.memory",
        ["  container app: CrashLoopBackOff, 5 restarts, last ended with exit code 137 (OOMKilled)", *CRASH_LOG],
    ),
    "liveness-fails": (
        CauseCode.PROBE_FAILING,
        {"livenessProbe": PROBE},
        "livenessProbe",
        ["  container app: its liveness probe fails; 5 restarts", "  | HTTP probe failed with statuscode: 500"],
    ),
    "image-not-found": (
        CauseCode.IMAGE_NOT_FOUND,
        {},
        "image",
        ['  container app: image "registry.example/app:1.0" was not found'],
    ),
    "config-missing": (
        CauseCode.CONTAINER_CONFIG,
        {"envFrom": [{"secretRef": {"name": "settings"}}]},
        "envFrom[0].secretRef.name",
        ['  | CreateContainerConfigError: secret "settings" not found'],
    ),
}


@pytest.mark.parametrize(("chaos", "expected"), CHAOS.items(), ids=CHAOS.keys())
def test_what_never_runs_ends_the_wait_early(
    api: ApiWriter, namespace: str, chaos: str, expected: tuple[CauseCode, dict[str, Any], str, list[str]]
) -> None:
    code, container, field, evidence = expected
    done = deployed(api, namespace, sick(namespace, chaos, **container), options=LONG)
    cause = cause_of(done)
    assert (done.exit_code, cause.code, cause.container) == (21, code, "app")
    lines = screen(done)
    assert f"error[{code}]: apps/Deployment {namespace}/web" in "\n".join(lines)
    place = f"  --> web.yaml:1:1  spec.template.spec.containers[name=app].{field}"
    assert {place, f"  help: {code.hint}"} <= set(lines)
    told = "\n".join(lines).replace(f"error[{code}]: apps/Deployment {namespace}/web: ", "  ")
    assert all(line in told for line in evidence)


def test_an_init_container_that_crashes_ends_the_wait_early(api: ApiWriter, namespace: str) -> None:
    body = sick(namespace, "init-crash-loop")
    body["spec"]["template"]["spec"]["initContainers"] = [{"name": "migrate", "image": "registry.example/migrate:1"}]
    cause = cause_of(deployed(api, namespace, body, options=LONG))
    assert (cause.code, cause.container, cause.exit_code) == (CauseCode.CRASH_LOOP, "migrate", 1)


def test_a_job_that_gives_up_ends_the_wait_early_with_the_log_of_its_pod(api: ApiWriter, namespace: str) -> None:
    body = placed(namespace, workloads.job("migrate", {workloads.CHAOS_ANNOTATION: "fail"}))
    done = deployed(api, namespace, body, options=LONG)
    cause = cause_of(done, "migrate")
    assert (cause.code, cause.container, cause.exit_code) == (CauseCode.JOB_FAILED, "app", 1)
    assert set(CRASH_LOG) <= set(screen(done))


def test_a_probe_that_fails_until_the_end_is_told_with_its_answer(api: ApiWriter, namespace: str) -> None:
    body = sick(namespace, "never-ready", readinessProbe=PROBE)
    done = deployed(api, namespace, body, options=DeployOptions(timeout_seconds=8))
    cause = cause_of(done)
    assert (done.exit_code, cause.code, cause.probe) == (21, CauseCode.PROBE_FAILING, "readiness")
    lines = screen(done)
    assert "  | HTTP probe failed with statuscode: 503" in lines
    assert "  --> web.yaml:1:1  spec.template.spec.containers[name=app].readinessProbe" in lines


def test_what_no_node_takes_is_waited_for_because_a_node_may_come_and_told_in_the_schedulers_words(
    api: ApiWriter, namespace: str
) -> None:
    body = placed(namespace, workloads.deployment("web"))
    body["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "9000"}}
    done = deployed(api, namespace, body, options=DeployOptions(timeout_seconds=8))
    cause = cause_of(done)
    assert (done.exit_code, cause.code, cause.code.transient) == (21, CauseCode.UNSCHEDULABLE, True)
    lines = screen(done)
    assert any("nodes are available" in line and "Insufficient cpu" in line for line in lines)
    assert any(line.endswith("spec.template.spec.containers[name=app].resources.requests.cpu") for line in lines)


def quota(pods: int) -> dict[str, Any]:
    return {"metadata": {"name": "pods"}, "spec": {"hard": {"pods": str(pods)}}}


def with_quota(plane: ControlPlane, namespace: str, pods: int) -> Callable[[int], None]:
    """Limit the pods of a namespace, and return what sets another limit."""
    quotas = f"/api/v1/namespaces/{namespace}/resourcequotas"
    plane.request("POST", quotas, quota(pods))

    def limit(more: int) -> None:
        plane.request("PATCH", f"{quotas}/pods", quota(more), "application/merge-patch+json")

    return limit


def test_a_quota_that_is_full_is_permanent_after_a_while(
    api: ApiWriter, namespace: str, control_plane: ControlPlane
) -> None:
    with_quota(control_plane, namespace, 0)
    done = deployed(api, namespace, placed(namespace, workloads.deployment("web", 2)), options=LONG)
    cause = cause_of(done)
    assert (done.exit_code, cause.code) == (21, CauseCode.QUOTA_EXCEEDED)
    assert "  --> web.yaml:1:1  spec.replicas" in screen(done)
    assert "exceeded quota: pods, requested: pods=1, used: pods=0, limited: pods=0" in cause.text
    assert (cause.subject, cause.events) == ("exceeded quota: pods", ())


def test_a_quota_that_is_raised_in_time_is_none(api: ApiWriter, namespace: str, control_plane: ControlPlane) -> None:
    limit = with_quota(control_plane, namespace, 0)
    threading.Timer(2, limit, [5]).start()
    options = DeployOptions(timeout_seconds=120)
    done = deployed(api, namespace, placed(namespace, workloads.deployment("web", 2)), options=options)
    assert results(done) == {"web": Result.DONE}


def test_pods_that_are_not_admitted_say_what_forbids_them(
    api: ApiWriter, namespace: str, control_plane: ControlPlane
) -> None:
    labels = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    control_plane.request("PATCH", f"/api/v1/namespaces/{namespace}", labels, "application/merge-patch+json")
    cause = cause_of(deployed(api, namespace, placed(namespace, workloads.deployment("web")), options=LONG))
    assert cause.code is CauseCode.ADMISSION_DENIED
    assert 'violates PodSecurity "restricted:latest"' in cause.text


def test_a_daemon_set_whose_service_account_is_missing_says_so_from_its_events(api: ApiWriter, namespace: str) -> None:
    body = placed(namespace, workloads.daemon_set("web"))
    body["spec"]["template"]["spec"]["serviceAccountName"] = "nobody"
    cause = cause_of(deployed(api, namespace, body, options=DeployOptions(timeout_seconds=8)))
    assert cause.code is CauseCode.ADMISSION_DENIED
    assert 'serviceaccount "nobody" not found' in cause.text


@pytest.mark.parametrize("chaos", ["pull-heals", "crash-recovers"])
def test_what_passes_by_itself_is_waited_out(api: ApiWriter, namespace: str, chaos: str) -> None:
    options = DeployOptions(timeout_seconds=120)
    done = deployed(api, namespace, sick(namespace, chaos, replicas=2), options=options)
    assert results(done) == {"web": Result.DONE}
    assert done.exit_code == 0


def test_workloads_that_miss_the_same_image_are_told_once(api: ApiWriter, namespace: str) -> None:
    bodies = [sick(namespace, "image-not-found", name) for name in ("api", "web", "jobs")]
    healthy = placed(namespace, {**workloads.deployment("slow", annotations={"gitops-push.test/ready-after": "90s"})})
    lines = screen(deployed(api, namespace, *bodies, healthy, options=LONG))
    (heading,) = (line for line in lines if line.startswith("error["))
    assert heading.startswith(f"error[IMAGE_NOT_FOUND]: apps/Deployment {namespace}/api")
    assert any(line.startswith("  the same: ") and "/jobs (" in line and "/web (" in line for line in lines)
    assert any(line.startswith("  1 object not ready yet when the wait ended: ") for line in lines)


def test_the_data_of_a_cause_has_what_the_text_had_no_room_for(api: ApiWriter, namespace: str) -> None:
    data = cause_data(cause_of(deployed(api, namespace, sick(namespace, "crash-loop", replicas=2), options=LONG)))
    assert (data["code"], data["transient"], data["exitCode"], data["restarts"]) == ("CRASH_LOOP", False, 1, 5)
    assert data["pods"] == {"failing": 2, "all": 2}
    assert data["log"] == {
        "container": "app",
        "previous": True,
        "lines": ["starting", "listening", "last line of the log"],
    }
    assert data["origin"]["file"] == "web.yaml"
