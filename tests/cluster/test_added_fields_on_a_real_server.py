"""`addedFields: remove`: what people added goes with the apply, in one write of the object's content, as planned."""

from __future__ import annotations

from typing import Any

import pytest

from gitops_push.cluster.client import HttpApi
from gitops_push.cluster.deployer import deploy
from gitops_push.cluster.drift import report_drift
from gitops_push.core.deployment import Result
from gitops_push.core.environment import AddedFields, FieldRule
from gitops_push.core.fielddiff import ABSENT
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.plan import Action, Plan
from tests.cluster.deploying import deployed, prepare, results
from tests.cluster.planning import request_for
from tests.controlplane.kubectl import Kubectl
from tests.unit.cluster.plans import actions, config_map, deployment

Body = dict[str, Any]
REMOVE: dict[str, Any] = {"added_fields": AddedFields.REMOVE}


def placed(namespace: str, *bodies: Body) -> list[Body]:
    return [{**body, "metadata": {**body["metadata"], "namespace": namespace}} for body in bodies]


@pytest.fixture
def bodies(api: HttpApi, namespace: str) -> list[Body]:
    """What is deployed: a Deployment without pods, and a ConfigMap."""
    made = placed(namespace, deployment(replicas=0), config_map(a="1"))
    assert set(results(deployed(api, namespace, *made)).values()) == {Result.DONE}
    return made


def add_by_hand(kubectl: Kubectl, namespace: str) -> None:
    containers = '[{"name":"side","image":"side:1"},{"name":"web","env":[{"name":"DEBUG","value":"1"}]}]'
    kubectl(
        *("patch", "deployment", "web", "-n", namespace),
        *("-p", f'{{"spec":{{"paused":true,"template":{{"spec":{{"containers":{containers}}}}}}}}}'),
    )
    kubectl("label", "deployment", "web", "-n", namespace, "by-hand=yes")
    kubectl("patch", "configmap", "env", "-n", namespace, "--type=merge", "-p", '{"data":{"extra":"x"}}')


ADDED = {
    "data.extra",
    "metadata.labels.by-hand",
    "spec.paused",
    "spec.template.spec.containers[name=side]",
    "spec.template.spec.containers[name=web].env",
}


def removed(plan: Plan) -> set[str]:
    return {format_field_path(f.path) for c in plan.changes for f in c.fields if f.after is ABSENT}


def content(kubectl: Kubectl, namespace: str) -> list[Any]:
    web = kubectl.get("deployment", "web", "-n", namespace)
    env = kubectl.get("configmap", "env", "-n", namespace)
    return [web["spec"], web["metadata"]["labels"], env["data"]]


def test_what_people_added_goes_as_planned_and_nothing_else(
    api: HttpApi, reader: HttpApi, namespace: str, kubectl: Kubectl, bodies: list[Body]
) -> None:
    before = content(kubectl, namespace)
    add_by_hand(kubectl, namespace)
    request = prepare(api, namespace, *bodies, **REMOVE)
    assert actions(request.plan) == {"web": Action.TAKE_OVER, "env": Action.TAKE_OVER}
    assert removed(request.plan) == ADDED
    generation = kubectl.get("deployment", "web", "-n", namespace)["metadata"]["generation"]
    assert set(results(deploy(request, api)).values()) == {Result.DONE}
    assert content(kubectl, namespace) == before
    assert kubectl.get("deployment", "web", "-n", namespace)["metadata"]["generation"] == generation + 1
    again = prepare(api, namespace, *bodies, **REMOVE)
    assert set(actions(again.plan).values()) == {Action.UNCHANGED}
    assert report_drift(request_for(namespace, *bodies), reader).drifted == ()


def test_the_plan_says_what_was_added_and_by_whom(
    api: HttpApi, namespace: str, kubectl: Kubectl, bodies: list[Body]
) -> None:
    kubectl("label", "deployment", "web", "-n", namespace, "by-hand=yes")
    plan = prepare(api, namespace, *bodies, **REMOVE).plan
    (change,) = (change for change in plan.changes if change.action is Action.TAKE_OVER)
    (field,) = change.fields
    assert (format_field_path(field.path), field.before, field.after) == ("metadata.labels.by-hand", "yes", ABSENT)
    assert change.take_over is not None
    assert [(entry.manager, entry.fields) for entry in change.take_over.entries] == [("kubectl-label", 1)]
    assert change.take_over.added == change.take_over.gone == ("metadata.labels.by-hand",)


def test_by_default_what_people_added_stays(api: HttpApi, namespace: str, kubectl: Kubectl, bodies: list[Body]) -> None:
    add_by_hand(kubectl, namespace)
    assert set(actions(prepare(api, namespace, *bodies).plan).values()) == {Action.UNCHANGED}


def test_a_restart_what_controllers_add_and_what_rules_ignore_stays(
    api: HttpApi, namespace: str, kubectl: Kubectl, bodies: list[Body]
) -> None:
    kubectl("rollout", "restart", "deployment/web", "-n", namespace)
    patch = ("patch", "configmap", "env", "-n", namespace, "--type=merge", "-p")
    kubectl(*patch, '{"data":{"injected":"x"}}', "--field-manager=some-controller")
    kubectl(*patch, '{"data":{"ignored":"x"}}')
    rules = (FieldRule(kind="ConfigMap", field="data.ignored"),)
    plan = prepare(api, namespace, *bodies, ignore=rules, **REMOVE).plan
    assert set(actions(plan).values()) == {Action.UNCHANGED}


def test_it_goes_together_with_what_git_changes(
    api: HttpApi, namespace: str, kubectl: Kubectl, bodies: list[Body]
) -> None:
    add_by_hand(kubectl, namespace)
    moved = placed(namespace, deployment(replicas=0, image="web:2"), config_map(a="2"))
    assert set(results(deployed(api, namespace, *moved, **REMOVE)).values()) == {Result.DONE}
    spec, labels, data = content(kubectl, namespace)
    assert [c["image"] for c in spec["template"]["spec"]["containers"]] == ["web:2"]
    assert "by-hand" not in labels
    assert data == {"a": "2"}


def test_a_field_that_git_takes_up_is_no_addition(
    api: HttpApi, namespace: str, kubectl: Kubectl, bodies: list[Body]
) -> None:
    kubectl("patch", "configmap", "env", "-n", namespace, "--type=merge", "-p", '{"data":{"b":"2"}}')
    moved = [bodies[0], *placed(namespace, config_map(a="1", b="2"))]
    plan = prepare(api, namespace, *moved, **REMOVE).plan
    assert removed(plan) == set()
    assert set(results(deployed(api, namespace, *moved, **REMOVE)).values()) == {Result.DONE}
    assert content(kubectl, namespace)[2] == {"a": "1", "b": "2"}


def test_an_addition_after_the_plan_is_not_removed_unseen(
    api: HttpApi, namespace: str, kubectl: Kubectl, bodies: list[Body]
) -> None:
    kubectl("patch", "configmap", "env", "-n", namespace, "--type=merge", "-p", '{"data":{"extra":"x"}}')
    request = prepare(api, namespace, *bodies, **REMOVE)
    kubectl("patch", "configmap", "env", "-n", namespace, "--type=merge", "-p", '{"data":{"late":"y"}}')
    assert results(deploy(request, api))["env"] is Result.FAILED
    assert content(kubectl, namespace)[2] == {"a": "1", "extra": "x", "late": "y"}
