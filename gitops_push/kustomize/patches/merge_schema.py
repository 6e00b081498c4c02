"""Which lists a strategic merge patch merges, and by which keys: Kubernetes 1.21's patch strategies.

Kustomize merges lists only where its built-in schema says so, and replaces all others; a kind or an apiVersion that
Kubernetes 1.21 did not have merges no list at all. A row maps a field to the type of its value; `[key …]Type` is a list
whose items are merged by these keys, `[]` a list that is a set.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol

_META: Final = {"metadata": "ObjectMeta"}
_STATUS: Final = {"conditions": "[type]"}
_TEMPLATED: Final = {"template": "PodTemplateSpec"}

_TYPES: Final[dict[str, dict[str, str]]] = {
    "ObjectMeta": {"finalizers": "[]", "ownerReferences": "[uid]"},
    "Container": {
        "env": "[name]",
        "ports": "[containerPort protocol]",
        "volumeDevices": "[devicePath]",
        "volumeMounts": "[mountPath]",
    },
    "EphemeralContainer": {"env": "[name]", "volumeDevices": "[devicePath]", "volumeMounts": "[mountPath]"},
    "PodSpec": {
        "containers": "[name]Container",
        "ephemeralContainers": "[name]EphemeralContainer",
        "hostAliases": "[ip]",
        "imagePullSecrets": "[name]",
        "initContainers": "[name]Container",
        "topologySpreadConstraints": "[topologyKey whenUnsatisfiable]",
        "volumes": "[name]Volume",
    },
    "Volume": {"ephemeral": "EphemeralVolume"},
    "EphemeralVolume": {"volumeClaimTemplate": "Metadata"},
    "Metadata": _META,
    "PodTemplateSpec": {**_META, "spec": "PodSpec"},
    "WorkloadSpec": _TEMPLATED,
    "JobTemplateSpec": {**_META, "spec": "WorkloadSpec"},
    "CronJobSpec": {"jobTemplate": "JobTemplateSpec"},
    "ServiceSpec": {"ports": "[port protocol]"},
    "NodeSpec": {"podCIDRs": "[]"},
    "CSINodeSpec": {"drivers": "[name]"},
    "ConditionStatus": _STATUS,
    "NodeStatus": {**_STATUS, "addresses": "[type]"},
    "PodStatus": {**_STATUS, "podIPs": "[ip]"},
    "Pod": {**_META, "spec": "PodSpec", "status": "PodStatus"},
    "PodTemplate": {**_META, **_TEMPLATED},
    "Workload": {**_META, "spec": "WorkloadSpec", "status": "ConditionStatus"},
    "CronJob": {**_META, "spec": "CronJobSpec"},
    "Service": {**_META, "spec": "ServiceSpec", "status": "ConditionStatus"},
    "ServiceAccount": {**_META, "secrets": "[name]"},
    "Node": {**_META, "spec": "NodeSpec", "status": "NodeStatus"},
    "CSINode": {**_META, "spec": "CSINodeSpec"},
    "ComponentStatus": {**_META, **_STATUS},
    "Conditioned": {**_META, "status": "ConditionStatus"},
    "Webhooks": {**_META, "webhooks": "[name]"},
}

_WEBHOOKS: Final = "MutatingWebhookConfiguration=Webhooks ValidatingWebhookConfiguration=Webhooks"
_REVIEWS: Final = "LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview"

_KINDS: Final = {
    "admissionregistration.k8s.io/v1": _WEBHOOKS,
    "admissionregistration.k8s.io/v1beta1": _WEBHOOKS,
    "apiextensions.k8s.io/v1": "CustomResourceDefinition",
    "apiextensions.k8s.io/v1beta1": "CustomResourceDefinition",
    "apiregistration.k8s.io/v1": "APIService=Conditioned",
    "apiregistration.k8s.io/v1beta1": "APIService=Conditioned",
    "apps/v1": "ControllerRevision DaemonSet=Workload Deployment=Workload ReplicaSet=Workload StatefulSet=Workload",
    "authentication.k8s.io/v1": "TokenRequest TokenReview",
    "authentication.k8s.io/v1beta1": "TokenReview",
    "authorization.k8s.io/v1": _REVIEWS,
    "authorization.k8s.io/v1beta1": _REVIEWS,
    "autoscaling/v1": "HorizontalPodAutoscaler Scale",
    "autoscaling/v2beta1": "HorizontalPodAutoscaler",
    "autoscaling/v2beta2": "HorizontalPodAutoscaler",
    "batch/v1": "CronJob=CronJob Job=Workload",
    "batch/v1beta1": "CronJob=CronJob",
    "certificates.k8s.io/v1": "CertificateSigningRequest",
    "certificates.k8s.io/v1beta1": "CertificateSigningRequest",
    "coordination.k8s.io/v1": "Lease",
    "coordination.k8s.io/v1beta1": "Lease",
    "discovery.k8s.io/v1": "EndpointSlice",
    "discovery.k8s.io/v1beta1": "EndpointSlice",
    "events.k8s.io/v1": "Event",
    "events.k8s.io/v1beta1": "Event",
    "extensions/v1beta1": "Ingress",
    "flowcontrol.apiserver.k8s.io/v1beta1": "FlowSchema PriorityLevelConfiguration",
    "networking.k8s.io/v1": "Ingress IngressClass NetworkPolicy",
    "networking.k8s.io/v1beta1": "Ingress IngressClass",
    "node.k8s.io/v1": "RuntimeClass",
    "node.k8s.io/v1beta1": "RuntimeClass",
    "policy/v1": "PodDisruptionBudget=Conditioned",
    "policy/v1beta1": "Eviction PodDisruptionBudget=Conditioned PodSecurityPolicy",
    "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "rbac.authorization.k8s.io/v1beta1": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "scheduling.k8s.io/v1": "PriorityClass",
    "scheduling.k8s.io/v1beta1": "PriorityClass",
    "storage.k8s.io/v1": "CSIDriver CSINode=CSINode StorageClass VolumeAttachment",
    "storage.k8s.io/v1beta1": "CSIDriver CSINode=CSINode CSIStorageCapacity StorageClass VolumeAttachment",
    "v1": (
        "Binding ComponentStatus=ComponentStatus ConfigMap Endpoints Event LimitRange Namespace=Conditioned Node=Node "
        "PersistentVolume PersistentVolumeClaim=Conditioned Pod=Pod PodTemplate=PodTemplate ResourceQuota "
        "ReplicationController=Workload Secret Service=Service ServiceAccount=ServiceAccount"
    ),
}


class MergeSchema(Protocol):
    """How a value is merged."""

    @property
    def keys(self) -> tuple[str, ...] | None:
        """Return the merge keys of a list, () for a set, None for what is no mergeable list."""

    def field(self, name: str) -> MergeSchema | None:
        """Return the schema of a field of the mapping."""

    def items(self) -> MergeSchema | None:
        """Return the schema of the items of the list."""


@dataclass(frozen=True, slots=True)
class BuiltInSchema:
    """A row of the tables. `type` names the fields of a mapping, or of each item of a list."""

    keys: tuple[str, ...] | None
    type: str

    def field(self, name: str) -> MergeSchema | None:
        """Return the schema of a field of the mapping."""
        text = _TYPES.get(self.type, {}).get(name)
        return None if text is None else _schema(text)

    def items(self) -> MergeSchema | None:
        """Return the schema of the items of the list."""
        return BuiltInSchema(None, self.type) if self.type else None


def schema_of(api_version: str, kind: str) -> MergeSchema | None:
    """Return the schema of a kind, None if Kubernetes 1.21 did not have it."""
    name = _kinds().get((api_version, kind))
    return None if name is None else BuiltInSchema(None, name)


def definition_of(name: str) -> MergeSchema | None:
    """Return the schema of a definition of Kubernetes ("io.k8s.api.core.v1.PodSpec"), None where nothing is merged."""
    _, _, type_name = name.rpartition(".")
    return BuiltInSchema(None, type_name) if name.startswith("io.k8s.") and type_name in _TYPES else None


@cache
def _schema(text: str) -> BuiltInSchema:
    if not text.startswith("["):
        return BuiltInSchema(None, text)
    keys, _, name = text[1:].partition("]")
    return BuiltInSchema(tuple(keys.split()), name)


@cache
def _kinds() -> dict[tuple[str, str], str]:
    return {
        (api_version, kind): name or "Metadata"
        for api_version, row in _KINDS.items()
        for kind, _, name in (item.partition("=") for item in row.split())
    }
