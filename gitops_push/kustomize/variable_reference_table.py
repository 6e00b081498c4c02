"""Which fields may hold `$(VAR)`: kustomize's default `varReference` (builtinpluginconsts)."""

from __future__ import annotations

from typing import Final

from gitops_push.kustomize.fieldspecs import FieldSpec

_POD_SPECS: Final = {
    "CronJob": "spec/jobTemplate/spec/template/spec",
    "DaemonSet": "spec/template/spec",
    "Deployment": "spec/template/spec",
    "Job": "spec/template/spec",
    "Pod": "spec",
    "ReplicaSet": "spec/template/spec",
    "StatefulSet": "spec/template/spec",
}
_OF_CONTAINERS: Final = ("args", "command", "env/value", "volumeMounts/mountPath")
_OTHERS: Final = (
    ("CronJob", "spec/jobTemplate/spec/template/volumes/nfs/server"),  # as kustomize has it, without a `spec`
    ("DaemonSet", "spec/template/spec/volumes/nfs/server"),
    ("Deployment", "spec/template/spec/volumes/nfs/server"),
    ("Deployment", "spec/template/metadata/annotations"),
    ("Ingress", "spec/rules/host"),
    ("Ingress", "spec/tls/hosts"),
    ("Ingress", "spec/tls/secretName"),
    ("Job", "spec/template/spec/volumes/nfs/server"),
    ("Pod", "spec/volumes/nfs/server"),
    ("ReplicaSet", "spec/template/spec/volumes/nfs/server"),
    ("Service", "spec/ports/port"),
    ("Service", "spec/ports/targetPort"),
    ("StatefulSet", "spec/volumeClaimTemplates/spec/nfs/server"),
    ("PersistentVolume", "spec/nfs/server"),
    ("", "metadata/labels"),
    ("", "metadata/annotations"),
)

VARIABLE_REFERENCES: Final = (
    *(
        FieldSpec(f"{pod}/{containers}/{path}", kind=kind)
        for kind, pod in _POD_SPECS.items()
        for containers in ("containers", "initContainers")
        for path in _OF_CONTAINERS
    ),
    *(FieldSpec(path, kind=kind) for kind, path in _OTHERS),
)
