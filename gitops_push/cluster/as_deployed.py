"""The bodies that the last deploy sent, as far as that is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gitops_push.cluster.api import ApiReader
from gitops_push.cluster.survey import PlanRequest, Survey
from gitops_push.cluster.targets import find_targets
from gitops_push.core.drift import Deployed
from gitops_push.core.objects import Body, ObjectRef

_NOTHING: Final[Body] = {}


@dataclass(frozen=True, slots=True)
class AsDeployed:
    """What was sent for each object (`bodies` None: not known), and which objects deploys are known to have created."""

    bodies: Mapping[ObjectRef, Body] | None = field(repr=False)
    created: frozenset[ObjectRef]

    def of(self, ref: ObjectRef) -> Body | None:
        """Return what was sent for an object: {} if nothing was, None if that is not known."""
        return None if self.bodies is None else self.bodies.get(ref, _NOTHING)


def what_was_deployed(request: PlanRequest, found: Survey, deployed: Deployed, reader: ApiReader) -> AsDeployed:
    """Return the bodies of the last deploy, made for sending as those of the set are. No request of its own."""
    created = frozenset(entry.ref for entry in request.inventory.entries if entry.uid)
    return AsDeployed(_bodies(request, found, deployed, reader), created)


def _bodies(
    request: PlanRequest, found: Survey, deployed: Deployed, reader: ApiReader
) -> Mapping[ObjectRef, Body] | None:
    if deployed.manifests is None:
        return None
    if deployed.manifests.digest == request.manifests.digest:
        return {target.ref: target.body for target in found.targets}
    environment = deployed.environment or request.environment
    found_then = find_targets(deployed.manifests, reader.served_kinds(), environment, request.inventory.id)
    return {target.ref: target.body for target in found_then.applied}
