"""Objects that carry the label of an environment's set and that neither its inventory nor the config names.

Controllers copy labels to what they make, so an object with a controller is none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gitops_push.cluster.api import ApiFailure, ApiReader, ServedKind
from gitops_push.cluster.crew import in_parallel
from gitops_push.cluster.live import LISTS_AT_ONCE
from gitops_push.cluster.survey import PlanRequest, Survey
from gitops_push.core.inventory import PART_OF_LABEL
from gitops_push.core.kinds import split_api_version
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.owners import controller_of


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """What was found, sorted; `notes` say which kinds could not be listed."""

    refs: tuple[ObjectRef, ...] = ()
    notes: tuple[str, ...] = ()


def find_unmanaged(request: PlanRequest, found: Survey, reader: ApiReader) -> Unmanaged:
    """Return the labelled objects of the kinds and namespaces in use: one LIST by label for each."""
    selector = f"{PART_OF_LABEL}={request.inventory.id}"
    known = {target.ref for target in found.targets} | {entry.ref for entry in request.inventory.entries}
    refs: list[ObjectRef] = []
    notes: list[str] = []
    places = sorted(set(_places(request, found, reader)))
    for place, answer in in_parallel(lambda place: _listed(reader, place, selector), places, LISTS_AT_ONCE):
        if isinstance(answer, ApiFailure):
            message = found.redactor.mask_text(answer.message)
            notes.append(f"unmanaged {place[0].resource} could not be listed: {message}")
        else:
            refs += _unknown(place[0], answer, known)
    return Unmanaged(tuple(sorted(refs)), tuple(sorted(notes)))


def _places(request: PlanRequest, found: Survey, reader: ApiReader) -> Iterator[tuple[ServedKind, str]]:
    for target in found.targets:
        if target.kind is not None:
            yield target.kind, target.ref.namespace
    served = reader.served_kinds()
    for entry in request.inventory.entries:
        version = split_api_version(entry.api_version)[1]
        kind = served.find(entry.ref.group, entry.ref.kind, version)
        if kind is not None:
            yield kind, entry.ref.namespace


def _listed(reader: ApiReader, place: tuple[ServedKind, str], selector: str) -> tuple[Body, ...] | ApiFailure:
    try:
        return reader.list(*place, selector).items
    except ApiFailure as failure:
        return failure


def _unknown(kind: ServedKind, bodies: Iterable[Body], known: set[ObjectRef]) -> Iterator[ObjectRef]:
    for body in bodies:
        metadata = body["metadata"]
        ref = ObjectRef(kind.group, kind.kind, str(metadata.get("namespace", "")), str(metadata["name"]))
        if ref not in known and not controller_of(body):
            yield ref
