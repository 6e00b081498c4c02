"""Immutable fields: what the server's own rejections become in a plan, and what apply makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gitops_push.cluster.authorization import USER_AGENT
from gitops_push.cluster.deployer import DeployOptions, deploy
from gitops_push.cluster.drift import report_drift
from gitops_push.cluster.http_api import HttpApi
from gitops_push.cluster.planner import make_plan
from gitops_push.core.codes import Code
from gitops_push.core.drift import Cause
from gitops_push.core.environment import ConflictAction, ConflictRule, FieldRule
from gitops_push.core.errors import PlanError, RefusedError
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.plan import Action, Change, Fidelity, Plan
from gitops_push.core.plan_digest import plan_digest
from gitops_push.core.recreation import ANNOTATION
from gitops_push.reports.plan_text import plan_counts
from tests.cluster.deploying import deployed, message, prepare, stored
from tests.cluster.planning import apply_all, request_for, until
from tests.cluster.recreating import BY_CONSENT, BY_DEFAULT, NEVER, Immutable, changed, consenting, made
from tests.controlplane import workloads
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.unit.cluster.plans import environment

NO_WAIT = DeployOptions(wait=False)


def planned(api: HttpApi, namespace: str, before: Any, after: Any, **home: Any) -> Plan:
    """Apply `before`, then plan `after` with a connection that cannot write."""
    apply_all(request_for(namespace, before), api)
    return make_plan(request_for(namespace, after, environment=environment(namespace=namespace, **home)), api)


def only(plan: Plan) -> Change:
    (change,) = plan.changes
    return change


def live(kubectl: Kubectl, body: dict[str, Any], namespace: str) -> dict[str, Any]:
    resource = f"{body['kind']}.{body['apiVersion'].rpartition('/')[0]}".rstrip(".")
    found: dict[str, Any] = kubectl.get(resource, body["metadata"]["name"], "-n", namespace)
    return found


@pytest.mark.parametrize("case", [*BY_DEFAULT.values(), *BY_CONSENT.values()], ids=[*BY_DEFAULT, *BY_CONSENT])
def test_an_immutable_field_is_changed_by_a_recreation_that_the_plan_shows(
    api: HttpApi, reader: HttpApi, namespace: str, kubectl: Kubectl, case: Immutable
) -> None:
    before = case.before(namespace)
    deployed(api, namespace, before, options=NO_WAIT)
    old = live(kubectl, before, namespace)
    after = consenting(case.after(namespace))
    change = only(make_plan(request_for(namespace, after), reader))
    assert (change.action, change.fidelity) == (Action.RECREATE, Fidelity.SCHEMA)
    assert "cannot be changed in place" in change.reason
    assert change.fields, "the differing fields are shown"
    assert live(kubectl, before, namespace)["metadata"]["uid"] == old["metadata"]["uid"], "a plan deletes nothing"
    done = deployed(api, namespace, after)
    assert (done.exit_code, [o.message for o in done.outcomes]) == (0, [""])
    new = live(kubectl, before, namespace)
    assert new["metadata"]["uid"] != old["metadata"]["uid"]
    (entry,) = stored(api, namespace).entries
    assert entry.uid == new["metadata"]["uid"]
    assert only(make_plan(request_for(namespace, after), reader)).action is Action.UNCHANGED


@pytest.mark.parametrize("case", BY_CONSENT.values(), ids=BY_CONSENT.keys())
def test_without_consent_it_is_an_error_that_says_how_to_allow_it(
    api: HttpApi, namespace: str, case: Immutable
) -> None:
    with pytest.raises(PlanError) as caught:
        planned(api, namespace, case.before(namespace), case.after(namespace))
    (problem,) = caught.value.problems
    assert problem.code is Code.IMMUTABLE_FIELD
    assert problem.hint is not None
    assert f"{ANNOTATION}: enabled" in problem.hint
    assert "recreate: [{kind:" in problem.hint


@pytest.mark.parametrize("case", NEVER.values(), ids=NEVER.keys())
def test_what_holds_data_is_not_recreated_whatever_asks_for_it(api: HttpApi, namespace: str, case: Immutable) -> None:
    rules = (FieldRule(kind="*"),)
    with pytest.raises(PlanError) as caught:
        planned(api, namespace, case.before(namespace), consenting(case.after(namespace)), recreate=rules)
    (problem,) = caught.value.problems
    assert problem.code is Code.IMMUTABLE_FIELD
    assert problem.hint is not None
    assert "never" in problem.hint


def widgets(group: str) -> dict[str, Any]:
    """Return a definition with rules of CEL about changes, and about values."""
    rules = {
        "zone": [{"rule": "self == oldSelf"}],
        "plan": [{"rule": "self == oldSelf", "message": "plan cannot be changed"}],
        "size": [{"rule": "self >= oldSelf", "message": "size may not shrink"}],
        "note": [{"rule": "self != 'bad'", "message": "a bad note"}],
    }
    fields = {
        name: {"type": "integer" if name == "size" else "string", "x-kubernetes-validations": rule}
        for name, rule in rules.items()
    }
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": fields}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "widgets", "kind": "Widget"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    return made("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"widgets.{group}", spec=spec)


@pytest.fixture
def widget(api: HttpApi, namespace: str) -> dict[str, Any]:
    """A Widget whose definition is served."""
    group = f"{namespace}.example.com"
    body = made(f"{group}/v1", "Widget", "w", spec={"zone": "a", "plan": "a", "size": 3, "note": "ok"})
    body["metadata"]["namespace"] = namespace
    assert deployed(api, namespace, widgets(group), body).exit_code == 0
    return body


@pytest.mark.parametrize("field", ["zone", "plan"])
def test_a_custom_resource_is_recreated_by_consent_where_a_rule_forbids_the_change(
    api: HttpApi, namespace: str, widget: dict[str, Any], field: str
) -> None:
    after = changed(widget, ("spec", field), "b")
    with pytest.raises(PlanError) as caught:
        make_plan(request_for(namespace, after), api)
    (problem,) = caught.value.problems
    assert (problem.code, problem.hint and ANNOTATION in problem.hint) == (Code.IMMUTABLE_FIELD, True)
    rules = (FieldRule(kind="Widget", name="w"),)
    home = environment(namespace=namespace, recreate=rules)
    change = only(make_plan(request_for(namespace, after, environment=home), api))
    assert (change.action, change.immutable) == (Action.RECREATE, (f"spec.{field}",))
    definition = widgets(after["apiVersion"].partition("/")[0])
    assert deployed(api, namespace, definition, after, recreate=rules).exit_code == 0


@pytest.mark.parametrize(("field", "value"), [("size", 1), ("note", "bad")])
def test_another_rule_of_a_custom_resource_is_no_reason_to_recreate_it(
    api: HttpApi, namespace: str, widget: dict[str, Any], field: str, value: Any
) -> None:
    with pytest.raises(PlanError) as caught:
        make_plan(request_for(namespace, consenting(changed(widget, ("spec", field), value))), api)
    assert [problem.code for problem in caught.value.problems] == [Code.DRY_RUN_REJECTED]


def test_what_would_not_be_accepted_anew_is_an_error_before_anything_is_deleted(
    api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    web = BY_CONSENT["Deployment selector"]
    after = changed(consenting(web.after(namespace)), ("spec", "template", "metadata", "labels"), {"app": "other"})
    with pytest.raises(PlanError) as caught:
        planned(api, namespace, web.before(namespace), after)
    (problem,) = caught.value.problems
    assert problem.code is Code.DRY_RUN_REJECTED
    assert "the new object would not be accepted" in problem.message
    assert "gitops-push-trial" not in problem.message
    assert live(kubectl, after, namespace)


def test_a_complaint_that_only_the_change_causes_does_not_stand_in_the_way(api: HttpApi, namespace: str) -> None:
    job = {**workloads.job("x"), "metadata": {"name": "x", "namespace": namespace}}
    rule = {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [3]}}
    after = changed(job, ("spec", "podFailurePolicy"), {"rules": [rule]})
    assert only(planned(api, namespace, job, after)).action is Action.RECREATE


def test_two_trials_are_all_that_a_recreation_costs_and_they_write_nothing(
    own_control_plane: ControlPlane, api: HttpApi, reader: HttpApi, namespace: str
) -> None:
    job = BY_DEFAULT["Job template"]
    apply_all(request_for(namespace, job.before(namespace)), api)
    mark = own_control_plane.audit_mark()
    make_plan(request_for(namespace, job.after(namespace)), reader)
    sent = [
        (event.verb, event.name)
        for event in own_control_plane.audit_events(mark)
        if event.user_agent == USER_AGENT and event.resource == "jobs" and event.namespace == namespace
    ]
    assert sent[:3] == [("list", ""), ("patch", "x"), ("delete", "x")]
    assert [verb for verb, _ in sent] == ["list", "patch", "delete", "patch"]
    assert sent[3][1].startswith("gitops-push-trial-")
    assert [item["metadata"]["name"] for item in _jobs(api, namespace)] == ["x"]


def _jobs(api: HttpApi, namespace: str) -> Any:
    kind = api.served_kinds().find("batch", "Job")
    assert kind
    return api.list(kind, namespace).items


def test_a_service_with_every_address_of_its_own_is_tried_and_recreated(
    api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    spec = {"type": "NodePort", "selector": {"app": "x"}, "ports": [{"port": 80, "nodePort": 31789}]}
    service = made("v1", "Service", "x", spec=spec)
    service["metadata"]["namespace"] = namespace
    deployed(api, namespace, service)
    kept = live(kubectl, service, namespace)["spec"]["clusterIP"]
    after = consenting(changed(service, ("spec", "clusterIP"), _neighbour(kept)))
    change = only(make_plan(request_for(namespace, after), api))
    assert change.action is Action.RECREATE
    assert [format_field_path(f.path) for f in change.fields if f.path[0] == "spec"] == ["spec.clusterIP"]
    assert f"its cluster IP {kept} is given up" in change.impact
    assert not any("node port" in note for note in change.impact)
    assert deployed(api, namespace, after).exit_code == 0
    new = live(kubectl, service, namespace)["spec"]
    assert (new["clusterIP"], new["ports"][0]["nodePort"]) == (after["spec"]["clusterIP"], 31789)


def _neighbour(address: str) -> str:
    head, _, last = address.rpartition(".")
    return f"{head}.{(int(last) + 1) % 250 + 1}"


def test_a_quota_without_room_for_both_is_a_warning(api: HttpApi, namespace: str) -> None:
    quota = made("v1", "ResourceQuota", "q", spec={"hard": {"count/jobs.batch": "1"}})
    quota["metadata"]["namespace"] = namespace
    deployed(api, namespace, quota)
    job = BY_DEFAULT["Job template"]
    until(lambda: _quota_is_counted(api, namespace))
    deployed(api, namespace, quota, job.before(namespace), options=NO_WAIT)
    change = only(make_plan(request_for(namespace, job.after(namespace)), api))
    assert (change.action, change.fidelity) == (Action.RECREATE, Fidelity.SCHEMA)
    assert any("quota" in warning for warning in change.warnings)
    assert deployed(api, namespace, quota, job.after(namespace)).exit_code == 0


def _quota_is_counted(api: HttpApi, namespace: str) -> bool:
    kind = api.served_kinds().find("", "ResourceQuota")
    assert kind
    found = api.get(kind, namespace, "q")
    return bool(found and (found.get("status") or {}).get("hard"))


def test_a_binding_moves_to_a_role_that_comes_with_the_set(api: HttpApi, namespace: str, kubectl: Kubectl) -> None:
    rbac = "rbac.authorization.k8s.io"
    binding = BY_CONSENT["RoleBinding roleRef"].before(namespace)
    role = made(f"{rbac}/v1", "Role", "reader", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}])
    role["metadata"]["namespace"] = namespace
    after = consenting({**binding, "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "reader"}})
    deployed(api, namespace, binding)
    done = deployed(api, namespace, role, after)
    assert (done.exit_code, {str(o.action) for o in done.outcomes}) == (0, {"create", "recreate"})
    assert live(kubectl, binding, namespace)["roleRef"]["name"] == "reader"


def test_a_workload_is_recreated_with_its_pods_and_waited_for(api: HttpApi, namespace: str, kubectl: Kubectl) -> None:
    web = workloads.deployment("web", 3)
    web["metadata"]["namespace"] = namespace
    web["spec"]["template"]["metadata"]["labels"]["tier"] = "a"
    deployed(api, namespace, web)
    after = consenting(changed(web, ("spec", "selector", "matchLabels"), {"app": "web", "tier": "a"}))
    todo = prepare(api, namespace, after)
    change = only(todo.plan)
    assert change.impact == ("stops 3 pods before it starts new ones",)
    assert "1 recreate" in plan_counts(todo.plan)
    old = {pod["metadata"]["uid"] for pod in kubectl.get("pods", "-n", namespace)["items"]}
    done = deploy(todo, api)
    assert (done.exit_code, message(done, "web")) == (0, "")
    new = {pod["metadata"]["uid"] for pod in kubectl.get("pods", "-n", namespace)["items"]}
    assert len(new) == 3
    assert not old & new


def test_claims_of_a_recreated_stateful_set_stay_and_the_plan_says_so(
    api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    case = BY_CONSENT["StatefulSet claims"]
    before = changed(case.before(namespace), ("spec", "replicas"), 1)
    deployed(api, namespace, before)
    claims = {item["metadata"]["uid"] for item in kubectl.get("pvc", "-n", namespace)["items"]}
    after = consenting(changed(case.after(namespace), ("spec", "replicas"), 1))
    change = only(prepare(api, namespace, after).plan)
    assert "existing volume claims data keep their size of 1Gi: 2Gi holds for new ones only" in change.impact
    assert deployed(api, namespace, after).exit_code == 0
    assert {item["metadata"]["uid"] for item in kubectl.get("pvc", "-n", namespace)["items"]} == claims
    assert len(claims) == 1


def test_what_people_added_is_shown_as_going(api: HttpApi, namespace: str, kubectl: Kubectl) -> None:
    web = BY_CONSENT["Deployment selector"]
    apply_all(request_for(namespace, web.before(namespace)), api)
    kubectl("label", "deployment", "x", "-n", namespace, "team=blue")
    change = only(make_plan(request_for(namespace, consenting(web.after(namespace))), api))
    first, *rest = (format_field_path(field.path) for field in change.fields)
    assert first.startswith("spec.selector")
    assert "metadata.labels.team" in rest


def test_secret_values_of_a_recreation_stay_masked(api: HttpApi, namespace: str) -> None:
    case = BY_CONSENT["Secret data"]
    change = only(planned(api, namespace, case.before(namespace), consenting(case.after(namespace))))
    assert change.action is Action.RECREATE
    assert "hunter" not in repr(change)
    assert "aHVudGVy" not in repr(change)


def test_an_ignored_immutable_field_is_nothing_to_do(api: HttpApi, namespace: str) -> None:
    job = BY_DEFAULT["Job template"]
    ignore = (FieldRule(kind="Job", field="spec.template"),)
    change = only(planned(api, namespace, job.before(namespace), job.after(namespace), ignore=ignore))
    assert change.action is Action.UNCHANGED


@pytest.mark.parametrize("case", [*BY_DEFAULT.values(), *BY_CONSENT.values()], ids=[*BY_DEFAULT, *BY_CONSENT])
def test_drift_of_an_immutable_field_names_the_field(api: HttpApi, namespace: str, case: Immutable) -> None:
    apply_all(request_for(namespace, case.before(namespace)), api)
    (drift,) = report_drift(request_for(namespace, case.after(namespace)), api).drifted
    assert drift.cause is not Cause.UNVERIFIABLE
    changed_path = [str(step) for step in case.path if isinstance(step, str)]
    shown = [[step for step in field.change.path if isinstance(step, str)] for field in drift.fields]
    wanted = ["data" if step == "stringData" else step for step in changed_path]
    assert any(path[: len(wanted)] == wanted for path in shown), shown
    assert "cannot be changed in place" in drift.reason


def test_replicas_that_an_autoscaler_chose_outlive_a_recreation(api: HttpApi, namespace: str, kubectl: Kubectl) -> None:
    web = BY_CONSENT["Deployment selector"]
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}
    spec = {"minReplicas": 1, "maxReplicas": 9, "scaleTargetRef": target}
    scaler = made("autoscaling/v2", "HorizontalPodAutoscaler", "x", spec=spec)
    scaler["metadata"]["namespace"] = namespace
    before = changed(web.before(namespace), ("spec", "replicas"), 2)
    deployed(api, namespace, before, scaler)
    scale = ("--subresource=scale", "--type=merge", "--field-manager=kube-controller-manager")
    kubectl("patch", "deployment", "x", "-n", namespace, *scale, "-p", '{"spec":{"replicas":4}}')
    after = consenting(changed(web.after(namespace), ("spec", "replicas"), 2))
    todo = prepare(api, namespace, after, scaler)
    (change,) = (change for change in todo.plan.changes if change.ref.kind == "Deployment")
    assert change.action is Action.RECREATE
    assert "spec.replicas" not in [format_field_path(field.path) for field in change.fields]
    assert deploy(todo, api).exit_code == 0
    assert live(kubectl, after, namespace)["spec"]["replicas"] == 4


def test_two_plans_of_a_recreation_have_the_same_digest(api: HttpApi, namespace: str) -> None:
    for case in (BY_CONSENT["Service clusterIP"], BY_CONSENT["StatefulSet claims"], BY_DEFAULT["Pod command"]):
        before, after = case.before(namespace), consenting(case.after(namespace))
        first, second = (planned(api, namespace, before, after) for _ in range(2))
        assert only(first).action is Action.RECREATE
        assert plan_digest(first) == plan_digest(second)


def test_in_a_protected_environment_a_recreation_takes_nothing_from_people(
    api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    job = BY_DEFAULT["Job template"]
    apply_all(request_for(namespace, job.before(namespace)), api)
    home = environment(namespace=namespace, protected=True)
    request = request_for(namespace, job.after(namespace), environment=home)
    assert only(make_plan(request, api)).action is Action.RECREATE
    kubectl("patch", "job", "x", "-n", namespace, "-p", '{"spec":{"backoffLimit":5}}')
    with pytest.raises(RefusedError) as caught:
        make_plan(request, api)
    assert [problem.code for problem in caught.value.problems] == [Code.FIELD_CONFLICT]


def test_an_object_of_somebody_else_is_blocked_and_not_tried(
    own_control_plane: ControlPlane, api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    job = BY_DEFAULT["Job template"]
    apply_all(request_for(namespace, job.before(namespace)), api)
    owner = kubectl.get("configmap", "kube-root-ca.crt", "-n", namespace)["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "kube-root-ca.crt", "uid": owner, "controller": True}
    patch = json.dumps({"metadata": {"ownerReferences": [reference]}})
    kubectl("patch", "job", "x", "-n", namespace, "-p", patch)
    mark = own_control_plane.audit_mark()
    assert only(make_plan(request_for(namespace, job.after(namespace)), api)).action is Action.BLOCKED
    asked = [event.verb for event in own_control_plane.audit_events(mark) if event.resource == "jobs"]
    assert "delete" not in asked


def test_a_field_that_was_left_to_another_manager_begins_anew_with_the_value_of_the_config(
    api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    web = BY_CONSENT["Deployment selector"]
    field = "spec.template.spec.containers[name=app].image"
    rules = (ConflictRule(manager="image-updater", field=field, action=ConflictAction.YIELD),)
    deployed(api, namespace, web.before(namespace))
    image = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "registry.example/app:9"}]}}}}
    updater = ("--field-manager=image-updater", "-p", json.dumps(image))
    kubectl("patch", "deployment", "x", "-n", namespace, *updater)
    assert only(prepare(api, namespace, web.before(namespace), conflicts=rules).plan).action is not Action.UPDATE
    todo = prepare(api, namespace, consenting(web.after(namespace)), conflicts=rules)
    change = only(todo.plan)
    assert change.action is Action.RECREATE
    assert field in [format_field_path(shown.path) for shown in change.fields]
    assert deploy(todo, api).exit_code == 0
    container = live(kubectl, web.before(namespace), namespace)["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "registry.example/app:1.0"


def test_a_template_that_makes_the_servers_answer_too_long_to_keep_is_known_all_the_same(
    api: HttpApi, namespace: str
) -> None:
    job = BY_DEFAULT["Job template"]
    env = [{"name": f"V{number}", "value": "x: field is mutable " * 5} for number in range(100)]
    before, after = (
        changed(body, ("spec", "template", "spec", "containers", 0, "env"), env)
        for body in (job.before(namespace), job.after(namespace))
    )
    change = only(planned(api, namespace, before, after))
    assert (change.action, change.immutable) == (Action.RECREATE, ("spec.template",))
    assert len(change.fields) == 1
