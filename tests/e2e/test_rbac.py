"""The printed role is enough for its purpose, each rule of it is needed, and a missing one is told before any write."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.controlplane import workloads
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.controlplane.waiting import eventually
from tests.e2e.judging import writes_since
from tests.e2e.program import VARIABLE, Program

SEED = 20261125
SAMPLE = 6
CONFIG = """\
version: 1
project: {namespace}
clusters: {{test: {{credentials: {{env: {variable}}}}}}}
environments:
  test:
    cluster: test
    namespace: {namespace}
    wait: {{timeout: 60s}}
    commitOrder: off
    prune: {{max: 100%}}
    sources: [{{directory: app}}]
"""
DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: cogs.NAMESPACE.example.com}
spec:
  group: NAMESPACE.example.com
  scope: Namespaced
  names: {plural: cogs, singular: cog, kind: Cog}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
SET = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {round: "ROUND"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: extra-ROUND}
---
apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {round: "ROUND"}
---
apiVersion: NAMESPACE.example.com/v1
kind: Cog
metadata: {name: cog}
spec: {round: ROUND}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, annotations: {round: "ROUND"}}
rules: [{apiGroups: [""], resources: [nodes], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, annotations: {round: "ROUND"}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: default, namespace: NAMESPACE}]
---
apiVersion: v1
kind: Namespace
metadata: {name: NAMESPACE-more, annotations: {round: "ROUND"}}
"""


def write_set(program: Program, namespace: str, round_: int) -> None:
    text = SET.replace("NAMESPACE", namespace).replace("ROUND", str(round_))
    web = workloads.deployment("web", annotations={"round": str(round_)})
    hook = workloads.job("migrate", {"argocd.argoproj.io/hook": "PreSync"})
    program.write("app/all.yaml", text + "---\n" + yaml.safe_dump_all([web, hook]))
    program.commit()


@dataclass(frozen=True)
class World:
    """A config repo, the program as a service account, and its roles."""

    admin: Program
    user: Program
    kubectl: Kubectl
    namespace: str

    def roles(self) -> list[dict[str, Any]]:
        done = self.admin("rbac", "test")
        assert done.code == 0, done
        assert done.err == ""
        return list(yaml.safe_load_all(done.out))

    def allow(self, documents: list[dict[str, Any]]) -> None:
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(documents))


@pytest.fixture
def world(program: Program, kubectl: Kubectl, control_plane: ControlPlane, namespace: str) -> Iterator[World]:
    (program.folder / "app" / "settings.yaml").unlink()
    program.write("gitops-push.yaml", CONFIG.format(namespace=namespace, variable=VARIABLE))
    write_set(program, namespace, 0)
    program.write("app/definition.yaml", DEFINITION.replace("NAMESPACE", namespace))
    program.commit()
    kubeconfig = control_plane.service_account_kubeconfig(namespace, "gitops-push-test-deploy")
    yield World(program, program.having(**{VARIABLE: kubeconfig}), kubectl, namespace)
    kubectl("delete", "namespace", f"{namespace}-more", "--ignore-not-found", "--wait=false")


def without(documents: list[dict[str, Any]], at: tuple[int, int, str]) -> list[dict[str, Any]]:
    """Return the documents without one verb of one rule."""
    index, number, verb = at
    rules = [dict(rule) for rule in documents[index]["rules"]]
    rules[number]["verbs"] = [each for each in rules[number]["verbs"] if each != verb] or ["deletecollection"]
    return [{**one, "rules": rules} if place == index else one for place, one in enumerate(documents)]


def takes(documents: list[dict[str, Any]]) -> list[tuple[int, int, str]]:
    return [
        (index, number, verb)
        for index, document in enumerate(documents)
        for number, rule in enumerate(document.get("rules", ()))
        for verb in rule["verbs"]
    ]


def test_the_printed_role_deploys_updates_prunes_reads_and_goes_back(world: World, control_plane: ControlPlane) -> None:
    world.allow(world.roles())
    first = eventually(lambda: world.user("apply", "test", "--yes"), lambda done: done.code == 0, 20)
    assert "may not" not in first.err, first
    write_set(world.admin, world.namespace, 1)
    world.allow(world.roles())
    second = world.user("apply", "test", "--yes")
    assert second.code == 0, second
    assert "may not" not in second.err, second
    assert "extra-0" in second.out, "it is pruned"
    for command in (
        ("apply", "test", "--yes"),
        ("diff", "test"),
        ("drift", "test", "--exit-code"),
        ("status", "test"),
        ("history", "test"),
        ("rollback", "test", "--yes"),
        ("resume", "test"),
    ):
        done = world.user(*command)
        assert done.code == 0, done
        assert "may not" not in done.err, done


def assert_told_before_any_write(
    world: World, plane: ControlPlane, documents: list[dict[str, Any]], at: tuple[int, int, str], round_: int
) -> str:
    """Take a verb away and deploy: returns how it was told. Fails if it was not, or something was written before."""
    rule, verb = documents[at[0]]["rules"][at[1]], at[2]
    write_set(world.admin, world.namespace, round_)
    world.allow(without(documents, at))
    mark = plane.audit_mark()
    done = world.user("apply", "test", "--yes")
    (resource,) = rule["resources"]
    said = done.err + done.out
    if done.code:
        assert not writes_since(plane, mark), (rule, verb, done)
        assert "nothing was written" in done.err
        assert resource.partition("/")[0] in said, (rule, verb, done)
        return "refused"
    return "noted" if verb in said and resource in said and "may not" in said else f"not told: {verb} {resource}"


NOT_NEEDED_EVERY_TIME = {
    "get configmaps": "an earlier name of the rule gives it",
}
"""Rights that one deployment can do without: what they are for did not happen in it."""


def taken_away(world: World, plane: ControlPlane, chosen: int | None) -> dict[str, int]:
    documents = world.roles()
    world.allow(documents)
    first = eventually(lambda: world.user("apply", "test", "--yes"), lambda done: done.code == 0, 20)
    assert first.code == 0
    every = takes(documents)
    picked = every if chosen is None else random.Random(SEED).sample(every, chosen)
    found: dict[str, int] = {}
    for round_, at in enumerate(picked, 1):
        told = assert_told_before_any_write(world, plane, documents, at, round_)
        found[told] = found.get(told, 0) + 1
        world.allow(documents)
        eventually(lambda: world.user("apply", "test", "--yes"), lambda done: done.code == 0, 20)
    return found


def test_a_right_that_is_taken_away_is_told_before_any_write(world: World, own_control_plane: ControlPlane) -> None:
    print(taken_away(world, own_control_plane, SAMPLE))


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_each_right_that_is_taken_away_is_told_before_any_write(world: World, own_control_plane: ControlPlane) -> None:
    print(f"\nrights taken away: {taken_away(world, own_control_plane, None)}")
