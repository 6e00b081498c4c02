"""What a plan says beyond its fields, on a real API server: impact, replaced hashed names, long texts, secrets."""

from __future__ import annotations

import base64
import copy
import json
from pathlib import PurePath
from typing import Any

from gitops_push.cluster.client import HttpApi
from gitops_push.cluster.planner import make_plan
from gitops_push.core.checkout import Checkout
from gitops_push.core.plan import Action, Plan
from gitops_push.core.run import RunHeader
from gitops_push.reports.json_report import plan_data
from gitops_push.reports.plan_text import plan_lines
from tests.cluster.many_kinds import many_kinds
from tests.cluster.planning import apply_all, request_for
from tests.unit.cluster.plans import change_of, config_map, deployment, manifest

HEADER = RunHeader("1", "prod", Checkout(PurePath("/config")))


def text_of(plan: Plan) -> list[str]:
    return [line.text for line in plan_lines(plan, HEADER)]


def in_namespace(body: dict[str, Any], namespace: str) -> dict[str, Any]:
    return {**body, "metadata": {**body["metadata"], "namespace": namespace}}


def labelled(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "metadata": {**body["metadata"], "labels": {"changed": "yes"}}}


def test_a_new_label_on_every_kind_brings_nothing_about(api: HttpApi, reader: HttpApi, namespace: str) -> None:
    bodies = many_kinds(namespace)
    apply_all(request_for(namespace, *bodies), api)
    plan = make_plan(request_for(namespace, *(labelled(body) for body in bodies)), reader)
    assert plan.count(Action.UPDATE) >= 10
    assert {change.ref: change.impact for change in plan.changes if change.impact} == {}


def test_a_new_image_restarts_the_pods_that_are_there_and_a_new_scale_none(
    api: HttpApi, reader: HttpApi, namespace: str
) -> None:
    web = in_namespace(deployment(), namespace)
    apply_all(request_for(namespace, web), api)
    image = in_namespace(deployment(image="web:2"), namespace)
    assert change_of(make_plan(request_for(namespace, image), reader), "web").impact == ("restarts 2 pods",)
    scaled = in_namespace(deployment(replicas=5), namespace)
    assert change_of(make_plan(request_for(namespace, scaled), reader), "web").impact == ()
    stopped = in_namespace(deployment(replicas=0), namespace)
    plan = make_plan(request_for(namespace, stopped), reader)
    assert change_of(plan, "web").impact == ("scales to 0: stops all of its pods (2)",)


def test_variables_that_pods_keep_are_named_and_files_are_not(api: HttpApi, reader: HttpApi, namespace: str) -> None:
    web = in_namespace(deployment(), namespace)
    container = web["spec"]["template"]["spec"]["containers"][0]
    container["envFrom"] = [{"configMapRef": {"name": "env"}}]
    container["volumeMounts"] = [{"name": "files", "mountPath": "/etc/web"}]
    web["spec"]["template"]["spec"]["volumes"] = [{"name": "files", "configMap": {"name": "files"}}]
    maps = [in_namespace(config_map(name, a="1"), namespace) for name in ("env", "files")]
    apply_all(request_for(namespace, web, *maps), api)
    changed = [{**body, "data": {"a": "2"}} for body in maps]
    plan = make_plan(request_for(namespace, web, *changed), reader)
    assert change_of(plan, "env").impact == ("running pods of Deployment web keep the old values until they restart",)
    assert change_of(plan, "files").impact == ()


def test_a_hashed_name_is_one_row_with_the_difference_and_both_are_counted(
    api: HttpApi, reader: HttpApi, namespace: str
) -> None:
    def hashed(digit: str, **data: str) -> Any:
        body = in_namespace(config_map(f"env-{digit * 10}", **data), namespace)
        return manifest(body, unhashed_name="env")

    owned = apply_all(request_for(namespace, hashed("2", a="one", same="x")), api)
    plan = make_plan(request_for(namespace, hashed("4", a="two", same="x"), owned=owned), reader)
    rows = [line for line in text_of(plan) if line.startswith(("+", "!"))]
    assert rows == [
        f"+  create  v1/ConfigMap {namespace}/env-4444444444  replaces env-2222222222; data.a one -> two",
    ]
    data = plan_data(plan)
    assert data["counts"] == {"create": 1, "delete": 1}
    by_action = {change["action"]: change for change in data["changes"]}
    assert by_action["create"]["renamedFrom"] == "env-2222222222"
    assert by_action["delete"]["replacedBy"] == "env-4444444444"
    (field,) = by_action["create"]["fields"]
    assert (field["path"], field["before"], field["after"]) == ("data.a", "one", "two")
    assert field["origin"]["file"] == "env-4444444444.yaml"


def test_a_long_text_shows_its_changed_lines_and_never_a_secret_in_it(
    api: HttpApi, reader: HttpApi, namespace: str
) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "pass", "namespace": namespace},
        "data": {"p": base64.b64encode(b"hunter2-canary").decode()},
    }
    lines = [f"key{n}: {n % 50}" for n in range(5000)]
    lines[2501] = "password: hunter2-canary"
    changed = [*lines]
    for at in (10, 2500, 2502, 4990):
        changed[at] = f"changed: {at}"
    before, after = ("\n".join(text) for text in (lines, changed))
    wanted = in_namespace(config_map(conf=before), namespace)
    apply_all(request_for(namespace, secret, wanted), api)
    plan = make_plan(request_for(namespace, secret, {**wanted, "data": {"conf": after}}), reader)
    shown = text_of(plan)
    assert sum(line.strip().startswith("+changed") for line in shown) == 4
    assert sum(line.strip().startswith("-key") for line in shown) == 4
    assert any("password: \u2039secret:" in line for line in shown)
    assert "hunter2" not in "\n".join(shown) + json.dumps(plan_data(plan))


def test_what_is_kept_has_its_reason_once_in_text_and_in_json(api: HttpApi, reader: HttpApi, namespace: str) -> None:
    kept = in_namespace(config_map("kept"), namespace)
    kept["metadata"]["annotations"] = {"helm.sh/resource-policy": "keep"}
    gone = in_namespace(config_map("gone"), namespace)
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "claim", "namespace": namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    stays = in_namespace(config_map("stays"), namespace)
    owned = apply_all(request_for(namespace, copy.deepcopy(kept), gone, claim, stays), api)
    plan = make_plan(request_for(namespace, stays, owned=owned), reader)
    reasons = {
        "kept": "its annotation helm.sh/resource-policy says keep",
        "claim": "objects of kind PersistentVolumeClaim are deleted only if prune.kinds names the kind",
    }
    assert {c["name"]: c["reason"] for c in plan_data(plan)["changes"] if c["action"] == "kept"} == reasons
    text = "\n".join(text_of(plan))
    assert [text.count(reason) for reason in reasons.values()] == [1, 1]
    assert change_of(plan, "gone").action is Action.PRUNE
