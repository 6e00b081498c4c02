"""Custom resources: by the table of well-known ones, by two rules that no table can say, else by their conditions."""

from __future__ import annotations

from typing import Final

from gitops_push.core.objects import Body
from gitops_push.core.readiness.checks import by_checks
from gitops_push.core.readiness.conditions import NOT_SEEN, generation_of, generic, section
from gitops_push.core.readiness.values import Readiness, Ready
from gitops_push.core.readiness.well_known import well_known_checks

_FLUX_GROUPS: Final = ".toolkit.fluxcd.io"
_WORKLOAD_GENERATION: Final = "rollout.argoproj.io/workload-generation"


def custom(group: str, kind: str, body: Body) -> Readiness:
    """Return the readiness of a custom resource."""
    if group.endswith(_FLUX_GROUPS) and section(body, "spec").get("suspend") is True:
        return Ready("suspended")
    if (group, kind) == ("argoproj.io", "Rollout") and _waits_for_its_workload(body):
        return NOT_SEEN
    checks = well_known_checks(group, kind)
    return by_checks(body, checks) if checks else generic(body)


def _waits_for_its_workload(rollout: Body) -> bool:
    """Return whether a Rollout that takes its template from a Deployment (workloadRef) has not seen that one's newest.

    Source: argo-rollouts `docs/migrating.md`; its controller notes the generation of the Deployment in an annotation.
    """
    wanted = generation_of(section(rollout, "metadata", "annotations").get(_WORKLOAD_GENERATION))
    seen = generation_of(section(rollout, "status").get("workloadObservedGeneration"))
    return bool(section(rollout, "spec", "workloadRef")) and wanted is not None and seen != wanted
