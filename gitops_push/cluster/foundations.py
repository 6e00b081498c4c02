"""Between the definitions of a set and what stands on them: whether new kinds are served, and the rest is accepted."""

from __future__ import annotations

from typing import Final

from gitops_push.cluster.api import ApiFailure, ApiReader
from gitops_push.cluster.deploy_request import DeployRequest
from gitops_push.cluster.failures import failure_text
from gitops_push.cluster.rejections import Refusal, kind_of_refusal
from gitops_push.cluster.targets import Target, Targets, find_targets
from gitops_push.core.errors import GitopsPushError

_POLL_SECONDS: Final = 0.2

LOOK_AROUND: Final = frozenset({"Pod", "RoleBinding", "ClusterRoleBinding"})
"""Kinds whose admission looks for other objects (service account, role), which may come with the same set."""


def served_targets(request: DeployRequest, reader: ApiReader) -> Targets:
    """Return the targets as the server sees them now, asking until every kind of the set is served or time is up."""
    options = request.options
    deadline = options.clock() + options.foundation_seconds
    while True:
        served = reader.served_kinds(refresh=True)
        found = find_targets(request.manifests, served, request.environment, request.inventory.id)
        complete = not found.problems and all(_is_served(target) for target in found.applied)
        if complete or options.clock() >= deadline or options.should_stop():
            return found
        options.sleep(_POLL_SECONDS)


def rejection(reader: ApiReader, target: Target, request: DeployRequest) -> str:
    """Return why the server rejects an object whose dry run had to wait, or "" if it takes it (or cannot tell yet)."""
    if target.kind is None or not _is_served(target):
        return f"its kind is still not served ({target.deferred})"
    try:
        reader.dry_run_apply(target.kind, *target.place, target.body)
    except ApiFailure as failure:
        not_final = target.ref.kind in LOOK_AROUND and failure.status in {403, 404}
        if failure.status and (not_final or kind_of_refusal(failure) is Refusal.NO_DRY_RUN):
            return ""
        return failure_text(failure, request.redactor)
    except GitopsPushError as error:
        return failure_text(error, request.redactor)
    return ""


def _is_served(target: Target) -> bool:
    return target.kind is not None and target.kind.version == target.manifest.version
