"""What the annotations of Argo CD and Helm make of an object: a hook of some phases, a part of a wave, or neither.

The rules are Argo CD's (gitops-engine `pkg/sync/hook`, `syncwaves`, `ignore`), Helm's hooks as Argo CD maps them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Any, Final, TypeVar

from gitops_push.core.kinds import KEPT_KINDS
from gitops_push.core.objects import Body, Manifest

HOOK: Final = "argocd.argoproj.io/hook"
HELM_HOOK: Final = "helm.sh/hook"
WAVE: Final = "argocd.argoproj.io/sync-wave"
HELM_WEIGHT: Final = "helm.sh/hook-weight"
DELETE_POLICY: Final = "argocd.argoproj.io/hook-delete-policy"
HELM_DELETE_POLICY: Final = "helm.sh/hook-delete-policy"
SYNC_OPTIONS: Final = "argocd.argoproj.io/sync-options"

TRACKING_ID: Final = "argocd.argoproj.io/tracking-id"
"""By which Argo CD knows its objects; one of ours that carried it would be pruned by Argo CD."""

ATTEMPT: Final = "gitops-push.dev/hook-attempt"
"""On each hook object that we create: for which deployment, and in which phase of it."""

T = TypeVar("T")


class Phase(IntEnum):
    """When in a deployment, or in the deletion of an environment, in this order."""

    PRE_SYNC = -1
    SYNC = 0
    POST_SYNC = 1
    SYNC_FAIL = 2
    PRE_DELETE = 3
    POST_DELETE = 4

    @property
    def title(self) -> str:
        """Return the name as the annotation spells it."""
        return _TITLES[self]


_TITLES: Final = {
    Phase.PRE_SYNC: "PreSync",
    Phase.SYNC: "Sync",
    Phase.POST_SYNC: "PostSync",
    Phase.SYNC_FAIL: "SyncFail",
    Phase.PRE_DELETE: "PreDelete",
    Phase.POST_DELETE: "PostDelete",
}
_PHASES: Final = {title: phase for phase, title in _TITLES.items()}
_SKIP: Final = "Skip"

IN_ORDER: Final = (Phase.PRE_SYNC, Phase.SYNC, Phase.POST_SYNC)
"""The phases of a deployment that goes well."""

AT_DEPLOYMENT: Final = frozenset({*IN_ORDER, Phase.SYNC_FAIL})
AT_DELETION: Final = frozenset({Phase.PRE_DELETE, Phase.POST_DELETE})

_HELM_PHASES: Final = {
    "pre-install": Phase.PRE_SYNC,
    "pre-upgrade": Phase.PRE_SYNC,
    "post-install": Phase.POST_SYNC,
    "post-upgrade": Phase.POST_SYNC,
    "pre-delete": Phase.PRE_DELETE,
    "post-delete": Phase.POST_DELETE,
}
_HELM_CRD: Final = "crd-install"
_HELM_DROPPED: Final = frozenset({"pre-rollback", "post-rollback", "test", "test-success", "test-failure"})
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,9}", re.ASCII)


class DeletePolicy(StrEnum):
    """When the object of a hook is deleted."""

    BEFORE_CREATION = "BeforeHookCreation"
    SUCCEEDED = "HookSucceeded"
    FAILED = "HookFailed"


_HELM_POLICIES: Final = {
    "before-hook-creation": DeletePolicy.BEFORE_CREATION,
    "hook-succeeded": DeletePolicy.SUCCEEDED,
    "hook-failed": DeletePolicy.FAILED,
}
_POLICIES: Final = {policy.value: policy for policy in DeletePolicy}
_DEFAULT_POLICY: Final = frozenset({DeletePolicy.BEFORE_CREATION})


class HookRuns(StrEnum):
    """Which deployments run hooks: those that change something, all, or none."""

    CHANGED = "changed"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Remark:
    """What people should hear of an annotation."""

    annotation: str
    text: str


@dataclass(frozen=True, slots=True)
class Role:
    """What an object is in a deployment.

    A hook has `hooked` phases; other objects have the one `phase` in which they are applied. `left_out` says why it is
    neither.
    """

    phase: Phase = Phase.SYNC
    wave: int = 0
    hooked: tuple[Phase, ...] = ()
    policies: frozenset[DeletePolicy] = _DEFAULT_POLICY
    left_out: str = ""
    remarks: tuple[Remark, ...] = ()

    @property
    def is_applied(self) -> bool:
        """Return whether it is an ordinary object, which is applied and kept as it is written."""
        return not self.hooked and not self.left_out


_ORDINARY: Final = Role()


def role_of(manifest: Manifest) -> Role:
    """Return what a manifest is in a deployment."""
    return role_in(manifest.body, (manifest.ref.group, manifest.ref.kind))


def role_in(body: Body, group_kind: tuple[str, str]) -> Role:
    """Return what an object is in a deployment, by the annotations of a manifest or of a live object."""
    annotations = annotations_of(body)
    if not annotations:
        return _ORDINARY
    remarks = list(_remarks(annotations))
    wave = _wave(annotations, remarks)
    if HOOK not in annotations and HELM_HOOK not in annotations:
        return Role(wave=wave, remarks=tuple(remarks)) if wave or remarks else _ORDINARY
    role = _hook(annotations, remarks)
    role = replace(role, wave=wave, remarks=tuple(remarks))
    return _kept_in_place(role) if group_kind in KEPT_KINDS else role


def is_hook(body: Body) -> bool:
    """Return whether an annotation makes an object a hook that is run: then the server may make up its name."""
    return bool(role_in(body, ("", "")).hooked)


def hook_body(body: Body, name: str, attempt: str, phase: Phase) -> dict[str, Any]:
    """Return the object of a hook as it is created: with its name, and the mark of the deployment and phase."""
    metadata = {key: value for key, value in body["metadata"].items() if key != "generateName"}
    annotations = {**(metadata.get("annotations") or {}), ATTEMPT: f"{attempt}/{phase.title}"}
    return {**body, "metadata": {**metadata, "name": name, "annotations": annotations}}


def annotations_of(body: Body) -> Mapping[str, Any]:
    """Return the annotations of an object, none where they are no mapping."""
    metadata = body.get("metadata")
    found = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def sync_options(body: Body) -> frozenset[str]:
    """Return the sync options of Argo CD that an object carries."""
    return frozenset(_words(annotations_of(body).get(SYNC_OPTIONS)))


def _hook(annotations: Mapping[str, Any], remarks: list[Remark]) -> Role:
    words = _words(annotations.get(HOOK))
    phases = _known(words, {**_PHASES, _SKIP: None}, HOOK, remarks)
    hooked = tuple(dict.fromkeys(phase for phase in phases if phase is not None))
    if hooked:
        return _with_policies(hooked, annotations, remarks)
    if phases:
        return Role(left_out=f"{HOOK} says {_SKIP}")
    if HELM_HOOK in annotations:
        return _helm_hook(annotations, remarks)
    return Role(left_out=f"{HOOK} names no phase")


def _helm_hook(annotations: Mapping[str, Any], remarks: list[Remark]) -> Role:
    words = _words(annotations.get(HELM_HOOK))
    known = {**_HELM_PHASES, **dict.fromkeys((_HELM_CRD, *_HELM_DROPPED))}
    hooked = tuple(dict.fromkeys(phase for phase in _known(words, known, HELM_HOOK, remarks) if phase is not None))
    if hooked:
        return _with_policies(hooked, annotations, remarks)
    if _HELM_CRD in words:
        return _ORDINARY
    return Role(left_out=f"{HELM_HOOK} says {', '.join(words) or 'nothing'}, which no deployment runs")


def _with_policies(hooked: tuple[Phase, ...], annotations: Mapping[str, Any], remarks: list[Remark]) -> Role:
    ours = _known(_words(annotations.get(DELETE_POLICY)), _POLICIES, DELETE_POLICY, remarks)
    helms = _known(_words(annotations.get(HELM_DELETE_POLICY)), _HELM_POLICIES, HELM_DELETE_POLICY, remarks)
    return Role(hooked=tuple(sorted(hooked)), policies=frozenset((*ours, *helms)) or _DEFAULT_POLICY)


def _kept_in_place(role: Role) -> Role:
    """A hook is deleted before it runs again; what data goes with is applied in its phase instead."""
    if not role.hooked:
        return role
    phases = [phase for phase in role.hooked if phase in IN_ORDER]
    if not phases:
        return replace(role, hooked=(), left_out="objects of this kind are applied, and never run as hooks")
    remark = Remark(HOOK, f"it is applied in the phase {phases[0].title}, and never deleted as a hook would be")
    return replace(role, phase=phases[0], hooked=(), remarks=(*role.remarks, remark))


def _wave(annotations: Mapping[str, Any], remarks: list[Remark]) -> int:
    for name in (WAVE, HELM_WEIGHT):
        text = annotations.get(name)
        if isinstance(text, str) and _INTEGER.fullmatch(text):
            return int(text)
        if text is not None:
            remarks.append(Remark(name, f"{text!r:.40} is no integer, and does not count"))
    return 0


_REMARKED: Final = {
    "ServerSideApply=false": "does not count: gitops-push always applies server-side",
    "Validate=false": "does not count: gitops-push always has the server check every field",
}


def _remarks(annotations: Mapping[str, Any]) -> Iterator[Remark]:
    options = frozenset(_words(annotations.get(SYNC_OPTIONS)))
    if TRACKING_ID in annotations:
        yield Remark(TRACKING_ID, "it is left out: Argo CD would take the object for its own, and delete it")
    for option in sorted(options & _REMARKED.keys()):
        yield Remark(SYNC_OPTIONS, f"{option} {_REMARKED[option]}")
    alone = options & {"Replace=true", "Force=true"}
    if len(alone) == 1:
        text = f"{min(alone)} does not count alone: an object is only replaced by Replace=true,Force=true"
        yield Remark(SYNC_OPTIONS, f"{text}, where a field cannot be changed in place")


def _known(words: Iterable[str], meanings: Mapping[str, T], annotation: str, remarks: list[Remark]) -> list[T]:
    """Return what the words mean; a remark for each that means nothing."""
    found = []
    for word in words:
        if word in meanings:
            found.append(meanings[word])
        else:
            remarks.append(Remark(annotation, f"{word!r:.40} is unknown, and does not count"))
    return found


def _words(text: object) -> tuple[str, ...]:
    """Return the parts of a comma-separated list."""
    return tuple(word.strip() for word in text.split(",") if word.strip()) if isinstance(text, str) else ()
