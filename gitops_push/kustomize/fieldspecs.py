r"""Which fields of which kinds the built-in transformers touch: kustomize's default configuration, as tables.

A path is written `spec/template/metadata/labels`; lists on the way are entered item by item. A name with `[]` stops the
creation of what is missing. `\/` is a slash within a name. Source: kustomize's builtinpluginconsts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

from gitops_push.core.origin import Origin
from gitops_push.kustomize.errors import invalid


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A field of some kinds; "" for group, version or kind means any. `create` makes the field where it is missing."""

    path: str
    create: bool = False
    group: str = ""
    version: str = ""
    kind: str = ""

    def selects(self, group: str, version: str, kind: str) -> bool:
        """Return whether the spec is for this kind."""
        return self.kind in {"", kind} and self.group in {"", group} and self.version in {"", version}


FieldSpecs: TypeAlias = tuple[FieldSpec, ...]


@cache
def split_path(path: str) -> tuple[str, ...]:
    """Return the names of a path, with escaped slashes resolved."""
    parts = path.replace("\\/", "\0").split("/")
    return tuple(part.replace("\0", "/") for part in parts)


def merge_fieldspecs(base: Iterable[FieldSpec], added: Iterable[FieldSpec], origin: Origin) -> tuple[FieldSpec, ...]:
    """Return `base` and those of `added` that it lacks. Raises when the same field is to be created and not."""
    merged = list(base)
    for spec in added:
        same = next((other for other in merged if _covers(other, spec)), None)
        if same is None:
            merged.append(spec)
        elif same.create != spec.create:
            raise invalid(
                f"conflicting fieldspecs: {spec.path} with create: {_yes(spec.create)}, "
                f"but built in with create: {_yes(same.create)}",
                origin,
            )
    return tuple(merged)


def _covers(spec: FieldSpec, other: FieldSpec) -> bool:
    return spec.path == other.path and FieldSpec("", group=other.group, version=other.version, kind=other.kind).selects(
        spec.group, spec.version, spec.kind
    )


def _yes(value: bool) -> str:
    return "true" if value else "false"


def _specs(*rows: tuple[str, bool, str]) -> tuple[FieldSpec, ...]:
    """Read rows of (path, create, "group/version/Kind Kind …"); an empty group or version is any."""
    specs = []
    for path, create, kinds in rows:
        for kind in kinds.split() or [""]:
            *api, name = kind.split("|")
            group = api[0] if api else ""
            version = api[1] if len(api) > 1 else ""
            specs.append(FieldSpec(path, create, group, version, name))
    return tuple(specs)


_AFFINITY: Final = "spec/template/spec/affinity"
_PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels"
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels"
_SPREAD_KINDS: Final = "apps|Deployment apps|StatefulSet"

NAMES: Final = _specs(("metadata/name", False, ""))
"""What `namePrefix` and `nameSuffix` change."""

VOLUME_CLAIM_TEMPLATE_LABELS: Final = _specs(("spec/volumeClaimTemplates[]/metadata/labels", True, "apps|StatefulSet"))

TEMPLATE_LABELS: Final = _specs(
    ("metadata/labels", True, ""),
    (
        "spec/template/metadata/labels",
        True,
        "|v1|ReplicationController Deployment ReplicaSet DaemonSet apps|StatefulSet batch|Job",
    ),
    ("spec/jobTemplate/metadata/labels", True, "batch|CronJob"),
    ("spec/jobTemplate/spec/template/metadata/labels", True, "batch|CronJob"),
)
"""Labels of objects and of the templates in them."""

COMMON_LABELS: Final = (
    *_specs(
        ("spec/selector", True, "|v1|Service |v1|ReplicationController"),
        ("spec/selector/matchLabels", True, "Deployment ReplicaSet DaemonSet apps|StatefulSet"),
        (f"{_AFFINITY}/podAffinity/{_PREFERRED}", False, _SPREAD_KINDS),
        (f"{_AFFINITY}/podAffinity/{_REQUIRED}", False, _SPREAD_KINDS),
        (f"{_AFFINITY}/podAntiAffinity/{_PREFERRED}", False, _SPREAD_KINDS),
        (f"{_AFFINITY}/podAntiAffinity/{_REQUIRED}", False, _SPREAD_KINDS),
        ("spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels", False, _SPREAD_KINDS),
        ("spec/selector/matchLabels", False, "batch|Job policy|PodDisruptionBudget"),
        ("spec/jobTemplate/spec/selector/matchLabels", False, "batch|CronJob"),
        ("spec/podSelector/matchLabels", False, "networking.k8s.io|NetworkPolicy"),
        ("spec/ingress/from/podSelector/matchLabels", False, "networking.k8s.io|NetworkPolicy"),
        ("spec/egress/to/podSelector/matchLabels", False, "networking.k8s.io|NetworkPolicy"),
    ),
    *TEMPLATE_LABELS,
    *VOLUME_CLAIM_TEMPLATE_LABELS,
)
"""Labels and the selectors that must agree with them."""

METADATA_LABELS: Final = _specs(("metadata/labels", True, ""))

COMMON_ANNOTATIONS: Final = _specs(
    ("metadata/annotations", True, ""),
    (
        "spec/template/metadata/annotations",
        True,
        "|v1|ReplicationController Deployment ReplicaSet DaemonSet StatefulSet batch|Job",
    ),
    ("spec/jobTemplate/metadata/annotations", True, "batch|CronJob"),
    ("spec/jobTemplate/spec/template/metadata/annotations", True, "batch|CronJob"),
)

NAMESPACES: Final = _specs(
    ("metadata/name", True, "Namespace"),
    ("spec/service/namespace", True, "apiregistration.k8s.io|APIService"),
    (
        "spec/conversion/webhook/clientConfig/service/namespace",
        False,
        "apiextensions.k8s.io|CustomResourceDefinition",
    ),
)
"""Besides metadata.namespace."""

IMAGES: Final = _specs(
    ("spec/containers[]/image", True, ""),
    ("spec/initContainers[]/image", True, ""),
    ("spec/volumes[]/image/reference", True, ""),
    ("spec/template/spec/containers[]/image", True, ""),
    ("spec/template/spec/initContainers[]/image", True, ""),
    ("spec/template/spec/volumes[]/image/reference", True, ""),
)

REPLICAS: Final = _specs(("spec/replicas", True, "Deployment ReplicationController ReplicaSet StatefulSet"))
