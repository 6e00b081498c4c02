"""The objects that a fresh control plane needs before a pod can run: nodes and a storage class."""

from __future__ import annotations

from typing import Any

CAPACITY = {"cpu": "64", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "5000"}


def node(number: int) -> dict[str, Any]:
    """Returns the Node `node-NUMBER` with room for thousands of pods; kwok makes it ready."""
    name = f"node-{number}"
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/zone": f"zone-{number}",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"capacity": CAPACITY, "allocatable": CAPACITY},
    }


def storage_class() -> dict[str, Any]:
    """Returns the default StorageClass; the stages in `volumes.yaml` are its provisioner."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "gitops-push.test/volumes",
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
    }


def is_ready(live_node: dict[str, Any]) -> bool:
    """Returns whether a Node is Ready and takes pods."""
    conditions = live_node["status"].get("conditions", ())
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return ready and not live_node["spec"].get("taints")
