"""What tests of hooks and waves have in common: sets with annotations, deployed with the digest of what is in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gitops_push.cluster.api import ApiWriter
from gitops_push.cluster.deployer import DeployOptions, DeployRequest, deploy
from gitops_push.cluster.inventory_store import read_inventory
from gitops_push.cluster.planner import make_plan
from gitops_push.core.deployment import Deployment
from gitops_push.core.environment import PruneRules, WaitRules
from gitops_push.core.hooks import HookRuns
from gitops_push.repo.build import digest_of
from tests.controlplane import workloads
from tests.controlplane.workloads import CHAOS_ANNOTATION
from tests.unit.cluster.plans import environment, request

ARGO = "argocd.argoproj.io"


def annotated(namespace: str, body: dict[str, Any], **annotations: str) -> dict[str, Any]:
    """Return the body in a namespace, with annotations of Argo CD (`sync_wave`) or Helm (`helm_hook`)."""
    spelled = {
        f"helm.sh/{key[5:].replace('_', '-')}" if key.startswith("helm_") else f"{ARGO}/{key.replace('_', '-')}": text
        for key, text in annotations.items()
    }
    return {**body, "metadata": {**body["metadata"], "namespace": namespace, "annotations": spelled}}


def config(namespace: str, name: str, data: str = "1", **annotations: str) -> dict[str, Any]:
    """Return a ConfigMap."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"A": data}}
    return annotated(namespace, body, **annotations)


def web(namespace: str, name: str = "web", chaos: str = "", **annotations: str) -> dict[str, Any]:
    """Return a Deployment whose pods may be asked to fail."""
    body = workloads.deployment(name, annotations={CHAOS_ANNOTATION: chaos} if chaos else None)
    return annotated(namespace, body, **annotations)


def job(namespace: str, name: str, chaos: str = "", **annotations: str) -> dict[str, Any]:
    """Return a Job whose pod completes, unless it is asked to fail."""
    return annotated(namespace, workloads.job(name, {CHAOS_ANNOTATION: chaos} if chaos else None), **annotations)


def nameless(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body with a generated name in place of its name."""
    metadata = {key: value for key, value in body["metadata"].items() if key != "name"}
    return {**body, "metadata": {**metadata, "generateName": f"{body['metadata']['name']}-"}}


def prepared(
    api: ApiWriter,
    namespace: str,
    *bodies: dict[str, Any],
    hooks: HookRuns = HookRuns.CHANGED,
    options: DeployOptions | None = None,
    wait: WaitRules | None = None,
) -> DeployRequest:
    """Read the inventory and plan."""
    rules = PruneRules(max_count=50, max_percent=None)
    home = environment(namespace=namespace, prune=rules, wait=wait or WaitRules())
    inventory = read_inventory(api, home.project, home.name, namespace)
    wanted = replace(request(*bodies, environment=home), inventory=inventory, hook_runs=hooks)
    manifests = replace(wanted.manifests, digest=digest_of(wanted.manifests.manifests))
    plan = make_plan(replace(wanted, manifests=manifests), api)
    return DeployRequest(
        plan, manifests, home, inventory, wanted.redactor, options or DeployOptions(timeout_seconds=60)
    )


def hooked(api: ApiWriter, namespace: str, *bodies: dict[str, Any], **how: Any) -> Deployment:
    """Plan and deploy."""
    return deploy(prepared(api, namespace, *bodies, **how), api)


def told(deployment: Deployment) -> dict[str, str]:
    """Return the results by the names of the objects, hooks with their phase."""
    return {
        f"{outcome.ref.name} {outcome.phase}".strip(): outcome.result.value
        for outcome in deployment.outcomes
        if outcome.ref.name != "gitops-push-shop-prod"
    }
