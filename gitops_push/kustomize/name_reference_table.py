"""Which fields hold the names of which kinds: kustomize's default nameReference configuration, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gitops_push.kustomize.fieldspecs import FieldSpec

_TEMPLATE: Final = "spec/template/spec"
_JOB_TEMPLATE: Final = "spec/jobTemplate/spec/template/spec"
_POD_SPECS: Final = (
    (FieldSpec("spec", kind="Pod"), "v1"),
    (FieldSpec("template/spec", kind="PodTemplate"), ""),
    *(
        (FieldSpec(_TEMPLATE, kind=kind), "")
        for kind in ("Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "Job")
    ),
    (FieldSpec(_JOB_TEMPLATE, kind="CronJob"), ""),
)
_CONTAINERS: Final = ("containers", "initContainers")
_CONFIG_MAP_FIELDS: Final = (
    "volumes/configMap/name",
    *(f"{containers}/env/valueFrom/configMapKeyRef/name" for containers in _CONTAINERS),
    *(f"{containers}/envFrom/configMapRef/name" for containers in _CONTAINERS),
    "volumes/projected/sources/configMap/name",
)
_SECRET_FIELDS: Final = (
    "volumes/secret/secretName",
    *(f"{containers}/env/valueFrom/secretKeyRef/name" for containers in _CONTAINERS),
    *(f"{containers}/envFrom/secretRef/name" for containers in _CONTAINERS),
    "imagePullSecrets/name",
    "volumes/projected/sources/secret/name",
)
_RBAC: Final = "rbac.authorization.k8s.io"
_ADMISSION: Final = "admissionregistration.k8s.io"


@dataclass(frozen=True, slots=True)
class ReferenceRule:
    """Objects of one kind (group and version "" for any), and the fields of others that hold their names."""

    kind: str
    fields: tuple[FieldSpec, ...]
    group: str = ""
    version: str = ""


def _in_pods(fields: tuple[str, ...]) -> tuple[FieldSpec, ...]:
    return tuple(
        FieldSpec(f"{spec.path}/{field}", kind=spec.kind, version=version)
        for spec, version in _POD_SPECS
        for field in fields
    )


def _in_workloads(field: str) -> tuple[FieldSpec, ...]:
    """Return a field of the pod specs that kustomize lists for it; ReplicaSet and PodTemplate are not there."""
    templated = ("StatefulSet", "Deployment", "ReplicationController", "Job", "DaemonSet")
    return (
        FieldSpec(f"spec/{field}", kind="Pod"),
        *(FieldSpec(f"{_TEMPLATE}/{field}", kind=kind) for kind in templated),
        FieldSpec(f"{_JOB_TEMPLATE}/{field}", kind="CronJob"),
    )


def _at(kind: str, *paths: str, group: str = "", version: str = "") -> tuple[FieldSpec, ...]:
    return tuple(FieldSpec(path, group=group, version=version, kind=kind) for path in paths)


_SCALED: Final = _at("HorizontalPodAutoscaler", "spec/scaleTargetRef/name")
_RULES: Final = "rules/resourceNames"

REFERENCE_RULES: Final = (
    ReferenceRule(
        "StorageClass",
        (
            *_at("PersistentVolume", "spec/storageClassName"),
            *_at("PersistentVolumeClaim", "spec/storageClassName"),
            *_at("StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName"),
        ),
        group="storage.k8s.io",
        version="v1",
    ),
    ReferenceRule(
        "ServiceAccount",
        (
            *_at("RoleBinding", "subjects", group=_RBAC),
            *_at("ClusterRoleBinding", "subjects", group=_RBAC),
            *_in_workloads("serviceAccountName"),
        ),
        version="v1",
    ),
    ReferenceRule("Role", _at("RoleBinding", "roleRef/name", group=_RBAC), group=_RBAC),
    ReferenceRule(
        "ClusterRole",
        (*_at("RoleBinding", "roleRef/name", group=_RBAC), *_at("ClusterRoleBinding", "roleRef/name", group=_RBAC)),
        group=_RBAC,
    ),
    ReferenceRule(
        "ConfigMap",
        (
            *_in_pods(_CONFIG_MAP_FIELDS),
            *_at("Node", "spec/configSource/configMap"),
            *_at("Role", _RULES),
            *_at("ClusterRole", _RULES),
            *_at("Ingress", r"metadata/annotations/nginx.ingress.kubernetes.io\/fastcgi-params-configmap"),
        ),
        version="v1",
    ),
    ReferenceRule(
        "Secret",
        (
            *_in_pods(_SECRET_FIELDS),
            *_at(
                "Ingress",
                "spec/tls/secretName",
                r"metadata/annotations/ingress.kubernetes.io\/auth-secret",
                r"metadata/annotations/nginx.ingress.kubernetes.io\/auth-secret",
                r"metadata/annotations/nginx.ingress.kubernetes.io\/auth-tls-secret",
                "spec/tls/secretName",
            ),
            *_at("ServiceAccount", "imagePullSecrets/name"),
            *_at(
                "StorageClass",
                "parameters/secretName",
                "parameters/adminSecretName",
                "parameters/userSecretName",
                "parameters/secretRef",
            ),
            *_at("Role", _RULES),
            *_at("ClusterRole", _RULES),
            *_at(
                "Service",
                f"{_TEMPLATE}/containers/env/valueFrom/secretKeyRef/name",
                group="serving.knative.dev",
                version="v1",
            ),
            *_at("PersistentVolume", "spec/azureFile/secretName"),
        ),
        version="v1",
    ),
    ReferenceRule(
        "Service",
        (
            *_at("StatefulSet", "spec/serviceName", group="apps"),
            *_at(
                "Ingress",
                "spec/rules/http/paths/backend/serviceName",
                "spec/backend/serviceName",
                "spec/rules/http/paths/backend/service/name",
                "spec/defaultBackend/service/name",
            ),
            *_at("APIService", "spec/service/name", group="apiregistration.k8s.io"),
            *_at("ValidatingWebhookConfiguration", "webhooks/clientConfig/service", group=_ADMISSION),
            *_at("MutatingWebhookConfiguration", "webhooks/clientConfig/service", group=_ADMISSION),
        ),
        version="v1",
    ),
    ReferenceRule("PriorityClass", _in_workloads("priorityClassName"), group="scheduling.k8s.io", version="v1"),
    ReferenceRule(
        "PersistentVolume",
        (*_at("PersistentVolumeClaim", "spec/volumeName"), *_at("ClusterRole", _RULES)),
        version="v1",
    ),
    ReferenceRule("PersistentVolumeClaim", _in_workloads("volumes/persistentVolumeClaim/claimName"), version="v1"),
    ReferenceRule("Deployment", _SCALED),
    ReferenceRule("StatefulSet", _SCALED),
    ReferenceRule(
        "ValidatingAdmissionPolicy",
        _at("ValidatingAdmissionPolicyBinding", "spec/policyName", group=_ADMISSION),
        group=_ADMISSION,
    ),
    ReferenceRule("ReplicaSet", _SCALED),
    ReferenceRule("ReplicationController", _SCALED),
)
"""In the order in which they are applied. Upstream's rule for IngressClass names a group that never matches."""
