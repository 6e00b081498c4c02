"""What the campaign on the proof begins with: many kinds that make no pods, and one of every list type."""

from __future__ import annotations

import copy
from typing import Any

from tests.cluster.many_kinds import many_kinds

Body = dict[str, Any]

IDLE = {"gitops-push.example.com/idle": "true"}
"""A node selector that no node has."""


def builtin_seeds(namespace: str) -> list[Body]:
    """Return the manifests of Kubernetes' own kinds."""
    return [*(_idle(body) for body in many_kinds(namespace) if "aggregationRule" not in body), *_more(namespace)]


def _idle(body: Body) -> Body:
    idle = copy.deepcopy(body)
    idle["metadata"].pop("creationTimestamp", None)
    idle.pop("status", None)
    match idle["kind"]:
        case "Deployment" | "StatefulSet":
            idle["spec"]["replicas"] = 0
        case "DaemonSet":
            idle["spec"]["template"]["spec"]["nodeSelector"] = dict(IDLE)
        case "Job" | "CronJob":
            idle["spec"]["suspend"] = True
    return idle


def _more(namespace: str) -> list[Body]:
    template = {
        "metadata": {"labels": {"app": "rich"}, "annotations": {"note": "x"}},
        "spec": {
            "nodeSelector": dict(IDLE),
            "serviceAccountName": "default",
            "imagePullSecrets": [{"name": "a"}, {"name": "b"}],
            "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a", "b"]}],
            "securityContext": {"runAsUser": 1000, "sysctls": []},
            "containers": [
                {
                    "name": "web",
                    "image": "example.com/web:1",
                    "command": ["run"],
                    "args": ["--a", "--b"],
                    "env": [
                        {"name": "A", "value": "1"},
                        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "login", "key": "user"}}},
                        {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    ],
                    "envFrom": [{"configMapRef": {"name": "env"}}],
                    "ports": [{"name": "http", "containerPort": 80, "protocol": "TCP"}],
                    "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
                    "securityContext": {"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}},
                    "volumeMounts": [{"name": "cache", "mountPath": "/cache"}, {"name": "conf", "mountPath": "/conf"}],
                },
                {"name": "side", "image": "example.com/side:1"},
            ],
            "volumes": [
                {"name": "cache", "emptyDir": {}},
                {"name": "conf", "configMap": {"name": "env", "items": [{"key": "a", "path": "a"}]}},
            ],
            "affinity": {"nodeAffinity": {}},
            "tolerations": [{"key": "a", "operator": "Exists"}],
        },
    }
    rich = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "rich", "namespace": namespace, "finalizers": ["example.com/a", "example.com/b"]},
        "spec": {
            "replicas": 0,
            "strategy": {},
            "selector": {"matchLabels": {"app": "rich"}},
            "template": template,
        },
    }
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "spelt", "namespace": namespace},
        "spec": {
            "podSelector": {"matchLabels": {"app": "a"}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 1, "protocol": "TCP"}]}],
            "egress": [{}],
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "spelt", "namespace": namespace, "annotations": {}},
        "spec": {
            "type": "ClusterIP",
            "selector": {"app": "a"},
            "ports": [
                {"name": "a", "port": 1, "protocol": "TCP", "targetPort": 1},
                {"name": "b", "port": 2, "protocol": "TCP", "targetPort": "b"},
            ],
        },
    }
    plain = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "plain", "namespace": namespace, "finalizers": ["example.com/z"]},
        "data": {"a": "1", "b": "two\nlines\n", "c": "", "d": "ünï", "e.f-g": "x"},
        "binaryData": {"bin": "AAECAw=="},
    }
    return [rich, policy, service, plain]


def gadget_definition(group: str, plural: str, kind: str) -> Body:
    """Return a CustomResourceDefinition with lists and maps of every type, served in two versions."""
    text = {"type": "string"}
    part = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": text, "size": {"type": "integer", "default": 1}, "tags": _list(text, "set")},
    }
    port = {
        "type": "object",
        "required": ["port"],
        "properties": {
            "port": {"type": "integer"},
            "protocol": {"type": "string", "default": "TCP"},
            "host": text,
        },
    }
    fields = {
        "parts": _list(part, "map", ["name"]),
        "ports": _list(port, "map", ["port", "protocol"]),
        "tags": _list(text, "set"),
        "numbers": _list({"type": "integer"}, "set"),
        "steps": _list(text, "atomic"),
        "plain": {"type": "array", "items": part},
        "whole": {"type": "object", "additionalProperties": text, "x-kubernetes-map-type": "atomic"},
        "wholeFilled": {
            "type": "object",
            "properties": {"a": {"type": "integer", "default": 3}, "b": text},
            "x-kubernetes-map-type": "atomic",
        },
        "texts": {"type": "object", "additionalProperties": text},
        "nested": {"type": "object", "additionalProperties": part},
        "mode": {"type": "string", "default": "auto"},
        "ratio": {"type": "number"},
        "limit": {"x-kubernetes-int-or-string": True},
        "filled": {"type": "object", "default": {}, "properties": {"a": {"type": "integer", "default": 3}, "b": text}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "embedded": {
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "x-kubernetes-preserve-unknown-fields": True,
        },
        "maybe": {"type": "string", "nullable": True},
    }
    status = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": fields}, "status": status}}
    version = {"served": True, "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind},
            "versions": [{**version, "name": "v1", "storage": True}, {**version, "name": "v1beta1", "storage": False}],
        },
    }


def gadgets(group: str, kind: str, namespace: str) -> list[Body]:
    """Return objects of such a definition; only the first has maps that may be set as a whole."""
    whole = _gadget(group, kind, namespace)
    unclear = {"filled", "whole", "wholeFilled"}
    plain = {key: value for key, value in whole["spec"].items() if key not in unclear}
    small = {key: plain[key] for key in ("parts", "tags", "nested", "free")}
    sparse = {"ports": [{"port": 81}], "plain": [], "texts": {}, "filled": {"b": "x"}}
    specs = (whole["spec"], plain, small, sparse)
    return [{**whole, "metadata": {**whole["metadata"], "name": f"gadget{i}"}, "spec": s} for i, s in enumerate(specs)]


def _gadget(group: str, kind: str, namespace: str) -> Body:
    return {
        "apiVersion": f"{group}/v1",
        "kind": kind,
        "metadata": {"name": "gadget", "namespace": namespace},
        "spec": {
            "parts": [{"name": "b", "tags": ["q"]}, {"name": "a", "size": 3}],
            "ports": [{"port": 80, "protocol": "TCP"}, {"port": 80, "protocol": "UDP", "host": "x"}],
            "tags": ["y", "x"],
            "numbers": [3, 1, 2],
            "steps": ["one", "two"],
            "plain": [{"name": "p", "size": 1}],
            "whole": {"a": "1", "b": "2"},
            "texts": {"a": "1", "b/c.d": "2"},
            "nested": {"k1": {"name": "n", "size": 2}, "k2": {"name": "m"}},
            "mode": "manual",
            "ratio": 1.5,
            "limit": "50%",
            "filled": {},
            "wholeFilled": {},
            "free": {"deep": {"list": [{"a": 1}, {"b": [1, 2]}], "empty": {}, "none": []}, "x": 1.25},
            "embedded": {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "e"}, "spec": {"a": {"b": 1}}},
        },
    }


def _list(items: Body, kind: str, keys: list[str] | None = None) -> Body:
    more = {"x-kubernetes-list-map-keys": keys} if keys else {}
    return {"type": "array", "items": items, "x-kubernetes-list-type": kind, **more}


def stamping_policy(group: str, plural: str, operations: list[str]) -> tuple[Body, Body]:
    """Return a policy, and its binding, that writes the resourceVersion it found into an annotation."""
    name = f"stamp-{plural}.{group or 'core'}"
    rule = {"apiGroups": [group], "apiVersions": ["*"], "operations": operations, "resources": [plural]}
    version = "has(object.metadata.resourceVersion) ? object.metadata.resourceVersion : 'new'"
    stamp = f"Object{{metadata: Object.metadata{{annotations: {{'example.com/stamp': {version}}}}}}}"
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "reinvocationPolicy": "Never",
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [rule]},
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": stamp}}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name},
    }
    return policy, binding
