"""Who else owns a live object, and what may be taken from whom.

The evidence is that of reference/pull-based.md 6.1 (Argo CD, Flux, Helm, kapp, ApplySet, cli-utils). A mark counts only
if we did not set it ourselves: a manifest may carry labels of the tool that its author used before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from gitops_push.core.inventory import PART_OF_LABEL, SET_ID_LABEL
from gitops_push.core.managed_fields import manager_entries, our_entry
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.suggestion import did_you_mean

PEOPLES_TOOLS: Final = ("kubectl*", "k9s", "rancher", "before-first-apply")
"""Managers behind which a person stands: what they set by hand gives way to the config repo (cluster.md 1)."""


@dataclass(frozen=True, slots=True)
class OtherOwner:
    """Something else that manages a live object, and how it lets go of it."""

    name: str
    release: str

    def __str__(self) -> str:
        """Return the reason for people."""
        return f"belongs to {self.name}; {self.release}"


def is_peoples_tool(manager: str) -> bool:
    """Return whether a person stands behind this field manager."""
    return any(fnmatchcase(manager, pattern) for pattern in PEOPLES_TOOLS)


@dataclass(frozen=True, slots=True)
class ForcedConflicts:
    """From which objects fields are taken whoever has them: all, or those named as `KIND/NAME`."""

    everything: bool = False
    objects: frozenset[str] = frozenset()

    def allow(self, ref: ObjectRef) -> bool:
        """Return whether fields of this object may be taken."""
        return self.everything or f"{ref.kind}/{ref.name}".lower() in {name.lower() for name in self.objects}

    def warnings(self, refs: Iterable[ObjectRef]) -> tuple[str, ...]:
        """Return a line for each name that none of these objects has: it would do nothing."""
        known = {f"{ref.kind}/{ref.name}" for ref in refs}
        spelled = {name.lower() for name in known}
        unknown = sorted(name for name in self.objects if name.lower() not in spelled)
        return tuple(f"--force-conflict {name}: there is no such object{did_you_mean(name, known)}" for name in unknown)


NOTHING_FORCED: Final = ForcedConflicts()


def controller_of(live: Body) -> str:
    """Return the controller that made the object ("apps/v1 ReplicaSet web-1"), or "": such an object is never ours."""
    for reference in _metadata(live).get("ownerReferences") or ():
        if reference.get("controller"):
            return f"{reference.get('apiVersion', '')} {reference.get('kind', '')} {reference.get('name', '')}".strip()
    return ""


def other_owners(live: Body, part_of_id: str) -> tuple[OtherOwner, ...]:
    """Return all others that own the live object by definite evidence; a controller comes first."""
    if not any(map(_metadata(live).get, ("labels", "annotations", "ownerReferences"))):
        return ()
    controller = controller_of(live)
    owners = [OtherOwner(f"the controller {controller}", "change what makes it, not the object")] if controller else []
    marks = _Marks.of(live)
    for evidence in _EVIDENCE:
        owners += evidence(marks)
    owners += _other_set(marks, part_of_id)
    return tuple(owners)


def being_deleted(live: Body) -> str:
    """Return since when the object is being deleted, or ""."""
    return str(_metadata(live).get("deletionTimestamp") or "")


def deletion_reason(live: Body) -> str:
    """Return since when the object is being deleted and what holds it, as `is being deleted since …`, or ""."""
    since = being_deleted(live)
    finalizers = ", ".join(str(name) for name in _metadata(live).get("finalizers") or ())
    held = f", held by {'finalizers' if ',' in finalizers else 'finalizer'} {finalizers}" if finalizers else ""
    return f"is being deleted since {since}{held}" if since else ""


@dataclass(frozen=True, slots=True)
class _Marks:
    """The labels and annotations that others put on an object, and who has fields of it."""

    body: Body
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    managers: frozenset[str]

    @classmethod
    def of(cls, live: Body) -> _Marks:
        managers = frozenset(entry.owner.manager for entry in manager_entries(live))
        labels, annotations = (_foreign(live, name) for name in ("labels", "annotations"))
        return cls(live, labels, annotations, managers)


def _foreign(live: Body, name: str) -> Mapping[str, str]:
    """Return the entries of a map without ours; the label of ApplySet membership always counts."""
    entry = our_entry(live)
    ours = entry.fields.get("f:metadata", {}).get(f"f:{name}", {}) if entry else {}
    entries = _metadata(live).get(name) or {}
    return {key: str(value) for key, value in entries.items() if key == PART_OF_LABEL or f"f:{key}" not in ours}


def _argocd(marks: _Marks) -> Iterator[OtherOwner]:
    tracking = marks.annotations.get("argocd.argoproj.io/tracking-id", "")
    application, _, target = tracking.partition(":")
    label = "argocd.argoproj.io/instance"
    if target and target == _tracked_as(marks.body):
        yield _argocd_application(application, "annotation argocd.argoproj.io/tracking-id")
    elif label in marks.labels and any(manager.startswith("argocd-") for manager in marks.managers):
        yield _argocd_application(marks.labels[label], f"label {label}")


def _argocd_application(name: str, mark: str) -> OtherOwner:
    return OtherOwner(
        f"the Argo CD application {name}",
        f"take it out of that application (or delete the application without cascading), then remove its {mark}",
    )


def _tracked_as(body: Body) -> str:
    """Return what Argo CD writes after the application's name; on a copy of an object it names the original."""
    metadata = _metadata(body)
    group = str(body.get("apiVersion", "")).rpartition("/")[0]
    return f"{group}/{body.get('kind', '')}:{metadata.get('namespace', '')}/{metadata.get('name', '')}"


def _flux(marks: _Marks) -> Iterator[OtherOwner]:
    for toolkit, kind in (("kustomize", "Kustomization"), ("helm", "HelmRelease")):
        name = marks.labels.get(f"{toolkit}.toolkit.fluxcd.io/name")
        namespace = marks.labels.get(f"{toolkit}.toolkit.fluxcd.io/namespace")
        if name and namespace:
            yield OtherOwner(
                f"the Flux {kind} {namespace}/{name}",
                f"suspend it and delete it with prune disabled: flux suspend {kind.lower()} {name} -n {namespace}",
            )


def _helm(marks: _Marks) -> Iterator[OtherOwner]:
    name = marks.annotations.get("meta.helm.sh/release-name")
    namespace = marks.annotations.get("meta.helm.sh/release-namespace")
    if name and namespace and (_metadata(marks.body).get("labels") or {}).get("app.kubernetes.io/managed-by") == "Helm":
        yield OtherOwner(
            f"the Helm release {namespace}/{name}",
            "annotate it with helm.sh/resource-policy=keep, uninstall the release, "
            "and remove its meta.helm.sh annotations",
        )


def _kapp(marks: _Marks) -> Iterator[OtherOwner]:
    if application := marks.labels.get("kapp.k14s.io/app"):
        yield OtherOwner(f"the kapp application {application}", "delete that application's record without its objects")


def _cli_utils(marks: _Marks) -> Iterator[OtherOwner]:
    if inventory := marks.annotations.get("config.k8s.io/owning-inventory"):
        yield OtherOwner(
            f"the inventory {inventory} (kpt or Config Sync)",
            "take it out there with the annotation client.lifecycle.config.k8s.io/deletion: detach",
        )


def _other_set(marks: _Marks, part_of_id: str) -> Iterator[OtherOwner]:
    found = marks.labels.get(PART_OF_LABEL)
    if found and found != part_of_id:
        yield OtherOwner(
            f"another ApplySet, {found}",
            "it may be another environment of gitops-push: kubectl get configmaps -A -l "
            f"applyset.kubernetes.io/id={found}",
        )


def _record(marks: _Marks) -> Iterator[OtherOwner]:
    """An ApplySet's own record says what it owns: overwritten (an export holds them too), all of that is nobody's."""
    if found := (_metadata(marks.body).get("labels") or {}).get(SET_ID_LABEL):
        yield OtherOwner(f"the ApplySet {found}, as its record", "take it out of the config: its tool writes it")


_EVIDENCE: Final[tuple[Callable[[_Marks], Iterator[OtherOwner]], ...]] = (
    _argocd,
    _flux,
    _helm,
    _kapp,
    _cli_utils,
    _record,
)


def _metadata(body: Body) -> Mapping[str, Any]:
    return body.get("metadata") or {}
