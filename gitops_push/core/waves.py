"""The steps of a deployment: by phase and wave, with the foundations of everything where they are needed.

A Namespace comes before what is in it and a CustomResourceDefinition before its resources, whatever their waves: one
that would come later takes the step of the first object that needs it (Argo CD's `adjustDeps`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from gitops_push.core.hooks import AT_DEPLOYMENT, SYNC_OPTIONS, Phase, Role, annotations_of, role_in, sync_options
from gitops_push.core.kinds import defined_kind
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.ordering import ApplyKey, apply_key


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """A wave of a phase. A step begins when everything of the one before it is healthy."""

    phase: Phase
    wave: int

    def __str__(self) -> str:
        """Return `PreSync wave -1`, `wave 2`, or `` for the step of objects that say nothing."""
        phase = "" if self.phase is Phase.SYNC else self.phase.title
        wave = f"wave {self.wave}" if self.wave else ""
        return " ".join(filter(None, (phase, wave)))


MAIN: Final = Step(Phase.SYNC, 0)
"""The step of objects that say nothing of phases and waves."""

_DELETED_LAST: Final = Step(Phase.PRE_SYNC, -(10**9))

Member: TypeAlias = tuple[ObjectRef, Body, Role]


def order_key(step: Step, ref: ObjectRef) -> tuple[Step, ApplyKey]:
    """Return the sort key of the order of apply: phase, wave, stage, kind, namespace, name."""
    return step, apply_key(ref)


def steps_of(members: Iterable[Member]) -> dict[ObjectRef, Step]:
    """Return the step of each object that is applied; what is needed is moved before what needs it."""
    every = tuple(members)
    needed = _needed((ref, first) for ref, _, role in every if (first := _first_step(role)) is not None)
    applied = ((ref, body, Step(role.phase, role.wave)) for ref, body, role in every if role.is_applied)
    return {ref: min(step, needed.get(_brings(ref, body), step)) for ref, body, step in applied}


def deletion_steps(lives: Iterable[tuple[ObjectRef, Body]]) -> dict[ObjectRef, Step]:
    """Return the step of each live object that is to be deleted: the last step goes first.

    Argo CD's `PruneLast=true` goes after all others; a Namespace and a definition after what is in them.
    """
    every = [(ref, body, _deletion_step(ref, body)) for ref, body in lives]
    needed = _needed((ref, step) for ref, _, step in every)
    return {ref: min(step, needed.get(_brings(ref, body), step)) for ref, body, step in every}


def _first_step(role: Role) -> Step | None:
    phases = [phase for phase in role.hooked if phase in AT_DEPLOYMENT] if role.hooked else [role.phase]
    return Step(min(phases), role.wave) if phases and not role.left_out else None


def _deletion_step(ref: ObjectRef, live: Body) -> Step:
    if SYNC_OPTIONS in annotations_of(live) and "PruneLast=true" in sync_options(live):
        return _DELETED_LAST
    role = role_in(live, (ref.group, ref.kind))
    return Step(role.phase, role.wave)


def _needed(steps: Iterable[tuple[ObjectRef, Step]]) -> dict[Hashable, Step]:
    """Return the first step that needs a namespace (by its name) or a definition (by group and kind)."""
    first: dict[Hashable, Step] = {}
    for ref, step in steps:
        for need in (ref.namespace, (ref.group, ref.kind)):
            if need and step < first.get(need, _NEVER):
                first[need] = step
    return first


_NEVER: Final = Step(Phase.POST_DELETE, 0)


def _brings(ref: ObjectRef, body: Body) -> Hashable:
    """Return what an object makes possible: the name of a namespace, or the group and kind of a definition."""
    return ref.name if (ref.group, ref.kind) == ("", "Namespace") else defined_kind(body)
