"""Objects that `kubectl apply` made become ours: what is not in git any more goes, as the plan said."""

from __future__ import annotations

import json
from typing import Any

from gitops_push.cluster.client import HttpApi
from gitops_push.cluster.deployer import deploy
from gitops_push.cluster.drift import report_drift
from gitops_push.core.deployment import Result
from gitops_push.core.fielddiff import ABSENT
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.normalization import comparable
from gitops_push.core.ownership import ForcedConflicts
from gitops_push.core.plan import Action, Change, Plan
from gitops_push.core.secret_values import LAST_APPLIED
from tests.cluster.deploying import deployed, prepare
from tests.cluster.planning import request_for
from tests.controlplane import workloads
from tests.controlplane.kubectl import Kubectl
from tests.unit.cluster.plans import change_of

Body = dict[str, Any]
SELF = ForcedConflicts(objects=frozenset({"Deployment/web"}))


def config_map(namespace: str, **data: str) -> Body:
    metadata = {"name": "env", "namespace": namespace, "annotations": {"team": "a"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def web(namespace: str, **spec: Any) -> Body:
    body = workloads.deployment("web", replicas=3)
    body["metadata"]["namespace"] = namespace
    body["spec"].update(spec)
    return body


def applied_by_kubectl(kubectl: Kubectl, body: Body, *flags: str) -> None:
    kubectl("apply", "-f", "-", *flags, stdin=json.dumps(body))


def planned(api: HttpApi, namespace: str, *bodies: Body, **changes: Any) -> Plan:
    return prepare(api, namespace, *bodies, **changes).plan


def managers(body: Body) -> list[tuple[str, str, str]]:
    entries = body["metadata"]["managedFields"]
    return [(e["manager"], e["operation"], e.get("subresource", "")) for e in entries]


def fields_of(change: Change) -> dict[str, tuple[Any, Any]]:
    return {format_field_path(field.path): (field.before, field.after) for field in change.fields}


def live(kubectl: Kubectl, namespace: str, kind: str, name: str) -> Body:
    body: Body = kubectl.get(kind, name, "-n", namespace, "--show-managed-fields")
    return body


def test_what_kubectl_applied_is_taken_over_and_what_git_has_not_is_named_and_goes(
    api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    applied_by_kubectl(kubectl, config_map(namespace, A="1", OLD="x"))
    wanted = config_map(namespace, A="2")
    del wanted["metadata"]["annotations"]
    before = live(kubectl, namespace, "configmap", "env")
    change = change_of(planned(api, namespace, wanted), "env")
    assert live(kubectl, namespace, "configmap", "env") == before
    assert change.action is Action.TAKE_OVER
    shown = fields_of(change)
    part_of = 'metadata.labels["applyset.kubernetes.io/part-of"]'
    assert shown.pop(part_of)[0] is ABSENT
    assert shown == {"data.A": ("1", "2"), "data.OLD": ("x", ABSENT), "metadata.annotations.team": ("a", ABSENT)}
    assert change.take_over
    assert change.take_over.gone == ("data.OLD", "metadata.annotations.team")
    assert [entry.manager for entry in change.take_over.entries] == ["kubectl-client-side-apply"]
    assert change.take_over.removed == (f'metadata.annotations["{LAST_APPLIED}"]',)
    assert deployed(api, namespace, wanted).exit_code == 0
    after = live(kubectl, namespace, "configmap", "env")
    assert (after["data"], "annotations" in after["metadata"]) == ({"A": "2"}, False)
    assert managers(after) == [("gitops-push", "Apply", "")]
    assert planned(api, namespace, wanted).count(Action.UNCHANGED) == 1


def test_a_default_that_comes_back_is_shown_and_losing_replicas_needs_consent(
    api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    applied_by_kubectl(kubectl, web(namespace, minReadySeconds=5, revisionHistoryLimit=2))
    wanted = web(namespace)
    del wanted["spec"]["replicas"]
    blocked = change_of(planned(api, namespace, wanted), "web")
    assert blocked.action is Action.BLOCKED
    assert "would scale it from 3 to 1" in blocked.reason
    assert "add `replicas: 3`" in blocked.reason
    assert "--force-conflict Deployment/web" in blocked.reason
    todo = prepare(api, namespace, wanted, forced=SELF)
    change = change_of(todo.plan, "web")
    assert change.action is Action.TAKE_OVER
    shown = fields_of(change)
    assert shown["spec.replicas"] == (3, 1)
    assert shown["spec.revisionHistoryLimit"] == (2, 10)
    assert shown["spec.minReadySeconds"] == (5, ABSENT)
    assert deploy(todo, api).exit_code == 0
    after = live(kubectl, namespace, "deployment", "web")
    assert (after["spec"]["replicas"], after["spec"]["revisionHistoryLimit"]) == (1, 10)
    assert "minReadySeconds" not in after["spec"]


def test_what_people_set_by_hand_beside_kubectl_apply_stays_theirs(
    api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    applied_by_kubectl(kubectl, web(namespace))
    kubectl("annotate", "deployment", "web", "-n", namespace, "by=hand")
    kubectl("scale", "deployment", "web", "-n", namespace, "--replicas=4")
    wanted = web(namespace)
    del wanted["spec"]["replicas"]
    change = change_of(planned(api, namespace, wanted), "web")
    assert (change.action, change.take_over and change.take_over.gone) == (Action.TAKE_OVER, ())
    assert deployed(api, namespace, wanted).exit_code == 0
    after = live(kubectl, namespace, "deployment", "web")
    assert after["spec"]["replicas"] == 4
    assert after["metadata"]["annotations"]["by"] == "hand"
    assert ("kubectl-client-side-apply", "Update", "") not in managers(after)
    assert planned(api, namespace, wanted).count(Action.UNCHANGED) == 1


def test_after_adoption_a_field_that_leaves_the_manifest_really_disappears(
    api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    applied_by_kubectl(kubectl, config_map(namespace, A="1", B="2"))
    assert deployed(api, namespace, config_map(namespace, A="1", B="2")).exit_code == 0
    assert deployed(api, namespace, config_map(namespace, A="1")).exit_code == 0
    assert live(kubectl, namespace, "configmap", "env")["data"] == {"A": "1"}


def test_kubectl_apply_by_hand_after_adoption_brings_no_old_values_back(
    api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    applied_by_kubectl(kubectl, config_map(namespace, A="1", B="2"))
    wanted = config_map(namespace, A="9", C="3")
    assert deployed(api, namespace, wanted).exit_code == 0
    before = comparable(live(kubectl, namespace, "configmap", "env"))
    applied_by_kubectl(kubectl, wanted)
    assert comparable(live(kubectl, namespace, "configmap", "env")) == before
    change = change_of(planned(api, namespace, wanted), "env")
    assert (change.action, change.fields) == (Action.TAKE_OVER, ())
    assert deployed(api, namespace, wanted).exit_code == 0
    assert planned(api, namespace, wanted).count(Action.UNCHANGED) == 1


def test_kubectl_apply_on_the_server_side_is_adopted_once_and_a_co_owner_later(
    api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    applied_by_kubectl(kubectl, config_map(namespace, A="1", OLD="x"), "--server-side")
    wanted = config_map(namespace, A="1")
    assert change_of(planned(api, namespace, wanted), "env").action is Action.TAKE_OVER
    assert deployed(api, namespace, wanted).exit_code == 0
    assert live(kubectl, namespace, "configmap", "env")["data"] == {"A": "1"}
    mine = config_map(namespace, BESIDE="y")
    applied_by_kubectl(kubectl, mine, "--server-side")
    assert planned(api, namespace, wanted).count(Action.UNCHANGED) == 1


def test_what_kubectl_created_before_it_applied_is_adopted_too(api: HttpApi, namespace: str, kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", "--save-config", stdin=json.dumps(config_map(namespace, A="1", OLD="x")))
    applied_by_kubectl(kubectl, config_map(namespace, A="1", OLD="x", B="2"))
    wanted = config_map(namespace, A="1")
    change = change_of(planned(api, namespace, wanted), "env")
    assert change.take_over
    assert change.take_over.gone == ("data.B", "data.OLD")
    assert deployed(api, namespace, wanted).exit_code == 0
    assert live(kubectl, namespace, "configmap", "env")["data"] == {"A": "1"}


def test_an_object_that_moved_since_the_plan_is_not_handed_over(api: HttpApi, namespace: str, kubectl: Kubectl) -> None:
    applied_by_kubectl(kubectl, config_map(namespace, A="1"))
    todo = prepare(api, namespace, config_map(namespace, A="2"))
    kubectl("patch", "configmap", "env", "-n", namespace, "-p", '{"data":{"A":"hot"}}')
    before = live(kubectl, namespace, "configmap", "env")
    (outcome,) = (o for o in deploy(todo, api).outcomes if o.ref.name == "env")
    assert (outcome.result, "somebody changed it" in outcome.message) == (Result.FAILED, True)
    assert live(kubectl, namespace, "configmap", "env") == before


def test_drift_says_of_an_object_of_kubectl_that_it_is_not_ours_yet(
    api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    applied_by_kubectl(kubectl, config_map(namespace, A="1"))
    wanted = request_for(namespace, config_map(namespace, A="2"))
    (drift,) = report_drift(wanted, api).drifted
    assert drift.reason == "not ours yet: apply takes it over from kubectl-client-side-apply"
    assert deployed(api, namespace, config_map(namespace, A="2")).exit_code == 0
    assert report_drift(wanted, api).drifted == ()
    applied_by_kubectl(kubectl, config_map(namespace, A="3"))
    (drift,) = report_drift(wanted, api).drifted
    assert drift.reason == ""
