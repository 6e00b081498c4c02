"""What the campaign deploys: a first deployment with its namespace, an update of every kind, and waves with hooks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.controlplane.cluster import ControlPlane
from tests.e2e.program import Program, config, config_map, deployment

LEGACY: Final = "legacy"
VANISHING: Final = frozenset({("Job", "check")})
"""Hooks that are deleted when they have succeeded."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`prepare` makes the namespace ready; `before` is deployed first, `after` by the run that meets the fault.

    Both give the manifests by the name of the namespace.
    """

    name: str
    prepare: Callable[[ControlPlane, str], None]
    before: Callable[[str], str] | None
    after: Callable[[str], str]

    def write(self, program: Program, namespace: str, text: str) -> None:
        """Make the config repo say this, and commit it."""
        more = "    prune: {kinds: [CustomResourceDefinition]}\n"
        program.write("gitops-push.yaml", config(namespace, more).replace("timeout: 30s", "timeout: 90s"))
        program.write("app/all.yaml", text)
        program.commit()


def group_of(namespace: str) -> str:
    """Return the API group of the definition that belongs to a namespace's case."""
    return f"{namespace}.example.com"


def _first(namespace: str) -> str:
    return _stream(
        f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n",
        config_map("settings", "1"),
        _secret("first"),
        deployment("web"),
    )


def _before(namespace: str) -> str:
    return _stream(
        config_map("settings", "1"), config_map("obsolete"), _secret("first"), deployment("web"), _job("migrate", "1")
    )


def _after(namespace: str) -> str:
    """One object created, changed, taken over, recreated, pruned; a definition with its resource."""
    return _stream(
        config_map("settings", "2"),
        config_map("new"),
        config_map(LEGACY, "ours"),
        _secret("second"),
        deployment("web", image="registry.example.com/web:2"),
        _job("migrate", "2"),
        _definition(namespace),
        f"apiVersion: {group_of(namespace)}/v1\nkind: Part\nmetadata: {{name: part}}\nspec: {{size: 1}}\n",
    )


def _before_hooks(namespace: str) -> str:
    return _stream(config_map("settings", "1"), _hook("prepare", "PreSync"))


def _with_hooks(namespace: str) -> str:
    """A hook whose object of the last run is there, one that is deleted when all is well, and a wave between."""
    late = config_map("late").replace("name: late", 'name: late, annotations: {argocd.argoproj.io/sync-wave: "1"}')
    check = _hook("check", "PostSync", "argocd.argoproj.io/hook-delete-policy: HookSucceeded")
    return _stream(config_map("settings", "2"), late, _hook("prepare", "PreSync"), check)


def _make_namespace(plane: ControlPlane, namespace: str) -> None:
    """Make it, with an object in it that somebody made by `kubectl apply`."""
    plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": LEGACY}}
    body["data"] = {"key": "theirs", "left": "over"}
    body["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(body)}
    path = f"/api/v1/namespaces/{namespace}/configmaps?fieldManager=kubectl-client-side-apply"
    plane.request("POST", path, body)


def _secret(value: str) -> str:
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: login}}\nstringData: {{password: the-{value}-one}}\n"


def _hook(name: str, phase: str, *more: str) -> str:
    annotations = ", ".join((f"argocd.argoproj.io/hook: {phase}", *more))
    return _job(name, "1").replace(f"name: {name}", f"name: {name}, annotations: {{{annotations}}}", 1)


def _job(name: str, version: str) -> str:
    return f"""\
apiVersion: batch/v1
kind: Job
metadata: {{name: {name}}}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{{name: app, image: "registry.example.com/job:{version}"}}]
"""


def _definition(namespace: str) -> str:
    return f"""\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: parts.{group_of(namespace)}}}
spec:
  group: {group_of(namespace)}
  scope: Namespaced
  names: {{plural: parts, kind: Part}}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: {{spec: {{type: object, properties: {{size: {{type: integer}}}}}}}}
"""


def _stream(*manifests: str) -> str:
    return "---\n".join(manifests)


FIRST: Final = Scenario("first deployment", lambda plane, namespace: None, None, _first)
UPDATE: Final = Scenario("update", _make_namespace, _before, _after)
HOOKS: Final = Scenario("waves and hooks", _make_namespace, _before_hooks, _with_hooks)
SCENARIOS: Final = (FIRST, UPDATE, HOOKS)
