"""Finds the members of a set by their label, among all kinds that the server can list: for a record that was lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from gitops_push.cluster.api import ApiFailure, ApiReader, ServedKind, ServedKinds
from gitops_push.cluster.crew import in_parallel
from gitops_push.cluster.live import FORBIDDEN, LISTS_AT_ONCE
from gitops_push.core.inventory import PART_OF_LABEL, InventoryEntry
from gitops_push.core.kinds import split_api_version
from gitops_push.core.managed_fields import our_entry
from gitops_push.core.membership import Member, sign_of
from gitops_push.core.objects import Body, ObjectRef

_APPLIED: Final = frozenset({"list", "patch"})
"""What can be done to every kind that we could have applied."""

_ABSENT: Final = frozenset({404, 405})


@dataclass(frozen=True, slots=True)
class Members:
    """What was found, sorted; `notes` say what could not be looked at."""

    found: tuple[Member, ...] = ()
    notes: tuple[str, ...] = ()


def find_members(reader: ApiReader, set_id: str, namespaces: Iterable[str]) -> Members:
    """Return all objects with the label of a set; reads only.

    One LIST by label for each served kind, at most four at once; where a kind may not be listed in all namespaces, one
    for each of `namespaces`.
    """
    places = tuple(sorted(set(namespaces)))
    kinds = tuple(_listable(reader.served_kinds()))
    answers = dict(in_parallel(lambda kind: _listed(reader, kind, set_id, places), kinds, LISTS_AT_ONCE))
    found = [(kind, body) for kind in kinds for body in answers[kind].bodies]
    return Members(
        tuple(sorted(_members(found))),
        (*(note for kind in kinds for note in answers[kind].notes), *_unavailable(reader.served_kinds())),
    )


@dataclass(slots=True)
class _Answer:
    bodies: list[Body] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def _listable(served: ServedKinds) -> Iterator[ServedKind]:
    """Yield each kind once, at its preferred version."""
    for versions in served.kinds.values():
        kind = next((kind for kind in versions if kind.verbs >= _APPLIED or not kind.verbs), None)
        if kind is not None:
            yield kind


def _listed(reader: ApiReader, kind: ServedKind, set_id: str, namespaces: tuple[str, ...]) -> _Answer:
    answer = _Answer()
    refused = _add(reader, kind, "", set_id, answer)
    if refused == FORBIDDEN and kind.namespaced:
        answer.notes.clear()
        for namespace in namespaces:
            _add(reader, kind, namespace, set_id, answer)
    return answer


def _add(reader: ApiReader, kind: ServedKind, namespace: str, set_id: str, answer: _Answer) -> int:
    """Add the members in a namespace ("" for all); returns the status of a refusal, else 0."""
    try:
        answer.bodies += reader.list(kind, namespace, f"{PART_OF_LABEL}={set_id}").items
    except ApiFailure as failure:
        if failure.status not in _ABSENT:
            where = f" in namespace {namespace}" if namespace else ""
            answer.notes.append(f"{_resource(kind)}{where} could not be listed: {failure.message}")
        return failure.status
    return 0


def _members(found: Iterable[tuple[ServedKind, Body]]) -> Iterator[Member]:
    """Yield each object once: some are served in several groups, and one of them is that in which we applied it."""
    by_uid: dict[str, tuple[ServedKind, Body]] = {}
    for kind, body in found:
        uid = str(body["metadata"].get("uid", ""))
        if uid not in by_uid or split_api_version(_api_version(kind, body))[0] == kind.group:
            by_uid[uid] = (kind, body)
    for uid, (kind, body) in by_uid.items():
        metadata = body["metadata"]
        ref = ObjectRef(kind.group, kind.kind, str(metadata.get("namespace", "")), str(metadata["name"]))
        yield Member(InventoryEntry(ref, _api_version(kind, body), uid), sign_of(body))


def _api_version(kind: ServedKind, body: Body) -> str:
    ours = our_entry(body)
    return ours.api_version if ours else kind.api_version


def _unavailable(served: ServedKinds) -> Iterator[str]:
    for group in sorted(served.unavailable):
        yield f"the API group {group} does not answer, so nothing of it was looked at"


def _resource(kind: ServedKind) -> str:
    return f"{kind.resource}.{kind.group}" if kind.group else kind.resource
