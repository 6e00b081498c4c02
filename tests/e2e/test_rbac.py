"""The printed role is enough for its purpose, each rule of it is needed, and a missing one is told before any write."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.controlplane import workloads
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl, make_kubectl
from tests.controlplane.waiting import eventually
from tests.e2e.judging import writes_since
from tests.e2e.program import VARIABLE, Program

SEED = 20261125
SAMPLE = 2
ALWAYS_NEEDED = {("deployments", "patch"), ("leases", "update"), ("roles", "escalate")}
NOT_NEEDED = "not needed by this run"
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


def may(world: World, plane: ControlPlane, role: dict[str, Any], rule: dict[str, Any], verb: str) -> bool:
    """Ask the server whether the account has a right by now."""
    resource, _, subresource = rule["resources"][0].partition("/")
    asked = {
        "verb": verb,
        "group": rule["apiGroups"][0],
        "resource": resource,
        "subresource": subresource,
        "name": rule.get("resourceNames", [""])[0],
        "namespace": role["metadata"].get("namespace", ""),
    }
    user = f"system:serviceaccount:{world.namespace}:gitops-push-test-deploy"
    review = {"spec": {"user": user, "resourceAttributes": asked}}
    answer = plane.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return bool(answer["status"]["allowed"])


def assert_told_before_any_write(
    world: World, plane: ControlPlane, documents: list[dict[str, Any]], at: tuple[int, int, str], round_: int
) -> str:
    """Take a verb away and deploy: returns how it was told. Fails if it was not, or something was written before."""
    rule, verb = documents[at[0]]["rules"][at[1]], at[2]
    write_set(world.admin, world.namespace, round_)
    world.allow(without(documents, at))
    eventually(lambda: may(world, plane, documents[at[0]], rule, verb), lambda allowed: not allowed)
    mark = plane.audit_mark()
    done = world.user("apply", "test", "--yes")
    (resource,) = rule["resources"]
    said = done.err + done.out
    if verb == "bind":  # the plan and a note say it; whether the server minds, it alone knows
        assert "may not bind roles" in said, said
        return "noted"
    if done.code:
        written = [str(event) for event in writes_since(plane, mark)]
        assert not written, f"without {verb} of {resource}: {said}\n{written}"
        assert "nothing was written" in done.err
        assert resource.partition("/")[0] in said, (rule, verb, done)
        return "refused"
    return "noted" if verb in said and resource in said and "may not" in said else NOT_NEEDED


def taken_away(world: World, plane: ControlPlane, chosen: int | None) -> Counter[str]:
    documents = world.roles()
    world.allow(documents)
    first = eventually(lambda: world.user("apply", "test", "--yes"), lambda done: done.code == 0, 20)
    assert first.code == 0
    every = takes(documents)
    sure = [at for at in every if (documents[at[0]]["rules"][at[1]]["resources"][0], at[2]) in ALWAYS_NEEDED]
    picked = every if chosen is None else [*sure, *random.Random(SEED).sample(every, chosen)]
    found: Counter[str] = Counter()
    for round_, at in enumerate(picked, 1):
        told = assert_told_before_any_write(world, plane, documents, at, round_)
        found[told] += 1
        world.allow(documents)
        eventually(lambda: world.user("apply", "test", "--yes"), lambda done: done.code == 0, 20)
    return found


def test_a_right_that_is_taken_away_is_told_before_any_write(world: World, own_control_plane: ControlPlane) -> None:
    found = taken_away(world, own_control_plane, SAMPLE)
    assert found["refused"] >= len(ALWAYS_NEEDED), found


def test_the_role_for_plans_dry_runs_and_the_policy_denies_every_write(
    world: World, control_plane: ControlPlane, namespace: str
) -> None:
    assert world.admin("apply", "test", "--yes").code == 0
    write_set(world.admin, namespace, 1)
    printed = world.admin("rbac", "test", "--for", "diff")
    assert printed.code == 0, printed
    documents = list(yaml.safe_load_all(printed.out))
    try:
        world.allow(documents)
        kubeconfig = control_plane.service_account_kubeconfig(namespace, "gitops-push-test-diff")
        user = world.admin.having(**{VARIABLE: kubeconfig})
        writer = make_kubectl(world.admin.folder.parent, kubeconfig)
        create = ("-n", namespace, "create", "configmap", "mine", "--dry-run=server", "-o", "name")
        eventually(lambda: denied(writer, "-n", namespace, "create", "configmap", "probe"), within_seconds=20)
        plan = user("diff", "test", "--exit-code")
        assert plan.code == 3, plan
        assert "not checked by the server" not in plan.out, plan
        assert writer(*create)
        for write in (
            ("create", "configmap", "mine"),
            ("delete", "configmap", "settings"),
            ("delete", "deployment", "web"),
            ("annotate", "secret", "login", "a=b"),
            ("patch", "deployment", "web", "-p", '{"spec": {"replicas": 0}}'),
        ):
            assert denied(writer, "-n", namespace, *write), write
        assert world.kubectl.get("deployment", "web", "-n", namespace)["spec"]["replicas"] == 1
    finally:
        policies = [one for one in documents if one["kind"].startswith("ValidatingAdmission")]
        world.kubectl("delete", "-f", "-", stdin=yaml.safe_dump_all(policies))


def denied(kubectl: Kubectl, *arguments: str) -> bool:
    """Return whether the policy denies what kubectl asks for."""
    return "may dry-run, and write nothing" in kubectl.run(*arguments).stderr


def test_the_role_for_drift_only_reads(world: World, control_plane: ControlPlane, namespace: str) -> None:
    assert world.admin("apply", "test", "--yes").code == 0
    documents = list(yaml.safe_load_all(world.admin("rbac", "test", "--for", "drift").out))
    verbs = {verb for document in documents for rule in document.get("rules", ()) for verb in rule["verbs"]}
    assert verbs <= {"get", "list"}
    world.allow(documents)
    kubeconfig = control_plane.service_account_kubeconfig(namespace, "gitops-push-test-drift")
    user = world.admin.having(**{VARIABLE: kubeconfig})
    world.kubectl("-n", namespace, "scale", "deployment", "web", "--replicas=2")
    done = eventually(lambda: user("drift", "test", "--no-dry-run", "--exit-code"), lambda done: done.code == 3, 20)
    assert "spec.replicas" in done.out, done


@pytest.mark.parametrize("account", ["name", "/", "a/b/c", "A/b", "-/x"])
def test_an_account_that_is_none_is_told(world: World, account: str) -> None:
    done = world.admin("rbac", "test", "--service-account", account)
    assert (done.code, "write NAMESPACE/NAME" in done.err) == (2, True), done


def test_a_kind_that_nothing_defines_is_told(world: World) -> None:
    world.admin.write("app/other.yaml", "apiVersion: example.com/v1\nkind: Policy\nmetadata: {name: a}\n")
    done = world.admin("rbac", "test")
    assert done.code == 0, done
    assert "nothing in the set defines example.com/Policy" in done.err
    assert "policies" in done.out


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_each_right_that_is_taken_away_is_told_before_any_write(world: World, own_control_plane: ControlPlane) -> None:
    found = taken_away(world, own_control_plane, None)
    print(f"\nrights taken away: {found}; of those that the run needed, none was missed")
    assert found["refused"] >= 15
    assert found["noted"] >= 15
