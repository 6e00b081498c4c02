"""Deployed twice, the second run writes nothing and no object becomes another version: every kind, by the audit log."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.cluster.hooking import config as hook_config
from tests.cluster.hooking import job as hook_job
from tests.cluster.many_kinds import Body, definition, many_kinds, widget
from tests.controlplane.access import RequestError
from tests.controlplane.audit import writes
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.program import USER_AGENT, Program, config

KUSTOMIZATION = """\
resources: [objects.yaml]
configMapGenerator:
  - {name: settings, literals: [level=info]}
secretGenerator:
  - {name: token, literals: [token=a-value-that-is-long-enough]}
"""
UNHEALED = ("HorizontalPodAutoscaler", "Ingress", "PersistentVolumeClaim", "StatefulSet")
"""Without metrics, a load balancer and volumes these never become ready on the control plane of the tests."""
CALM_SECONDS = 2.0

Versions = dict[str, str]


def whole_set(namespace: str) -> tuple[Body, ...]:
    """Return objects of every kind, a definition with a custom resource of it, waves, and a hook of each phase."""
    group = f"{namespace}.example.com"
    hooks = (
        hook_job(namespace, "migrate", hook="PreSync", hook_delete_policy="HookSucceeded"),
        hook_job(namespace, "warm", hook="PostSync"),
        hook_config(namespace, "notes", hook="Sync"),
    )
    many = many_kinds(namespace)
    quota = next(body for body in many if body["kind"] == "ResourceQuota")
    quota["spec"]["hard"] = {"pods": 1000}  # one of memory would not admit the pods, which do not all name some
    late = hook_config(namespace, "late", sync_wave="3")
    return (definition(group), widget(group), *many, *hooks, late)


@pytest.fixture
def deployed(control_plane: ControlPlane, program: Program, namespace: str) -> Iterator[Program]:
    rules = "".join(f"        - {{kind: {kind}, skip: true}}\n" for kind in UNHEALED)
    made = config(namespace).replace("{timeout: 30s}", f"\n      timeout: 60s\n      rules:\n{rules}".rstrip())
    program.write("gitops-push.yaml", made)
    (program.folder / "app/settings.yaml").unlink()
    program.write("app/kustomization.yaml", KUSTOMIZATION)
    bodies = whole_set(namespace)
    program.write("app/objects.yaml", "\n---\n".join(json.dumps(body) for body in bodies))
    program.write("gitops-push.yaml", made.replace("directory: app", "kustomize: app"))
    program.commit()
    yield program
    for body in bodies:
        path = {
            "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            "PriorityClass": "/apis/scheduling.k8s.io/v1/priorityclasses",
        }.get(body["kind"])
        with suppress(RequestError):
            if path:
                control_plane.request("DELETE", f"{path}/{body['metadata']['name']}")


def versions(kubectl: Kubectl, namespace: str) -> Versions:
    """Return the resourceVersion of every object of the environment, its record and hooks among them."""
    resources = kubectl("api-resources", "--verbs=list", "-o", "name").split()
    # Events say what controllers do, all the time.
    kinds = ",".join(name for name in resources if not name.startswith("events"))
    items: list[dict[str, Any]] = kubectl.get(kinds, "-A", "--ignore-not-found")["items"]
    ours = (item for item in items if is_ours(item, namespace))
    return {f"{item['kind']} {item['metadata']['name']}": item["metadata"]["resourceVersion"] for item in ours}


def is_ours(item: Body, namespace: str) -> bool:
    """Return whether an object is in the namespace, or named after it."""
    metadata = item["metadata"]
    return namespace in {metadata.get("namespace"), metadata["name"]} or namespace in metadata["name"]


def calm(kubectl: Kubectl, namespace: str) -> Versions:
    """Wait until the controllers have nothing more to write."""
    before = versions(kubectl, namespace)
    for _ in range(20):
        time.sleep(CALM_SECONDS)
        after = versions(kubectl, namespace)
        if after == before:
            return after
        before = after
    raise AssertionError("the controllers go on and on")


def test_the_second_run_writes_nothing_and_leaves_every_version_as_it_is(
    own_control_plane: ControlPlane, deployed: Program, kubectl: Kubectl, namespace: str
) -> None:
    first = deployed("apply", "test", "--yes")
    assert first.code == 0, str(first)
    before = calm(kubectl, namespace)
    kinds = Counter(name.split(" ")[0] for name in before)
    assert len(kinds) >= 24, kinds
    mark = own_control_plane.audit_mark()
    second = deployed("apply", "test", "--yes")
    events = [e for e in own_control_plane.audit_events(mark) if e.user_agent.startswith(USER_AGENT)]
    assert second.code == 0, str(second)
    assert "IN SYNC test: 26 objects, nothing to do" in second.out + second.err, str(second)
    assert writes(events) == ()
    assert sum(event.is_dry_run for event in events) >= 20
    assert versions(kubectl, namespace) == before
