"""What ends a rollout, on a real control plane: each failure with its code and its evidence, in one screen."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gitops_push.cluster.api import ApiWriter
from gitops_push.cluster.deployer import DeployOptions
from gitops_push.core.causes import CauseCode
from gitops_push.core.deployment import Deployment
from gitops_push.core.diagnosis import Cause
from gitops_push.reports.deployment_text import deployment_lines
from tests.cluster.deploying import deployed
from tests.controlplane import workloads

EARLY_SECONDS = 120.0


def placed(namespace: str, body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "metadata": {**body["metadata"], "namespace": namespace}}


def sick(namespace: str, chaos: str, replicas: int = 1) -> dict[str, Any]:
    return placed(namespace, workloads.deployment("web", replicas, {workloads.CHAOS_ANNOTATION: chaos}))


def cause_of(done: Deployment, name: str = "web") -> Cause:
    (cause,) = (outcome.cause for outcome in done.outcomes if outcome.ref.name == name)
    assert cause is not None
    return cause


def screen(done: Deployment) -> list[str]:
    """Return the report as it is printed, which fits on one screen."""
    lines = [line.text for line in deployment_lines(done)]
    print("\n".join(lines))
    assert len(lines) < 24
    assert all(len(line) <= 120 for line in lines)
    return lines


CHAOS = {
    "crash-loop": CauseCode.CRASH_LOOP,
    "oom": CauseCode.OOM_KILLED,
    "image-not-found": CauseCode.IMAGE_NOT_FOUND,
    "config-missing": CauseCode.CONTAINER_CONFIG,
}


@pytest.mark.parametrize(("chaos", "code"), CHAOS.items(), ids=CHAOS.keys())
def test_what_never_runs_ends_the_wait_early(api: ApiWriter, namespace: str, chaos: str, code: CauseCode) -> None:
    began_at = time.monotonic()
    done = deployed(api, namespace, sick(namespace, chaos), options=DeployOptions(timeout_seconds=600))
    assert time.monotonic() - began_at < EARLY_SECONDS
    cause = cause_of(done)
    assert (done.exit_code, cause.code, cause.container) == (21, code, "app")
    lines = screen(done)
    assert any(line.startswith(f"error[{code}]: apps/Deployment {namespace}/web") for line in lines)
