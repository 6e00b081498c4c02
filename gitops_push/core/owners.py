"""Who else owns a live object, and how it is taken over from them.

The evidence is that of reference/pull-based.md 6.1, in its order. Definite evidence decides; weak evidence (a label
that charts write too, a field manager) decides only where several signs of one tool meet, and is told with the rest. A
mark counts only if we did not set it ourselves: a manifest may carry labels of the tool that its author used before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from shlex import quote
from typing import Any, Final

from gitops_push.core.fieldpath import FieldPath, format_field_path
from gitops_push.core.hooks import TRACKING_ID
from gitops_push.core.inventory import PART_OF_LABEL, SET_ID_LABEL
from gitops_push.core.managed_fields import manager_entries, our_entry
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.takeovers import is_owner

_INSTANCE: Final = "app.kubernetes.io/instance"
_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
_ARGOCD_INSTANCE: Final = "argocd.argoproj.io/instance"


@dataclass(frozen=True, slots=True)
class OtherOwner:
    """Something else that manages a live object.

    `evidence` are the marks it is known by; `release` says how it lets go of the object itself. `takeover` is how
    `--takeover` names it, "" for what nobody takes over. Then `managers` are its field managers (globs), `keys` the
    labels and annotations by which it finds the object again, `operator` what puts the object back as long as it is
    active (its namespace "" where the object does not tell), and `after` what is left to do for people.
    """

    name: str
    release: str
    evidence: tuple[str, ...] = ()
    takeover: str = ""
    managers: tuple[str, ...] = ()
    keys: tuple[FieldPath, ...] = ()
    operator: ObjectRef | None = None
    after: str = ""

    def __str__(self) -> str:
        """Return whose the object is, and how that owner lets go."""
        return f"belongs to {self.name}; {self.release}"

    @property
    def reason(self) -> str:
        """Return the same with the evidence, and with the flag that takes it over."""
        marks = f" ({', '.join(self.evidence)})" if self.evidence else ""
        flag = f"take it over with --takeover {self.takeover}, or " if self.takeover else ""
        return f"belongs to {self.name}{marks}; {flag}{self.release}"


def controller_of(live: Body) -> str:
    """Return the controller that made the object ("apps/v1 ReplicaSet web-1"), or "": such an object is never ours."""
    for reference in _metadata(live).get("ownerReferences") or ():
        if reference.get("controller"):
            return f"{reference.get('apiVersion', '')} {reference.get('kind', '')} {reference.get('name', '')}".strip()
    return ""


def other_owners(live: Body, set_ids: frozenset[str]) -> tuple[OtherOwner, ...]:
    """Return all others that own the live object by definite evidence; a controller comes first.

    `set_ids` are the values of the label of membership that mean ourselves.
    """
    if not any(map(_metadata(live).get, ("labels", "annotations", "ownerReferences"))):
        return ()
    controller = controller_of(live)
    owners = [OtherOwner(f"the controller {controller}", "change what makes it, not the object")] if controller else []
    marks = _Marks.of(live, set_ids)
    for evidence in _EVIDENCE:
        owners += evidence(marks)
    # What others wrote into marks may be no name at all: then nothing can name it.
    return tuple(owner if is_owner(owner.takeover) else replace(owner, takeover="") for owner in owners)


def operator_of(owner: OtherOwner, named: str) -> ObjectRef | None:
    """Return what is active on the owner's objects; its namespace may stand only in how the user `named` the owner."""
    operator, (place, slash, _) = owner.operator, named.partition(":")[2].rpartition("/")
    return replace(operator, namespace=place) if operator and slash and not operator.namespace else operator


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
    set_ids: frozenset[str]

    @classmethod
    def of(cls, live: Body, set_ids: frozenset[str]) -> _Marks:
        entry = our_entry(live)
        ours = entry.fields.get("f:metadata", {}) if entry else {}
        labels, annotations = (_foreign(live, name, ours.get(f"f:{name}", {})) for name in ("labels", "annotations"))
        return cls(live, labels, annotations, set_ids)

    @property
    def managers(self) -> tuple[str, ...]:
        """Return the field managers of the object, each once; only looked for where other marks are."""
        return tuple(dict.fromkeys(entry.owner.manager for entry in manager_entries(self.body)))

    def label(self, *names: str) -> tuple[FieldPath, ...]:
        """Return the paths of those of these labels that others set."""
        return tuple(("metadata", "labels", name) for name in names if name in self.labels)

    def annotation(self, *names: str) -> tuple[FieldPath, ...]:
        """Return the paths of those of these annotations that others set."""
        return tuple(("metadata", "annotations", name) for name in names if name in self.annotations)

    def signs(self, keys: Iterable[FieldPath], managers: Iterable[str]) -> tuple[str, ...]:
        """Return these marks as people read them, with the field managers among these globs."""
        found = (name for name in self.managers if any(fnmatchcase(name, glob) for glob in managers))
        return (*map(format_field_path, keys), *(f"field manager {name}" for name in found))


def _foreign(live: Body, name: str, ours: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the entries of a map without ours; the label of ApplySet membership always counts."""
    entries = _metadata(live).get(name) or {}
    return {key: str(value) for key, value in entries.items() if key == PART_OF_LABEL or f"f:{key}" not in ours}


_ARGOCD_MANAGERS: Final = ("argocd-controller", "argocd-application-controller")


def _argocd(marks: _Marks) -> Iterator[OtherOwner]:
    application, _, target = marks.annotations.get(TRACKING_ID, "").partition(":")
    labels = marks.label(_ARGOCD_INSTANCE, _INSTANCE)
    if target and target == _tracked_as(marks.body):
        # An application outside of Argo CD's own namespace is written NAMESPACE_NAME; no such name holds a "_".
        namespace, _, name = application.rpartition("_")
    elif labels and any(manager in _ARGOCD_MANAGERS for manager in marks.managers):
        namespace, name = "", marks.labels[str(labels[0][-1])]
    else:
        return
    keys = (
        *marks.annotation(TRACKING_ID, "argocd.argoproj.io/installation-id"),
        *(path for path in labels if path[-1] == _ARGOCD_INSTANCE or marks.labels[_INSTANCE] == name),
    )
    finalizers = [f for f in _metadata(marks.body).get("finalizers") or () if str(f).startswith("argocd.argoproj.io/")]
    where = f"{namespace}/{name}" if namespace else name
    yield OtherOwner(
        f"the Argo CD application {where}",
        "take it out of that application (or delete the application without cascading) and remove these marks",
        (*marks.signs(keys, _ARGOCD_MANAGERS), *(f"finalizer {finalizer}" for finalizer in finalizers)),
        f"argocd:{where}",
        _ARGOCD_MANAGERS,
        keys,
        ObjectRef("argoproj.io", "Application", namespace, name),
    )


def _tracked_as(body: Body) -> str:
    """Return what Argo CD writes after the application's name; on a copy of an object it names the original."""
    metadata = _metadata(body)
    group = str(body.get("apiVersion", "")).rpartition("/")[0]
    return f"{group}/{body.get('kind', '')}:{metadata.get('namespace', '')}/{metadata.get('name', '')}"


_FLUX: Final = (
    ("kustomize", "Kustomization", ("kustomize-controller",)),
    ("helm", "HelmRelease", ("helm-controller",)),
)


def _flux(marks: _Marks) -> Iterator[OtherOwner]:
    for toolkit, kind, managers in _FLUX:
        group = f"{toolkit}.toolkit.fluxcd.io"
        keys = marks.label(f"{group}/name", f"{group}/namespace")
        if len(keys) < 2:
            continue
        name, namespace = marks.labels[f"{group}/name"], marks.labels[f"{group}/namespace"]
        yield OtherOwner(
            f"the Flux {kind} {namespace}/{name}",
            f"suspend it and delete it with prune disabled: flux suspend {kind.lower()} "
            f"{quote(name)} -n {quote(namespace)}",
            marks.signs(keys, managers),
            f"flux:{kind.lower()}/{namespace}/{name}",
            managers,
            keys,
            ObjectRef(group, kind, namespace, name),
        )


def _helm(marks: _Marks) -> Iterator[OtherOwner]:
    keys = marks.annotation("meta.helm.sh/release-name", "meta.helm.sh/release-namespace")
    if len(keys) < 2 or (_metadata(marks.body).get("labels") or {}).get(_MANAGED_BY) != "Helm":
        return
    name = marks.annotations["meta.helm.sh/release-name"]
    namespace = marks.annotations["meta.helm.sh/release-namespace"]
    yield OtherOwner(
        f"the Helm release {namespace}/{name}",
        "uninstall the release with `helm.sh/resource-policy: keep` in its chart, and remove these annotations",
        marks.signs((*keys, *marks.label(_MANAGED_BY)), ("helm",)),
        f"helm:{namespace}/{name}",
        ("helm",),
        (*keys, *marks.label(_MANAGED_BY)),
        after=f"helm uninstall {quote(name)} still deletes all that the release holds, whatever the objects say. When "
        "nothing of it is needed by Helm any more, delete its record: "
        f"kubectl -n {quote(namespace)} delete secret -l {quote(f'owner=helm,name={name}')}",
    )


def _kapp(marks: _Marks) -> Iterator[OtherOwner]:
    if application := marks.labels.get("kapp.k14s.io/app"):
        names = [name for name in sorted(marks.annotations) if name.startswith("kapp.k14s.io/")]
        keys = (*marks.label("kapp.k14s.io/app", "kapp.k14s.io/association"), *marks.annotation(*names))
        yield OtherOwner(
            f"the kapp application {application}",
            "delete that application's record without its objects",
            marks.signs(keys, ("kapp*",)),
            f"kapp:{application}",
            ("kapp*",),
            keys,
        )


def _cli_utils(marks: _Marks) -> Iterator[OtherOwner]:
    managers = ("kpt", "configsync")
    if inventory := marks.annotations.get("config.k8s.io/owning-inventory"):
        keys = marks.annotation("config.k8s.io/owning-inventory")
        yield OtherOwner(
            f"the inventory {inventory} (kpt or Config Sync)",
            "take it out there with the annotation client.lifecycle.config.k8s.io/deletion: detach",
            marks.signs(keys, managers),
            f"cli-utils:{inventory}",
            managers,
            keys,
        )


def _other_set(marks: _Marks) -> Iterator[OtherOwner]:
    found = marks.labels.get(PART_OF_LABEL)
    if found and found not in marks.set_ids:
        yield OtherOwner(
            f"another ApplySet, {found}",
            "look whose it is, maybe another environment's of gitops-push: kubectl get configmaps,secrets -A -l "
            f"{SET_ID_LABEL}={found}",
            marks.signs(marks.label(PART_OF_LABEL), ()),
            f"applyset:{found}",
            # The label itself is written anew by the apply that follows.
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
    _other_set,
    _cli_utils,
    _record,
)


def _metadata(body: Body) -> Mapping[str, Any]:
    return body.get("metadata") or {}
