from __future__ import annotations

import pytest

from gitops_push.core.blamed_fields import with_origin
from gitops_push.core.causes import CauseCode
from gitops_push.core.diagnosis import Cause
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.objects import Manifest
from gitops_push.core.origin import Origin
from gitops_push.core.scopes import ref_of
from gitops_push.documents.reader import Dialect, read_documents

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  template:
    spec:
      serviceAccountName: web
      nodeSelector: {disk: ssd}
      volumes:
      - name: tls
        secret: {secretName: web-tls}
      - name: data
        persistentVolumeClaim: {claimName: web-data}
      initContainers:
      - name: migrate
        image: migrate:1
      containers:
      - name: web
        image: web:1
        command: [serve]
        envFrom:
        - configMapRef: {name: web-env}
        env:
        - name: TOKEN
          valueFrom: {secretKeyRef: {name: web-token, key: token}}
        readinessProbe: {httpGet: {path: /, port: 80}}
        resources:
          requests: {cpu: 100m}
          limits: {memory: 64Mi}
      - name: plain
        image: plain:1
"""


def manifest(text: str = DEPLOYMENT) -> Manifest:
    (found,) = read_documents(text.encode(), "web.yaml", Dialect.KUBECTL)
    return Manifest(
        ref_of(found.value), found.value["apiVersion"], found.value, Origin("web.yaml", found.start_line, 1)
    )


def blamed(cause: Cause, text: str = DEPLOYMENT) -> tuple[str, str]:
    """Return the field, and the words of the line that is shown."""
    found = with_origin(cause, manifest(text))
    assert found.origin is not None
    return format_field_path(found.field), text.splitlines()[found.origin.line - 1].strip()


POD = "spec.template.spec"
WEB = f"{POD}.containers[name=web]"
IN_A_CONTAINER: dict[str, tuple[Cause, tuple[str, str]]] = {
    "its image": (
        Cause(CauseCode.IMAGE_NOT_FOUND, "x", container="web"),
        (f"{WEB}.image", "image: web:1"),
    ),
    "the image of an init container": (
        Cause(CauseCode.IMAGE_PULL_FAILED, "x", container="migrate"),
        (f"{POD}.initContainers[name=migrate].image", "image: migrate:1"),
    ),
    "its limit of memory": (
        Cause(CauseCode.OOM_KILLED, "x", container="web"),
        (f"{WEB}.resources.limits.memory", "limits: {memory: 64Mi}"),
    ),
    "a container without a limit": (
        Cause(CauseCode.OOM_KILLED, "x", container="plain"),
        (f"{POD}.containers[name=plain]", "- name: plain"),
    ),
    "its probe": (
        Cause(CauseCode.PROBE_FAILING, "x", container="web", probe="readiness"),
        (f"{WEB}.readinessProbe", "readinessProbe: {httpGet: {path: /, port: 80}}"),
    ),
    "a probe that a webhook added": (
        Cause(CauseCode.PROBE_FAILING, "x", container="web", probe="liveness"),
        (WEB, "- name: web"),
    ),
    "its command": (Cause(CauseCode.CRASH_LOOP, "x", container="web"), (f"{WEB}.command", "command: [serve]")),
    "a container without a command": (
        Cause(CauseCode.CRASH_LOOP, "x", container="plain"),
        (f"{POD}.containers[name=plain]", "- name: plain"),
    ),
    "a missing Secret": (
        Cause(CauseCode.CONTAINER_CONFIG, "x", 'secret "web-token" not found', container="web"),
        (f"{WEB}.env[0].valueFrom.secretKeyRef.name", "valueFrom: {secretKeyRef: {name: web-token, key: token}}"),
    ),
    "a missing ConfigMap": (
        Cause(CauseCode.CONTAINER_CONFIG, "x", 'configmap "web-env" not found', container="web"),
        (f"{WEB}.envFrom[0].configMapRef.name", "- configMapRef: {name: web-env}"),
    ),
    "a missing key of a Secret": (
        Cause(
            CauseCode.CONTAINER_CONFIG, "x", subject="couldn't find key token in Secret shop/web-token", container="web"
        ),
        (f"{WEB}.env[0].valueFrom.secretKeyRef.name", "valueFrom: {secretKeyRef: {name: web-token, key: token}}"),
    ),
    "a sidecar that is not in the manifest": (
        Cause(CauseCode.IMAGE_NOT_FOUND, "x", container="istio-proxy"),
        ("", "apiVersion: apps/v1"),
    ),
}
OF_A_POD: dict[str, tuple[Cause, tuple[str, str]]] = {
    "a request that no node has": (
        Cause(CauseCode.UNSCHEDULABLE, "Unschedulable", "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2"),
        (f"{WEB}.resources.requests.cpu", "requests: {cpu: 100m}"),
    ),
    "a selector that no node fits": (
        Cause(CauseCode.UNSCHEDULABLE, "Unschedulable", "2 node(s) didn't match Pod's node affinity/selector"),
        (f"{POD}.nodeSelector", "nodeSelector: {disk: ssd}"),
    ),
    "a claim that is not there": (
        Cause(CauseCode.UNSCHEDULABLE, "Unschedulable", 'persistentvolumeclaim "web-data" not found'),
        (f"{POD}.volumes[1]", "- name: data"),
    ),
    "a taint": (
        Cause(CauseCode.UNSCHEDULABLE, "Unschedulable", "2 node(s) had untolerated taint {gpu: }"),
        (POD, "serviceAccountName: web"),
    ),
    "a volume": (
        Cause(
            CauseCode.MOUNT_FAILED,
            "FailedMount",
            'MountVolume.SetUp failed for volume "tls" : secret "web-tls" not found',
        ),
        (f"{POD}.volumes[0]", "- name: tls"),
    ),
    "a quota": (Cause(CauseCode.QUOTA_EXCEEDED, "exceeded quota: pods"), ("spec.replicas", "replicas: 3")),
    "a ServiceAccount": (
        Cause(CauseCode.ADMISSION_DENIED, 'error looking up service account shop/web: serviceaccount "web" not found'),
        (f"{POD}.serviceAccountName", "serviceAccountName: web"),
    ),
    "the pod as a whole": (
        Cause(CauseCode.ADMISSION_DENIED, 'violates PodSecurity "restricted:latest"'),
        (POD, "serviceAccountName: web"),
    ),
    "a deadline that git does not set": (
        Cause(CauseCode.DEADLINE_EXCEEDED, "no progress"),
        ("spec", "replicas: 3"),
    ),
    "nothing that can be named": (Cause(CauseCode.TIMEOUT, "0 of 3 pods updated"), ("", "apiVersion: apps/v1")),
}


@pytest.mark.parametrize(("cause", "expected"), IN_A_CONTAINER.values(), ids=IN_A_CONTAINER.keys())
def test_what_is_wrong_with_a_container(cause: Cause, expected: tuple[str, str]) -> None:
    assert blamed(cause) == expected


@pytest.mark.parametrize(("cause", "expected"), OF_A_POD.values(), ids=OF_A_POD.keys())
def test_what_is_wrong_with_the_pod(cause: Cause, expected: tuple[str, str]) -> None:
    assert blamed(cause) == expected


def test_an_object_without_pods_is_shown_where_it_begins() -> None:
    text = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n"
    assert blamed(Cause(CauseCode.VOLUME_UNBOUND, "Pending"), text) == ("", "apiVersion: v1")


def test_the_time_that_a_job_has_is_its_own() -> None:
    text = (
        DEPLOYMENT.replace("apps/v1", "batch/v1")
        .replace("Deployment", "Job")
        .replace("replicas: 3", "activeDeadlineSeconds: 9")
    )
    assert blamed(Cause(CauseCode.DEADLINE_EXCEEDED, "x"), text) == (
        "spec.activeDeadlineSeconds",
        "activeDeadlineSeconds: 9",
    )


ODD_SPECS = [
    "null",
    "[]",
    "{containers: null}",
    "{containers: [x, null, {name: web, env: x, resources: 1}]}",
    "{volumes: 3}",
]


@pytest.mark.parametrize("spec", ODD_SPECS)
@pytest.mark.parametrize("code", CauseCode)
def test_a_manifest_that_nobody_would_write_is_no_reason_to_fall_over(spec: str, code: CauseCode) -> None:
    text = f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec: {{template: {{spec: {spec}}}}}\n"
    for container in ("", "web"):
        words = 'Insufficient cpu; volume "x"; persistentvolumeclaim "y" not found'
        found = with_origin(Cause(code, "x", words, container=container, probe="readiness"), manifest(text))
        assert found.origin is not None
