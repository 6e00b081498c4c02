"""Objects of many kinds, each before and after the change of a field that the server fixes at creation."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gitops_push.core.recreation import ANNOTATION
from tests.controlplane import workloads

Body = dict[str, Any]
_RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True)
class Immutable:
    """A body by its name and namespace, the field that changes, as a path of keys, and its new value."""

    make: Callable[[str], Body]
    path: tuple[str | int, ...]
    value: Any

    def before(self, namespace: str) -> Body:
        """Return the object as it is first; cluster-scoped ones are named after the namespace."""
        body = self.make(namespace)
        if body["kind"] not in _CLUSTER_SCOPED:
            body["metadata"]["namespace"] = namespace
        return body

    def after(self, namespace: str) -> Body:
        """Return it with the change."""
        return changed(self.before(namespace), self.path, self.value)


def changed(body: Body, path: tuple[str | int, ...], value: Any) -> Body:
    """Return a copy with another value at a path of keys."""
    copied = copy.deepcopy(body)
    at: Any = copied
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return copied


def consenting(body: Body) -> Body:
    """Return a copy that asks to be recreated."""
    annotations = {**body["metadata"].get("annotations", {}), ANNOTATION: "enabled"}
    return {**copy.deepcopy(body), "metadata": {**body["metadata"], "annotations": annotations}}


def made(api_version: str, kind: str, name: str, **fields: Any) -> Body:
    """Return a body."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **fields}


def idle(kind: str, name: str) -> Body:
    """Return a workload without pods, labelled so that its selector may change."""
    body = workloads.deployment(name, 0)
    body["spec"]["template"]["metadata"]["labels"]["tier"] = "a"
    if kind == "DaemonSet":
        del body["spec"]["replicas"]
    return {**body, "kind": kind}


def _role_ref(name: str) -> Body:
    return {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name}


def _claim(name: str) -> Body:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return made("v1", "PersistentVolumeClaim", name, spec=spec)


_CLUSTER_SCOPED = {
    "CSIDriver",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "IngressClass",
    "PersistentVolume",
    "PriorityClass",
    "RuntimeClass",
    "StorageClass",
    "VolumeAttributesClass",
}

_SELECTOR = ("spec", "selector", "matchLabels")
_TWO_LABELS = {"app": "x", "tier": "a"}

BY_DEFAULT: dict[str, Immutable] = {
    "Job template": Immutable(
        lambda ns: workloads.job("x"), ("spec", "template", "spec", "containers", 0, "image"), "registry.example/app:2"
    ),
    "Job completions": Immutable(lambda ns: workloads.job("x"), ("spec", "completions"), 2),
    "Pod command": Immutable(
        lambda ns: made("v1", "Pod", "x", spec=workloads.pod_template("x")["spec"]),
        ("spec", "containers", 0, "command"),
        ["other"],
    ),
}
"""Recreated without being asked."""

BY_CONSENT: dict[str, Immutable] = {
    "Deployment selector": Immutable(lambda ns: idle("Deployment", "x"), _SELECTOR, _TWO_LABELS),
    "ReplicaSet selector": Immutable(lambda ns: idle("ReplicaSet", "x"), _SELECTOR, _TWO_LABELS),
    "DaemonSet selector": Immutable(lambda ns: idle("DaemonSet", "x"), _SELECTOR, _TWO_LABELS),
    "StatefulSet serviceName": Immutable(lambda ns: workloads.stateful_set("x", 0), ("spec", "serviceName"), "other"),
    "StatefulSet claims": Immutable(
        lambda ns: workloads.stateful_set("x", 0),
        ("spec", "volumeClaimTemplates", 0, "spec", "resources", "requests", "storage"),
        "2Gi",
    ),
    "Service clusterIP": Immutable(
        lambda ns: made("v1", "Service", "x", spec={"ports": [{"port": 80}], "selector": {"app": "x"}}),
        ("spec", "clusterIP"),
        "None",
    ),
    "ConfigMap data": Immutable(
        lambda ns: made("v1", "ConfigMap", "x", immutable=True, data={"a": "1"}), ("data", "a"), "2"
    ),
    "Secret data": Immutable(
        lambda ns: made("v1", "Secret", "x", immutable=True, stringData={"a": "hunter-one"}),
        ("stringData", "a"),
        "hunter-two",
    ),
    "Secret type": Immutable(
        lambda ns: made("v1", "Secret", "x", type="example.com/a", data={}), ("type",), "example.com/b"
    ),
    "RoleBinding roleRef": Immutable(
        lambda ns: made(f"{_RBAC}/v1", "RoleBinding", "x", roleRef=_role_ref("view"), subjects=[]),
        ("roleRef", "name"),
        "edit",
    ),
    "ClusterRoleBinding roleRef": Immutable(
        lambda ns: made(f"{_RBAC}/v1", "ClusterRoleBinding", ns, roleRef=_role_ref("view"), subjects=[]),
        ("roleRef", "name"),
        "edit",
    ),
    "StorageClass parameters": Immutable(
        lambda ns: made("storage.k8s.io/v1", "StorageClass", ns, provisioner="x.io/a", parameters={"a": "1"}),
        ("parameters", "a"),
        "2",
    ),
    "PriorityClass value": Immutable(
        lambda ns: made("scheduling.k8s.io/v1", "PriorityClass", ns, value=1000), ("value",), 2000
    ),
    "IngressClass controller": Immutable(
        lambda ns: made("networking.k8s.io/v1", "IngressClass", ns, spec={"controller": "x.io/a"}),
        ("spec", "controller"),
        "x.io/b",
    ),
    "EndpointSlice addressType": Immutable(
        lambda ns: made("discovery.k8s.io/v1", "EndpointSlice", "x", addressType="IPv4", endpoints=[], ports=[]),
        ("addressType",),
        "IPv6",
    ),
    "CSIDriver attachRequired": Immutable(
        lambda ns: made("storage.k8s.io/v1", "CSIDriver", f"{ns}.x.io", spec={"attachRequired": True}),
        ("spec", "attachRequired"),
        False,
    ),
    "RuntimeClass handler": Immutable(
        lambda ns: made("node.k8s.io/v1", "RuntimeClass", ns, handler="a"), ("handler",), "b"
    ),
    "VolumeAttributesClass parameters": Immutable(
        lambda ns: made("storage.k8s.io/v1", "VolumeAttributesClass", ns, driverName="x.io", parameters={"a": "1"}),
        ("parameters", "a"),
        "2",
    ),
    "ControllerRevision data": Immutable(
        lambda ns: made("apps/v1", "ControllerRevision", "x", data={"a": 1}, revision=1), ("data", "a"), 2
    ),
}
"""Recreated where an annotation or a rule allows it."""

NEVER: dict[str, Immutable] = {
    "PersistentVolumeClaim": Immutable(lambda ns: _claim("x"), ("spec", "accessModes"), ["ReadWriteMany"]),
    "PersistentVolume": Immutable(
        lambda ns: made(
            "v1",
            "PersistentVolume",
            ns,
            spec={"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/a"}},
        ),
        ("spec", "hostPath", "path"),
        "/b",
    ),
}
"""Never recreated."""
