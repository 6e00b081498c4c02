"""Which object an autoscaler scales: HorizontalPodAutoscalers (any version), and ScaledObjects of KEDA.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/ and
https://keda.sh/docs/latest/reference/scaledobject-spec/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gitops_push.core.fieldpath import FieldPath
from gitops_push.core.kinds import split_api_version
from gitops_push.core.objects import Body, ObjectRef

REPLICAS: Final[FieldPath] = ("spec", "replicas")
AUTOSCALERS: Final = (("autoscaling", "HorizontalPodAutoscaler"), ("keda.sh", "ScaledObject"))

_KEDA_DEFAULTS: Final = {"apiVersion": "apps/v1", "kind": "Deployment"}


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """What scales an object. Without `to_zero` it never scales to 0, and leaves an object alone that others did."""

    kind: str
    name: str
    to_zero: bool = False

    def __str__(self) -> str:
        """Return `HorizontalPodAutoscaler web`."""
        return f"{self.kind} {self.name}"


def scaled_by(bodies: Iterable[Body]) -> dict[ObjectRef, Autoscaler]:
    """Return the objects that the autoscalers among these bodies scale; of several on one object the first counts."""
    found: dict[ObjectRef, Autoscaler] = {}
    for body in bodies:
        ref = _scaled(body)
        if ref is not None:
            to_zero = body["kind"] == "ScaledObject" or body["spec"].get("minReplicas") == 0
            found.setdefault(ref, Autoscaler(str(body["kind"]), str(body["metadata"]["name"]), to_zero))
    return found


def replicas_of(body: Body) -> int | None:
    """Return `spec.replicas`, or None for an object without that number."""
    spec = body.get("spec")
    count = spec.get("replicas") if isinstance(spec, Mapping) else None
    return count if isinstance(count, int) and not isinstance(count, bool) else None


def _scaled(body: Body) -> ObjectRef | None:
    group, _ = split_api_version(str(body.get("apiVersion", "")))
    spec = body.get("spec")
    target = spec.get("scaleTargetRef") if isinstance(spec, Mapping) else None
    if (group, body.get("kind")) not in AUTOSCALERS or not isinstance(target, Mapping):
        return None
    said = {**_KEDA_DEFAULTS, **target} if group == "keda.sh" else target
    scaled_group, _ = split_api_version(str(said.get("apiVersion", "")))
    namespace = str(body["metadata"].get("namespace", ""))
    return ObjectRef(scaled_group, str(said.get("kind", "")), namespace, str(said.get("name", "")))
