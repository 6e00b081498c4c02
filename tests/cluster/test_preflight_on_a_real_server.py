"""Every right that a deployment needs is asked for before its first write: each one taken away in turn."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pytest

from gitops_push.cluster.access import denied
from gitops_push.cluster.api import AccessQuestion, ApiWriter
from gitops_push.cluster.client import HttpApi
from gitops_push.cluster.deploy_request import DeployOptions
from gitops_push.cluster.preflight import check_before_writing
from gitops_push.core.errors import GitopsPushError, PlanError
from tests.cluster.connecting import connected
from tests.cluster.deploying import deployed, prepare
from tests.cluster.gadgets import sprocket_definition
from tests.cluster.planning import until
from tests.controlplane import workloads
from tests.controlplane.access import RequestError
from tests.controlplane.audit import AuditMark, writes
from tests.controlplane.cluster import ControlPlane

Rule: TypeAlias = tuple[str, str, str]
"""API group ("*" for that of the custom resources), resource and verb."""

IN_NAMESPACE: tuple[Rule, ...] = (
    *(("", "configmaps", verb) for verb in ("get", "create", "patch", "update", "delete")),
    *(("coordination.k8s.io", "leases", verb) for verb in ("get", "create", "update")),
    *(("apps", "deployments", verb) for verb in ("get", "list", "watch", "create", "patch")),
    *(("batch", "jobs", verb) for verb in ("get", "list", "watch", "create", "patch", "delete")),
    *(("", "pods", verb) for verb in ("list", "watch")),
    ("", "pods/log", "get"),
    ("", "events", "list"),
    ("apps", "replicasets", "get"),
)
EVERYWHERE: tuple[Rule, ...] = (
    *(("", "namespaces", verb) for verb in ("get", "list", "watch", "create", "patch")),
    *(("apiextensions.k8s.io", "customresourcedefinitions", verb) for verb in ("get", "create", "patch")),
    *(("", "secrets", verb) for verb in ("get", "create", "patch")),
    *(("*", "sprockets", verb) for verb in ("get", "list", "watch", "create", "patch")),
)
DISPENSABLE: dict[Rule, str] = {
    ("", "configmaps", "create"): "does not get into the history",
    ("apps", "deployments", "get"): "reported as unknown",
    ("apps", "deployments", "list"): "instead of being watched",
    ("apps", "deployments", "watch"): "instead of being watched",
    ("batch", "jobs", "list"): "instead of being watched",
    ("batch", "jobs", "watch"): "instead of being watched",
    ("", "pods", "list"): "fewer words",
    ("", "pods", "watch"): "fewer words",
    ("", "pods/log", "get"): "fewer words",
    ("", "events", "list"): "fewer words",
    ("apps", "replicasets", "get"): "fewer words",
    ("", "namespaces", "get"): "reported as unknown",
    ("", "namespaces", "list"): "instead of being watched",
    ("", "namespaces", "watch"): "instead of being watched",
    ("*", "sprockets", "get"): "reported as unknown",
    ("*", "sprockets", "list"): "instead of being watched",
    ("*", "sprockets", "watch"): "instead of being watched",
}
"""Without these a run goes on, and says what it does without."""


@dataclass
class World:
    """A user of the narrowest role, and a set that creates, updates, recreates, deletes, and brings its foundations."""

    plane: ControlPlane
    admin: ApiWriter
    user: HttpApi
    name: str
    namespace: str
    group: str
    told: list[str] = field(default_factory=list)

    def allow(self, taken: Rule | None = None) -> None:
        """Give the user all rules but one, and wait until the server goes by them."""
        base = "/apis/rbac.authorization.k8s.io/v1"
        for path, rules in (
            (f"{base}/namespaces/{self.namespace}/roles/{self.name}", IN_NAMESPACE),
            (f"{base}/clusterroles/{self.name}", EVERYWHERE),
        ):
            role = self.plane.request("GET", path)
            role["rules"] = [self._as_rule(rule) for rule in rules if rule != taken]
            self.plane.request("PUT", path, role)
        questions = {rule: self._question(rule) for rule in (*IN_NAMESPACE, *EVERYWHERE)}
        expected = {questions[taken]} if taken else set()
        until(lambda: denied(self.user, questions.values(), 8) == expected)

    def _as_rule(self, rule: Rule) -> dict[str, Any]:
        group, resource, verb = rule
        return {"apiGroups": [self.group if group == "*" else group], "resources": [resource], "verbs": [verb]}

    def _question(self, rule: Rule) -> AccessQuestion:
        group, resource, verb = rule
        resource, _, subresource = resource.partition("/")
        namespace = self.namespace if rule in IN_NAMESPACE else ""
        return AccessQuestion(verb, self.group if group == "*" else group, resource, namespace, "", subresource)

    def earlier_set(self) -> tuple[dict[str, Any], ...]:
        """What is deployed already."""
        return (self.config_map("settings", "1"), self.config_map("old", "1"), self.job("1"))

    def next_set(self) -> tuple[dict[str, Any], ...]:
        """What the user deploys."""
        fresh = f"{self.namespace}-new"
        return (
            self.config_map("settings", "2"),
            self.job("2"),
            self._placed(workloads.deployment("web")),
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": fresh}},
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login", "namespace": fresh}},
            sprocket_definition(self.group),
            {
                "apiVersion": f"{self.group}/v1",
                "kind": "Sprocket",
                "metadata": {"name": "one", "namespace": self.namespace},
                "spec": {},
            },
        )

    def config_map(self, name: str, value: str) -> dict[str, Any]:
        return self._placed({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": value}})

    def job(self, version: str) -> dict[str, Any]:
        made = self._placed(workloads.job("migrate"))
        made["spec"]["template"]["spec"]["containers"][0]["image"] = f"registry.example/app:{version}"
        return made

    def _placed(self, body: dict[str, Any]) -> dict[str, Any]:
        return {**body, "metadata": {**body["metadata"], "namespace": self.namespace}}

    def deploy(self) -> int:
        """Plan and deploy as the user; returns the exit code, and collects the warnings."""
        self.told.clear()
        options = DeployOptions(timeout_seconds=60, warning=self.told.append)
        return deployed(self.user, self.namespace, *self.next_set(), options=options).exit_code


@pytest.fixture
def world(own_control_plane: ControlPlane, api: HttpApi, namespace: str) -> Iterator[World]:
    name = f"deployer-{namespace}"
    subject = {"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"}
    base = "/apis/rbac.authorization.k8s.io/v1"
    for kind, path in (("Role", f"{base}/namespaces/{namespace}/"), ("ClusterRole", f"{base}/")):
        named: dict[str, Any] = {"metadata": {"name": name}}
        reference = {"kind": kind, "name": name, "apiGroup": "rbac.authorization.k8s.io"}
        own_control_plane.request("POST", f"{path}{kind.lower()}s", {**named, "rules": []})
        own_control_plane.request(
            "POST", f"{path}{kind.lower()}bindings", {**named, "roleRef": reference, "subjects": [subject]}
        )
    group = f"g{uuid.uuid4().hex[:8]}.example.com"
    with connected(own_control_plane.new_user(name)) as user:
        made = World(own_control_plane, api, user, name, namespace, group)
        assert deployed(api, namespace, *made.earlier_set()).exit_code == 0
        yield made
    own_control_plane.request("DELETE", f"{base}/clusterrolebindings/{name}")
    own_control_plane.request("DELETE", f"{base}/clusterroles/{name}")
    for path in (
        f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sprockets.{group}",
        f"/api/v1/namespaces/{namespace}-new",
    ):
        with suppress(RequestError):
            own_control_plane.request("DELETE", path)


def test_each_right_that_is_needed_is_missed_before_the_first_write_and_together_they_are_enough(world: World) -> None:
    for rule in sorted({*IN_NAMESPACE, *EVERYWHERE} - DISPENSABLE.keys()):
        world.allow(rule)
        mark = world.plane.audit_mark()
        with pytest.raises(GitopsPushError) as caught:
            world.deploy()
        assert writes(world.plane.audit_events(mark), user=world.name) == (), rule
        _, resource, verb = rule
        assert verb in str(caught.value), rule
        assert resource in str(caught.value), rule
    world.allow()
    assert world.deploy() == 0
    assert world.told == []


def test_without_a_right_that_only_helps_a_run_goes_on_and_says_what_it_does_without(world: World) -> None:
    for rule, loss in DISPENSABLE.items():
        world.allow(rule)
        request = prepare(world.user, world.namespace, *world.next_set())
        (told,) = check_before_writing(request, request.inventory, world.user, place_comes_with_set=True)
        group, resource, verb = rule
        assert told.startswith(f"the credential may not {verb} {resource}{'.' if group else ''}"), rule
        assert loss in told, rule


def test_what_is_missing_is_told_together_at_the_lines_that_need_it(world: World) -> None:
    request = prepare(world.admin, world.namespace, *world.next_set())
    with pytest.raises(PlanError) as caught:
        check_before_writing(request, request.inventory, world.user, place_comes_with_set=True)
    found = {(str(p.origin.file) if p.origin else "", p.message.split(" in ")[0]) for p in caught.value.problems}
    assert ("", "the credential may not get, update configmaps") in found
    assert ("migrate.yaml", "the credential may not get, delete, create, patch, list, watch jobs.batch") in found
    assert ("login.yaml", "the credential may not create, patch secrets") in found
    assert ("one.yaml", f"the credential may not create, patch, list, watch sprockets.{world.group}") in found


def test_one_review_covers_all_namespaces_and_names_where_the_wide_right_is_there(
    own_control_plane: ControlPlane, api: HttpApi, world: World
) -> None:
    questions = [
        AccessQuestion("delete", "", "configmaps", f"ns-{number}", f"name-{number}-{other}")
        for number in range(5)
        for other in range(5)
    ]
    mark = own_control_plane.audit_mark()
    assert denied(api, questions, 8) == frozenset()
    assert _reviews(own_control_plane, mark) == 1
    mark = own_control_plane.audit_mark()
    assert denied(world.user, questions, 8) == set(questions)
    assert _reviews(own_control_plane, mark) == 1 + 5 + 25


def _reviews(plane: ControlPlane, mark: AuditMark) -> int:
    return sum(event.resource == "selfsubjectaccessreviews" for event in plane.audit_events(mark))
