"""What tests on a real API server have in common: plan requests, and an apply by the bodies that the planner sends."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from gitops_push.cluster.api import ApiWriter, Precondition
from gitops_push.cluster.planner import PlanRequest
from gitops_push.cluster.targets import Target, find_targets
from gitops_push.core.inventory import InventoryEntry
from gitops_push.core.objects import Manifest
from tests.unit.cluster.plans import environment, request


def request_for(
    namespace: str, *manifests: Manifest | dict[str, Any], owned: Iterable[InventoryEntry] = (), **changes: Any
) -> PlanRequest:
    """Return a request for an environment in this namespace."""
    home = changes.pop("environment", environment(namespace=namespace))
    return request(*manifests, owned=owned, environment=home, **changes)


def targets_of(wanted: PlanRequest, api: ApiWriter) -> tuple[Target, ...]:
    """Return what the planner would send."""
    found = find_targets(wanted.manifests, api.served_kinds(), wanted.environment, wanted.inventory.id)
    assert found.problems == ()
    return found.applied


def apply_all(wanted: PlanRequest, api: ApiWriter) -> tuple[InventoryEntry, ...]:
    """Apply every object as it is, and return the inventory's entries for them."""
    entries = []
    for target in targets_of(wanted, api):
        assert target.kind is not None
        answer = api.apply(target.kind, *target.place, target.body, Precondition())
        entries.append(InventoryEntry(target.ref, target.manifest.api_version, answer.body["metadata"]["uid"]))
    return tuple(entries)


def until(happened: Any, seconds: float = 20.0) -> None:
    """Wait until something is true; fails the test after some seconds."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
