"""What is known of Kubernetes' own kinds without asking a server: which of them live in a namespace.

The tables hold the kinds that can be created in Kubernetes 1.37, all served versions taken together. Kinds of custom
resources are not here: a CustomResourceDefinition in the set says their scope, and otherwise the server does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from gitops_push.core.objects import Body

_NAMESPACED: Final[Mapping[str, str]] = {
    "": "Binding ConfigMap Endpoints Event LimitRange PersistentVolumeClaim Pod PodTemplate ReplicationController "
    "ResourceQuota Secret Service ServiceAccount",
    "apps": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
    "authorization.k8s.io": "LocalSubjectAccessReview",
    "autoscaling": "HorizontalPodAutoscaler",
    "batch": "CronJob Job",
    "certificates.k8s.io": "PodCertificateRequest",
    "coordination.k8s.io": "Lease LeaseCandidate",
    "discovery.k8s.io": "EndpointSlice",
    "events.k8s.io": "Event",
    "lifecycle.k8s.io": "Eviction EvictionRequest",
    "networking.k8s.io": "Ingress NetworkPolicy",
    "policy": "PodDisruptionBudget",
    "rbac.authorization.k8s.io": "Role RoleBinding",
    "resource.k8s.io": "ResourceClaim ResourceClaimTemplate",
    "scheduling.k8s.io": "CompositePodGroup PodGroup Workload",
    "storage.k8s.io": "CSIStorageCapacity",
}

_CLUSTER_SCOPED: Final[Mapping[str, str]] = {
    "": "ComponentStatus Namespace Node PersistentVolume",
    "admissionregistration.k8s.io": "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding "
    "MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding "
    "ValidatingWebhookConfiguration",
    "apiextensions.k8s.io": "CustomResourceDefinition",
    "apiregistration.k8s.io": "APIService",
    "authentication.k8s.io": "SelfSubjectReview TokenReview",
    "authorization.k8s.io": "SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
    "certificates.k8s.io": "CertificateSigningRequest ClusterTrustBundle",
    "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
    "internal.apiserver.k8s.io": "StorageVersion",
    "networking.k8s.io": "IPAddress IngressClass ServiceCIDR",
    "node.k8s.io": "RuntimeClass",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding",
    "resource.k8s.io": "DeviceClass DeviceTaintRule ResourcePoolStatusRequest ResourceSlice",
    "scheduling.k8s.io": "PriorityClass",
    "storage.k8s.io": "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass",
    "storagemigration.k8s.io": "StorageVersionMigration",
}

KEPT_KINDS: Final = frozenset(
    {
        ("", "Namespace"),
        ("", "PersistentVolume"),
        ("", "PersistentVolumeClaim"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
    }
)
"""Kinds whose deletion takes data with it: pruned only if `prune.kinds` names them, and never recreated."""


def _spread(table: Mapping[str, str], namespaced: bool) -> dict[tuple[str, str], bool]:
    return {(group, kind): namespaced for group, kinds in table.items() for kind in kinds.split()}


BUILT_IN: Final[Mapping[tuple[str, str], bool]] = _spread(_NAMESPACED, True) | _spread(_CLUSTER_SCOPED, False)
"""(group, kind) -> whether its objects live in a namespace."""


def split_api_version(api_version: str) -> tuple[str, str]:
    """Return (group, version): ("apps", "v1") of "apps/v1", ("", "v1") of "v1"."""
    group, _, version = api_version.rpartition("/")
    return group, version


def defined_kind(body: Body) -> tuple[str, str]:
    """Return the (group, kind) that a CustomResourceDefinition defines, ("", "") for what is none."""
    if body.get("kind") != "CustomResourceDefinition":
        return "", ""
    spec = body.get("spec")
    names = spec.get("names") if isinstance(spec, Mapping) else None
    kind = names.get("kind") if isinstance(names, Mapping) else ""
    return (str(spec.get("group", "")), str(kind)) if isinstance(spec, Mapping) else ("", "")


def scopes_of(bodies: Iterable[Body]) -> Mapping[tuple[str, str], bool]:
    """Return the scopes that are known offline: Kubernetes' own kinds, and those whose definition is among `bodies`.

    Bodies that are no readable CustomResourceDefinition are passed over. A definition never changes the scope of one
    of Kubernetes' own kinds.
    """
    defined = {}
    for body in bodies:
        if body.get("kind") == "CustomResourceDefinition":
            defined.update(_defined_scope(body.get("spec")))
    return {**defined, **BUILT_IN}


def _defined_scope(spec: object) -> dict[tuple[str, str], bool]:
    names = spec.get("names") if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or not isinstance(names, dict):
        return {}
    match spec.get("group"), names.get("kind"), spec.get("scope"):
        case str(group), str(kind), ("Namespaced" | "Cluster") as scope:
            return {(group, kind): scope == "Namespaced"}
        case _:
            return {}
