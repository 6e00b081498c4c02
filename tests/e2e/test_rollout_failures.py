"""A failed rollout as a person sees it: by the real program, with the line of the config repo, in one screen."""

from __future__ import annotations

import json

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.program import VARIABLE, Program

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations: {gitops-push.test/chaos: CHAOS}
    spec:
      containers:
      - name: web
        image: registry.example/web:1.0
        readinessProbe:
          httpGet: {path: /ready, port: 80}
        resources:
          limits:
            memory: 64Mi
"""
KUSTOMIZATION = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../app]
images:
- name: registry.example/web
  newTag: "2.0"
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  backoffLimit: 0
  template:
    metadata:
      annotations: {gitops-push.test/chaos: fail}
    spec:
      restartPolicy: Never
      containers:
      - {name: migrate, image: registry.example/migrate:1}
"""


def apply(program: Program, chaos: str, timeout: str = "120s") -> list[str]:
    """Return the lines of the report, which fit on one screen."""
    program.write("app/web.yaml", WEB.replace("CHAOS", chaos))
    done = program("apply", "test", "--yes", "--timeout", timeout)
    assert done.code == 21, done
    print(done.out)
    lines = done.out.splitlines()
    assert len(lines) < 24, done.out
    assert all(len(line) <= 120 for line in lines)
    return lines


SHOWN = {
    "crash-loop": (
        "CRASH_LOOP",
        ["  12 |       - name: web", "     |         ^ spec.template.spec.containers[name=web]"],
    ),
    "oom": (
        "OOM_KILLED",
        [
            "  --> app/web.yaml:18:21",
            "  18 |             memory: 64Mi",
            "     |                     ^ spec.template.spec.containers[name=web].resources.limits.memory",
        ],
    ),
    "image-not-found": (
        "IMAGE_NOT_FOUND",
        [
            "  --> app/web.yaml:13:16",
            "  13 |         image: registry.example/web:1.0",
            "     |                ^ spec.template.spec.containers[name=web].image",
        ],
    ),
}


@pytest.mark.parametrize(("chaos", "expected"), SHOWN.items(), ids=SHOWN.keys())
def test_the_line_that_is_at_fault_is_shown(program: Program, chaos: str, expected: tuple[str, list[str]]) -> None:
    code, place = expected
    lines = apply(program, chaos)
    assert any(line.startswith(f"error[{code}]: apps/Deployment ") for line in lines)
    assert "\n".join(place) in "\n".join(lines)
    assert lines[-1].startswith("NOT HEALTHY test: ")
    assert lines[-1].endswith("; everything was applied")


def test_the_tag_that_a_kustomization_sets_is_the_line_at_fault(program: Program) -> None:
    text = (program.folder / "gitops-push.yaml").read_text().replace("directory: app", "kustomize: overlay")
    program.write("gitops-push.yaml", text)
    program.write("overlay/kustomization.yaml", KUSTOMIZATION)
    program.write("app/kustomization.yaml", "resources: [web.yaml, settings.yaml]\n")
    lines = apply(program, "image-not-found")
    place = [number for number, line in enumerate(lines) if line.startswith("  --> overlay/kustomization.yaml:6:")]
    assert place, lines
    assert 'newTag: "2.0"' in lines[place[0] + 1] or "registry.example/web" in lines[place[0] + 1]


def test_a_probe_that_fails_until_the_timeout_is_shown_and_status_says_the_same(program: Program) -> None:
    lines = apply(program, "never-ready", "8s")
    assert "  | HTTP probe failed with statuscode: 503" in lines
    assert any(line.startswith("  --> app/web.yaml:1") for line in lines)
    done = program("status", "test")
    assert done.code == 0, done
    assert "error[PROBE_FAILING]: apps/Deployment " in done.out
    assert "  | HTTP probe failed with statuscode: 503" in done.out


def test_a_job_that_fails_is_shown_with_its_log(program: Program) -> None:
    program.write("app/migrate.yaml", JOB)
    done = program("apply", "test", "--yes", "--timeout", "120s")
    assert done.code in {20, 21}, done
    assert "error[JOB_FAILED]: batch/Job " in done.out
    assert "  | last line of the log" in done.out


def test_the_document_has_the_cause_of_every_outcome_that_is_not_ready(program: Program) -> None:
    program.write("app/web.yaml", WEB.replace("CHAOS", "oom"))
    done = program("apply", "test", "--yes", "--timeout", "120s", "-o", "json")
    assert done.code == 21, done
    causes = {found["name"]: found.get("cause") for found in json.loads(done.out)["outcomes"]}
    assert causes["settings"] is None
    cause = causes["web"]
    assert (cause["code"], cause["container"], cause["exitCode"]) == ("OOM_KILLED", "web", 137)
    assert (cause["origin"]["file"], cause["origin"]["line"]) == ("app/web.yaml", 18)
    assert cause["log"]["lines"][-1] == "last line of the log"
    objects = json.loads(program("status", "test", "-o", "json").out)["objects"]
    (web,) = (found for found in objects if found["name"] == "web")
    assert (web["cause"]["code"], "origin" in web["cause"]) == ("OOM_KILLED", False)


def test_without_the_right_to_read_logs_and_events_the_rest_is_told(
    program: Program, own_control_plane: ControlPlane, namespace: str, kubectl: Kubectl
) -> None:
    rules = [
        {"apiGroups": ["*"], "resources": ["configmaps", "deployments", "replicasets", "leases"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
    ]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": namespace}}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": namespace},
        "subjects": [{"kind": "User", "name": namespace}],
    }
    for body in ({**role, "rules": rules}, binding):
        kubectl("apply", "-f", "-", stdin=json.dumps(body))
    lines = apply(program.having(**{VARIABLE: own_control_plane.new_user(namespace)}), "crash-loop")
    assert "  events cannot be read: not allowed" in lines
    assert "  log of container web: its log cannot be read: not allowed" in lines
