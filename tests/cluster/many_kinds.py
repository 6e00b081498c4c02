"""A set of many kinds as people write them: other spellings than the server's, defaults left out, nulls, old habits."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

Body = dict[str, Any]

POD = {
    "terminationGracePeriodSeconds": None,
    "containers": [
        {
            "name": "web",
            "image": "example.com/web:1",
            "ports": [{"containerPort": 8080}, {"containerPort": 8080, "protocol": "UDP"}],
            "resources": {
                "requests": {"cpu": "0.1", "memory": "0.5Gi"},
                "limits": {"cpu": 1, "memory": "1024Mi", "ephemeral-storage": "0.581Gi"},
            },
            "readinessProbe": {"httpGet": {"path": "/", "port": 8080, "httpHeaders": None}, "periodSeconds": 5},
            "livenessProbe": {"tcpSocket": {"port": 8080}},
            "env": [
                {"name": "B", "value": "2"},
                {"name": "A", "value": "1"},
                {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1000m"}}},
            ],
            "volumeMounts": [{"name": "cache", "mountPath": "/cache"}],
        }
    ],
    "initContainers": [{"name": "init", "image": "example.com/init:1", "ports": [{"containerPort": 9090}]}],
    "volumes": [{"name": "cache", "emptyDir": {"sizeLimit": "1.5Gi"}}, {"name": "tmp", "emptyDir": {}}],
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app": "web"}},
        }
    ],
    "tolerations": [{"operator": "Exists"}],
}
JOB_POD = {
    "restartPolicy": "Never",
    "containers": [{"name": "job", "image": "example.com/job:1", "command": ["sh", "-c", "true"]}],
}


def _object(api_version: str, kind: str, name: str, **fields: Any) -> Body:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "creationTimestamp": None}, **fields}


def _workload(kind: str, name: str, **spec: Any) -> Body:
    labels = {"app": name}
    template = {"metadata": {"labels": labels, "creationTimestamp": None}, "spec": copy.deepcopy(POD)}
    spec = {"selector": {"matchLabels": labels}, "template": template, **spec}
    return _object("apps/v1", kind, name, spec=spec, status={})


def _claim_template() -> Body:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}}
    return {"metadata": {"name": "data"}, "spec": spec}


def definition(group: str) -> Body:
    """Return a CustomResourceDefinition of kind Widget with a keyed list, a set and an atomic list."""
    item = {"type": "object", "properties": {"name": {"type": "string"}, "size": {"type": "integer", "default": 1}}}
    spec = {
        "parts": {
            "type": "array",
            "items": item,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
        "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        "steps": {"type": "array", "items": {"type": "string"}},
        "mode": {"type": "string", "default": "auto"},
        "ratio": {"type": "number"},
        "limit": {"x-kubernetes-int-or-string": True},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    }
    item["required"] = ["name"]
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": spec}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def widget(group: str) -> Body:
    """Return a Widget."""
    spec = {
        "parts": [{"name": "b"}, {"name": "a", "size": 3}],
        "tags": ["y", "x"],
        "steps": ["one", "two"],
        "ratio": 1.0,
        "limit": "50%",
        "free": {"deep": {"list": [{"a": 1}, {"b": [1, 2]}]}},
    }
    return _object(f"{group}/v1", "Widget", "widget", spec=spec)


def many_kinds(namespace: str) -> tuple[Body, ...]:
    """Return the set, its cluster-scoped objects named after the namespace; nothing in it needs another object."""
    namespaced = (
        _workload("Deployment", "web", replicas=2, strategy={"rollingUpdate": {"maxSurge": "25%"}}),
        _workload("DaemonSet", "agent"),
        _workload("StatefulSet", "db", serviceName="db", volumeClaimTemplates=[_claim_template()]),
        _object("batch/v1", "Job", "job", spec={"template": {"spec": copy.deepcopy(JOB_POD)}, "backoffLimit": 2}),
        _object(
            "batch/v1",
            "CronJob",
            "nightly",
            spec={
                "schedule": "0 3 * * *",
                "jobTemplate": {"spec": {"template": {"spec": copy.deepcopy(JOB_POD)}}},
            },
        ),
        _object(
            "v1",
            "Service",
            "web",
            spec={
                "selector": {"app": "web"},
                "ports": [
                    {"name": "http", "port": 80, "targetPort": 8080},
                    {"name": "udp", "port": 80, "protocol": "UDP"},
                ],
            },
        ),
        _object(
            "networking.k8s.io/v1",
            "Ingress",
            "web",
            spec={
                "rules": [
                    {
                        "host": "web.example.com",
                        "http": {
                            "paths": [
                                {
                                    "path": "/",
                                    "pathType": "Prefix",
                                    "backend": {"service": {"name": "web", "port": {"number": 80}}},
                                }
                            ]
                        },
                    }
                ]
            },
        ),
        _object(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "web",
            spec={"podSelector": {}, "ingress": [{"ports": [{"port": 8080}], "from": [{"podSelector": {}}]}]},
        ),
        _object(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "agent",
            spec={
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "elsewhere"},
                "maxReplicas": 5,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "0.5Gi"}},
                    },
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
                    },
                ],
            },
        ),
        _object(
            "policy/v1",
            "PodDisruptionBudget",
            "web",
            spec={"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
        ),
        _object(
            "v1",
            "Secret",
            "login",
            type="Opaque",
            stringData={"password": "correct-horse-battery", "user": "admin-of-shop"},
            data={"wrapped": "YWJj\nZGVm\n"},
        ),
        _object("v1", "ConfigMap", "env", data={"key": "value", "text": "one\ntwo\n", "empty": ""}),
        _object("v1", "ServiceAccount", "web", imagePullSecrets=[{"name": "login"}]),
        _object(
            "v1",
            "PersistentVolumeClaim",
            "data",
            spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "0.5Gi"}}},
        ),
        _object("v1", "ResourceQuota", "quota", spec={"hard": {"cpu": "100000m", "pods": 1000, "memory": "1024Gi"}}),
        _object(
            "v1",
            "LimitRange",
            "limits",
            spec={"limits": [{"type": "Container", "default": {"cpu": "1.5"}, "defaultRequest": {"cpu": "0.05"}}]},
        ),
        _object(
            "rbac.authorization.k8s.io/v1",
            "Role",
            "web",
            rules=[{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}],
        ),
        _object(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            "web",
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "web"},
            subjects=[{"kind": "ServiceAccount", "name": "web", "namespace": namespace}],
        ),
    )
    cluster_scoped = (
        _object(
            "rbac.authorization.k8s.io/v1",
            "ClusterRole",
            f"{namespace}-all",
            aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"for": namespace}}]},
            rules=[],
        ),
        {
            **_object(
                "rbac.authorization.k8s.io/v1",
                "ClusterRole",
                f"{namespace}-part",
                rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
            ),
            "metadata": {"name": f"{namespace}-part", "labels": {"for": namespace}},
        },
        _object("scheduling.k8s.io/v1", "PriorityClass", f"{namespace}-high", value=1000),
    )
    for body in namespaced:
        body["metadata"]["namespace"] = namespace
    return (*namespaced, *cluster_scoped)


def _container(body: Body) -> Body:
    spec: Body = body["spec"]
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    found: Body = spec["template"]["spec"]["containers"][0]
    return found


def _set_image(body: Body) -> None:
    _container(body)["image"] = "example.com/other:2"


REAL_CHANGES: dict[str, tuple[Callable[[Body], None], str]] = {
    "Deployment": (_set_image, "spec.template.spec.containers[name=web].image"),
    "DaemonSet": (
        lambda body: _container(body)["resources"]["limits"].update(cpu="1001m"),
        "spec.template.spec.containers[name=web].resources.limits.cpu",
    ),
    "StatefulSet": (lambda body: body["spec"].update(replicas=3), "spec.replicas"),
    "CronJob": (_set_image, "spec.jobTemplate.spec.template.spec.containers[name=job].image"),
    "Service": (
        lambda body: body["spec"]["ports"][0].update(targetPort=8081),
        "spec.ports[port=80,protocol=TCP].targetPort",
    ),
    "Ingress": (lambda body: body["spec"]["rules"][0].update(host="other.example.com"), "spec.rules[0].host"),
    "NetworkPolicy": (
        lambda body: body["spec"]["ingress"][0]["ports"][0].update(port=1),
        "spec.ingress[0].ports[0].port",
    ),
    "HorizontalPodAutoscaler": (lambda body: body["spec"].update(maxReplicas=6), "spec.maxReplicas"),
    "PodDisruptionBudget": (lambda body: body["spec"].update(minAvailable="50%"), "spec.minAvailable"),
    "Secret": (lambda body: body["stringData"].update(password="another-horse"), "data.password"),
    "ConfigMap": (lambda body: body["data"].update(key="other"), "data.key"),
    "ServiceAccount": (
        lambda body: body["imagePullSecrets"].append({"name": "more"}),
        "imagePullSecrets",
    ),
    "ResourceQuota": (lambda body: body["spec"]["hard"].update(pods=1001), "spec.hard.pods"),
    "LimitRange": (
        lambda body: body["spec"]["limits"][0]["default"].update(cpu="2"),
        "spec.limits[0].default.cpu",
    ),
    "Role": (lambda body: body["rules"][0]["verbs"].append("watch"), "rules[0].verbs"),
    "RoleBinding": (lambda body: body["subjects"][0].update(name="other"), "subjects[0].name"),
    "PriorityClass": (lambda body: body.update(description="for what matters"), "description"),
    "Widget": (lambda body: body["spec"]["parts"][1].update(size=4), "spec.parts[name=a].size"),
    "Job": (lambda body: body["spec"].update(backoffLimit=3), "spec.backoffLimit"),
}
"""What is changed in each kind, and the one field that a plan must show. Other fields of a Job are immutable."""
