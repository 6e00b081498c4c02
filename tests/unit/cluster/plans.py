"""What tests of the planner have in common: a request for an environment, made of plain bodies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gitops_push.cluster.planner import PlanRequest
from gitops_push.core.environment import Cluster, DirectorySource, Environment
from gitops_push.core.inventory import InventoryEntry, new_inventory
from gitops_push.core.objects import Manifest, ManifestSet
from gitops_push.core.origin import Origin
from gitops_push.core.plan import Action, Change, Plan
from gitops_push.core.redaction import Redactor
from gitops_push.core.scopes import ref_of

ORIGIN = Origin("gitops-push.yaml", 3, 5)


def environment(**changes: Any) -> Environment:
    base = Environment(
        name="prod",
        project="shop",
        cluster=Cluster("prod-eu"),
        namespace="shop",
        sources=(DirectorySource("apps", ORIGIN),),
        origin=ORIGIN,
    )
    return replace(base, **changes)


def manifest(body: dict[str, Any], origin: Origin | None = None, unhashed_name: str = "") -> Manifest:
    place = origin or Origin(f"{ref_of(body).name}.yaml", 1, 1)
    return Manifest(ref_of(body), body["apiVersion"], body, place, unhashed_name)


def request(*manifests: Manifest | dict[str, Any], owned: Iterable[InventoryEntry] = (), **changes: Any) -> PlanRequest:
    every = tuple(item if isinstance(item, Manifest) else manifest(item) for item in manifests)
    home = changes.pop("environment", environment())
    known = replace(new_inventory(home.project, home.name, home.namespace), resource_version="1", uid="uid-of-record")
    base = PlanRequest(
        environment=home,
        manifests=ManifestSet(home.name, "c0ffee", every, "digest"),
        inventory=replace(known, entries=tuple(owned)),
        cluster_id="cluster-1",
        redactor=Redactor(b"key"),
        now=datetime(2026, 1, 2, tzinfo=UTC),
        clock=lambda: 0.0,
    )
    return replace(base, **changes)


def change_of(plan: Plan, name: str) -> Change:
    (found,) = (change for change in plan.changes if change.ref.name == name)
    return found


def actions(plan: Plan) -> dict[str, Action]:
    return {change.ref.name: change.action for change in plan.changes}


def config_map(name: str = "env", **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop"},
        "data": data,
    }


def deployment(name: str = "web", image: str = "web:1", **spec: Any) -> dict[str, Any]:
    labels = {"app": name}
    containers = [{"name": name, "image": image, "ports": [{"containerPort": 80}]}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
            **spec,
        },
    }


def namespace(name: str = "shop") -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
