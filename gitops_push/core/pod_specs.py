"""Where Kubernetes' own kinds hold pod specs and quantities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

_TEMPLATE: Final = ("spec", "template", "spec")
_POD_SPECS: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("", "Pod"): ("spec",),
    ("", "PodTemplate"): ("template", "spec"),
    ("", "ReplicationController"): _TEMPLATE,
    ("apps", "DaemonSet"): _TEMPLATE,
    ("apps", "Deployment"): _TEMPLATE,
    ("apps", "ReplicaSet"): _TEMPLATE,
    ("apps", "StatefulSet"): _TEMPLATE,
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
    ("batch", "Job"): _TEMPLATE,
    ("argoproj.io", "Rollout"): _TEMPLATE,
}
_CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")
_HPA_SOURCES: Final = ("resource", "containerResource", "pods", "object", "external")
_LIMITS: Final = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")


def pod_spec_path(group: str, kind: str) -> tuple[str, ...]:
    """Return where objects of a kind hold their pod spec, or () for a kind without one."""
    return _POD_SPECS.get((group, kind), ())


def pod_specs_of(body: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return the pod spec of a workload, the container itself (not a copy), or nothing."""
    path = _POD_SPECS.get((_group(body), str(body.get("kind"))))
    spec = _at(body, path) if path else None
    return (spec,) if isinstance(spec, dict) else ()


def quantity_maps_of(body: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each (mapping, key) at which an object of one of Kubernetes' own kinds may hold a quantity."""
    for spec in pod_specs_of(body):
        yield from _of_pod_spec(spec)
    match _group(body), body.get("kind"):
        case "", "PersistentVolumeClaim":
            yield from _of_resources(_at(body, ("spec", "resources")))
        case "", "PersistentVolume":
            yield from _every(_at(body, ("spec", "capacity")))
        case "apps", "StatefulSet":
            for claim in _items(_at(body, ("spec", "volumeClaimTemplates"))):
                yield from _of_resources(_at(claim, ("spec", "resources")))
        case "", "ResourceQuota":
            yield from _every(_at(body, ("spec", "hard")))
        case "", "LimitRange":
            for limit in _items(_at(body, ("spec", "limits"))):
                for name in _LIMITS:
                    yield from _every(limit.get(name))
        case "autoscaling", "HorizontalPodAutoscaler":
            yield from _of_metrics(_at(body, ("spec", "metrics")))


def _of_pod_spec(spec: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    for name in _CONTAINERS:
        for container in _items(spec.get(name)):
            yield from _of_resources(container.get("resources"))
            for variable in _items(container.get("env")):
                yield from _one(_at(variable, ("valueFrom", "resourceFieldRef")), "divisor")
    yield from _of_resources(spec.get("resources"))
    yield from _every(spec.get("overhead"))
    for volume in _items(spec.get("volumes")):
        yield from _one(volume.get("emptyDir"), "sizeLimit")
        yield from _of_resources(_at(volume, ("ephemeral", "volumeClaimTemplate", "spec", "resources")))
        for item in _items(_at(volume, ("downwardAPI", "items"))):
            yield from _one(item.get("resourceFieldRef"), "divisor")


def _of_resources(resources: Any) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(resources, dict):
        yield from _every(resources.get("limits"))
        yield from _every(resources.get("requests"))


def _of_metrics(metrics: Any) -> Iterator[tuple[dict[str, Any], str]]:
    for metric in _items(metrics):
        for source in _HPA_SOURCES:
            target = _at(metric, (source, "target"))
            yield from _one(target, "value")
            yield from _one(target, "averageValue")


def _every(quantities: Any) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(quantities, dict):
        yield from ((quantities, key) for key in quantities)


def _one(holder: Any, key: str) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(holder, dict):
        yield holder, key


def _items(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _at(node: Any, path: Sequence[str]) -> Any:
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node


def _group(body: dict[str, Any]) -> str:
    return str(body.get("apiVersion", "")).rpartition("/")[0]
