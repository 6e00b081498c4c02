"""The order of the output: kustomize's legacy order, or the order in which things were read."""

from __future__ import annotations

from typing import Final

from gitops_push.kustomize.kustomization import SortOptions
from gitops_push.kustomize.resource import Resource, shown_kind, split_api_version

_FIRST: Final = (
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
)
_LAST: Final = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


_RANKS: Final = {
    **{kind: index - len(_FIRST) for index, kind in enumerate(_FIRST)},
    **{kind: index + 1 for index, kind in enumerate(_LAST)},
}


def kind_rank(kind: str) -> int:
    """Return the place of a kind in kustomize's own order: negative for what comes first, positive for what is last."""
    return _RANKS.get(kind, 0)


def in_legacy_order(resources: list[Resource], options: SortOptions | None = None) -> list[Resource]:
    """Return the objects by kind, then by group, version and kind, then by namespace and name, as texts."""
    first = options.first if options and options.first is not None else _FIRST
    last = options.last if options and options.last is not None else _LAST
    ranks = {kind: index - len(first) for index, kind in enumerate(first)}
    ranks.update({kind: index + 1 for index, kind in enumerate(last)})
    return sorted(resources, key=lambda resource: _key(resource, ranks))


def _key(resource: Resource, ranks: dict[str, int]) -> tuple[int, str, str]:
    kind = resource.kind
    group, version = split_api_version(resource.api_version)
    kinds = f"{group or '~G'}_{version or '~V'}_{kind or '~K'}"
    if kind == "Namespace" and not group and ranks.get(kind):
        kinds = ""  # the core Namespace comes before those of other groups, all other core kinds come after
    return (
        ranks.get(kind, 0),
        kinds,
        f"{shown_kind(group, version, kind)}|{resource.namespace or '~X'}|{resource.name or '~N'}",
    )
