"""What tests of deployments have in common: plan and deploy a set of bodies, in memory or on a real API server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gitops_push.cluster.api import ApiWriter
from gitops_push.cluster.deployer import DeployOptions, DeployRequest, deploy
from gitops_push.cluster.inventory_store import read_inventory
from gitops_push.cluster.planner import make_plan
from gitops_push.core.deployment import Deployment, Result
from gitops_push.core.environment import PruneRules, WaitRule, WaitRules
from gitops_push.core.inventory import Inventory
from gitops_push.core.objects import Manifest
from tests.unit.cluster.plans import environment, request


def prepare(
    api: ApiWriter,
    namespace: str,
    *manifests: Manifest | dict[str, Any],
    options: DeployOptions | None = None,
    **home: Any,
) -> DeployRequest:
    """Read the inventory and plan; returns what a deployment needs.

    Autoscalers are not waited for: the control plane of the tests has no metrics.
    """
    changes = {name: home.pop(name) for name in ("forced", "takeovers") if name in home}
    rules = home.pop("prune", PruneRules(max_count=50, max_percent=None))
    home.setdefault("wait", WaitRules(rules=(WaitRule(kind="HorizontalPodAutoscaler", skip=True),)))
    where = environment(namespace=namespace, prune=rules, **home)
    inventory = read_inventory(api, where.project, where.name, namespace)
    wanted = replace(request(*manifests, environment=where, **changes), inventory=inventory)
    plan = make_plan(wanted, api)
    chosen = options or DeployOptions(timeout_seconds=30)
    return DeployRequest(plan, wanted.manifests, where, inventory, wanted.redactor, chosen)


def deployed(
    api: ApiWriter,
    namespace: str,
    *manifests: Manifest | dict[str, Any],
    options: DeployOptions | None = None,
    **home: Any,
) -> Deployment:
    """Plan and deploy."""
    return deploy(prepare(api, namespace, *manifests, options=options, **home), api)


def results(deployment: Deployment) -> dict[str, Result]:
    """Return the results by the names of the objects."""
    return {outcome.ref.name: outcome.result for outcome in deployment.outcomes}


def message(deployment: Deployment, name: str) -> str:
    """Return what the outcome of an object says."""
    (found,) = (outcome.message for outcome in deployment.outcomes if outcome.ref.name == name)
    return found


def stored(api: ApiWriter, namespace: str) -> Inventory:
    """Return the inventory as the server has it."""
    return read_inventory(api, "shop", "prod", namespace)
