"""The lock of an environment as a value: a Lease (coordination.k8s.io/v1) that names its holder and who waits.

A Lease has a holder and says when that renewed it. Nobody compares that time with a clock of their own: a holder is
gone when it was *seen* not to renew for the whole duration. A holder of "" means that the lock is free.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from gitops_push.core.objects import Body
from gitops_push.core.run_identity import NOBODY, RunIdentity, identity_data, identity_from

HOLDER: Final = "gitops-push.dev/holder"
WAITING: Final = "gitops-push.dev/waiting"
"""Annotations of the Lease: who holds it, and who waits for it, as JSON."""

_MOST_WAITING: Final = 50
_MANAGED_BY: Final = {"app.kubernetes.io/managed-by": "gitops-push"}


@dataclass(frozen=True, slots=True)
class LockHolder:
    """One run that holds or wants the lock: `id` is random, `since` (a time as text) when it took it or began to wait.

    `beat` counts up while a waiting run lives; it says nothing about a holder, whose Lease is renewed.
    """

    id: str
    identity: RunIdentity = NOBODY
    since: str = ""
    beat: int = 0

    def __str__(self) -> str:
        """Return who it is, and since when."""
        return f"{self.identity}, since {self.since}" if self.since else str(self.identity)


@dataclass(frozen=True, slots=True)
class LeaseState:
    """What the server has: `holder` None where the lock is free, `renewed` its renewTime as written.

    `version` is the resourceVersion to swap against, "" where there is no Lease yet; `taken` counts how often it
    changed hands.
    """

    namespace: str
    name: str
    holder: LockHolder | None = None
    renewed: str = ""
    duration_seconds: int = 0
    waiting: tuple[LockHolder, ...] = ()
    taken: int = 0
    version: str = ""
    uid: str = field(default="", compare=False)

    @property
    def pulse(self) -> tuple[str, str]:
        """Return what changes as long as the holder lives."""
        return (self.holder.id if self.holder else "", self.renewed)

    def held_by(self, holder: LockHolder, duration_seconds: int, at: datetime) -> LeaseState:
        """Return the state in which a run has taken or renewed it; it waits no more."""
        others = tuple(one for one in self.waiting if one.id != holder.id)
        changed_hands = self.holder is None or self.holder.id != holder.id
        return replace(
            self,
            holder=holder,
            renewed=micro_time(at),
            duration_seconds=duration_seconds,
            waiting=others,
            taken=self.taken + changed_hands,
        )

    def released(self) -> LeaseState:
        """Return the state in which nobody holds it."""
        return replace(self, holder=None, renewed="")

    def with_waiting(self, one: LockHolder) -> LeaseState:
        """Return the state in which a run waits, the longest waiting first; of too many the oldest are dropped."""
        known = {each.id: each for each in self.waiting} | {one.id: one}
        return replace(self, waiting=tuple(known.values())[-_MOST_WAITING:])

    def without_waiting(self, id: str) -> LeaseState:
        """Return the state in which a run waits no more."""
        return replace(self, waiting=tuple(each for each in self.waiting if each.id != id))


def micro_time(at: datetime) -> str:
    """Return a time as the API's MicroTime: RFC 3339 in UTC with six decimals."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def to_body(state: LeaseState) -> dict[str, Any]:
    """Return the Lease to send; without a version it is one to be created."""
    annotations: dict[str, str] = {}
    if state.holder is not None:
        annotations[HOLDER] = json.dumps(_data(state.holder), ensure_ascii=False)
    if state.waiting:
        annotations[WAITING] = json.dumps([_data(one) for one in state.waiting], ensure_ascii=False)
    metadata: dict[str, Any] = {"name": state.name, "namespace": state.namespace, "labels": _MANAGED_BY}
    metadata |= {"annotations": annotations} | ({"resourceVersion": state.version} if state.version else {})
    spec: dict[str, Any] = {"leaseTransitions": state.taken}
    if state.holder is not None:
        spec |= {
            "holderIdentity": f"{state.holder.identity} {state.holder.id}",
            "leaseDurationSeconds": state.duration_seconds,
            "renewTime": state.renewed,
        }
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


def from_body(body: Body) -> LeaseState:
    """Return the state of a Lease. One whose annotations somebody has damaged is held by whom its spec names."""
    metadata, spec = body["metadata"], body.get("spec") or {}
    annotations = metadata.get("annotations") or {}
    held_by = str(spec.get("holderIdentity") or "")
    holder = _holder(_parsed(annotations.get(HOLDER))) or LockHolder(held_by, RunIdentity(actor=held_by))
    waiting = _parsed(annotations.get(WAITING))
    found = map(_holder, waiting if isinstance(waiting, list) else ())
    return LeaseState(
        namespace=str(metadata.get("namespace", "")),
        name=str(metadata["name"]),
        holder=holder if held_by else None,
        renewed=str(spec.get("renewTime") or ""),
        duration_seconds=_number(spec.get("leaseDurationSeconds")),
        waiting=tuple(one for one in found if one is not None),
        taken=_number(spec.get("leaseTransitions")),
        version=str(metadata.get("resourceVersion", "")),
        uid=str(metadata.get("uid", "")),
    )


def _data(holder: LockHolder) -> dict[str, Any]:
    beat = {"beat": holder.beat} if holder.beat else {}
    return {"id": holder.id, **identity_data(holder.identity), "since": holder.since, **beat}


def _holder(data: Any) -> LockHolder | None:
    if not isinstance(data, Mapping) or not isinstance(data.get("id"), str):
        return None
    since = str(data.get("since") or "")[:40]
    return LockHolder(data["id"][:64], identity_from(data), since, _number(data.get("beat")))


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
