"""The health of everything that an inventory owns, right now. Reads only, and does not wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from gitops_push.cluster.api import ApiFailure, ApiReader
from gitops_push.cluster.diagnosis import Diagnosis
from gitops_push.cluster.health import HealthCheck
from gitops_push.cluster.live import LiveObjects, read_live
from gitops_push.cluster.pods import POD, PodIndex, has_pods
from gitops_push.core.diagnosis import masked
from gitops_push.core.environment import WaitRule
from gitops_push.core.inventory import Inventory
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.ordering import apply_key
from gitops_push.core.readiness import Failed, Progressing, Ready, Unknown
from gitops_push.core.redaction import Redactor
from gitops_push.core.secret_values import secret_values_of
from gitops_push.core.status import Health, ObjectStatus, StatusReport


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """What a status report is made from; `redactor` knows the secrets of the run so far, `rules` are the config's."""

    inventory: Inventory
    cluster_id: str
    redactor: Redactor
    now: datetime
    rules: tuple[WaitRule, ...] = ()


def read_status(request: StatusRequest, reader: ApiReader) -> StatusReport:
    """Return the status of an environment, masked.

    One LIST per kind and namespace, pods and events included. What may not be read has health `UNKNOWN` and says so.
    """
    inventory = request.inventory
    live = read_live((), inventory.entries, reader.served_kinds(), reader)
    redactor = request.redactor.with_values(value for body in live.objects.values() for value in secret_values_of(body))
    pods = _read_pods(inventory, reader)
    check, diagnosis = HealthCheck(reader, pods, request.rules), Diagnosis(reader, pods)
    refs = sorted((entry.ref for entry in inventory.entries), key=apply_key)
    found = (_status(ref, live, check, diagnosis) for ref in refs)
    objects = tuple(_masked(status, redactor) for status in found)
    return StatusReport(inventory, request.cluster_id, request.now, objects)


def _status(ref: ObjectRef, live: LiveObjects, check: HealthCheck, diagnosis: Diagnosis) -> ObjectStatus:
    body = live.objects.get(ref)
    if body is None:
        return _without_body(ref, live.unreadable)
    match check.of(ref, body):
        case Ready(note):
            return ObjectStatus(ref, Health.READY, note)
        case Unknown(reason):
            return ObjectStatus(ref, Health.UNKNOWN, reason)
        case Progressing() | Failed() as verdict:
            cause = diagnosis.of(ref, body, verdict)
            health = Health.FAILED if isinstance(verdict, Failed) else Health.PROGRESSING
            return ObjectStatus(ref, health, cause.text, cause)


def _masked(status: ObjectStatus, redactor: Redactor) -> ObjectStatus:
    cause = status.cause and masked(status.cause, redactor.mask_text)
    return replace(status, reason=redactor.mask_text(status.reason), cause=cause)


def _without_body(ref: ObjectRef, unreadable: Mapping[ObjectRef, str]) -> ObjectStatus:
    """A 403 is not "missing"."""
    if ref in unreadable:
        return ObjectStatus(ref, Health.UNKNOWN, f"may not be read ({unreadable[ref]})")
    return ObjectStatus(ref, Health.MISSING, "does not exist")


def _read_pods(inventory: Inventory, reader: ApiReader) -> PodIndex:
    """Pods say why a workload is not ready; where they may not be listed the workload's own status has to do."""
    pods = PodIndex()
    for namespace in sorted({entry.ref.namespace for entry in inventory.entries if has_pods(entry.ref)}):
        try:
            found = reader.list(POD, namespace).items
        except ApiFailure:
            continue
        bodies: dict[str, Body | None] = {str(body["metadata"]["name"]): body for body in found}
        pods.update(namespace, bodies)
    return pods
