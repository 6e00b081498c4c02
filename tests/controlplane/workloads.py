"""Small workloads for tests of rollouts: manifests as a user writes them, and what goes wrong with them on request."""

from __future__ import annotations

from typing import Any

CHAOS_ANNOTATION = "gitops-push.test/chaos"


def deployment(name: str, replicas: int = 1, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    """Returns a Deployment whose pods have `annotations` (see `stages/chaos.yaml` for what they can ask for)."""
    template = pod_template(name, annotations)
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def job(name: str, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    """Returns a Job that is not tried again when its pod fails."""
    template = pod_template(name, annotations)
    template["spec"]["restartPolicy"] = "Never"
    spec = {"backoffLimit": 0, "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


def stateful_set(name: str, replicas: int = 1) -> dict[str, Any]:
    """Returns a StatefulSet with a claim `data` a pod, of the default storage class."""
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    template = pod_template(name)
    template["spec"]["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    spec = {
        "replicas": replicas,
        "serviceName": name,
        "selector": {"matchLabels": {"app": name}},
        "template": template,
        "volumeClaimTemplates": [claim],
    }
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name}, "spec": spec}


def daemon_set(name: str) -> dict[str, Any]:
    """Returns a DaemonSet."""
    spec = {"selector": {"matchLabels": {"app": name}}, "template": pod_template(name)}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name}, "spec": spec}


def pod_template(name: str, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    """Returns the template of a pod with one container `app`."""
    container = {"name": "app", "image": "registry.example/app:1.0"}
    return {
        "metadata": {"labels": {"app": name}, "annotations": dict(annotations or {})},
        "spec": {"containers": [container]},
    }
