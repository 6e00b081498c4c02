"""What the server changes by itself is told apart from what the config repo changes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gitops_push.cluster.drift import report_drift
from gitops_push.cluster.http_api import HttpApi
from gitops_push.cluster.planner import make_plan
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.plan import Action, Change, Plan
from gitops_push.reports.json_report import plan_data
from gitops_push.reports.plan_text import plan_lines
from tests.cluster.mutating_policies import mutated
from tests.cluster.planning import apply_all, request_for, until
from tests.cluster.test_reading_a_plan_on_a_real_server import HEADER, in_namespace
from tests.controlplane.cluster import ControlPlane
from tests.unit.cluster.plans import change_of, config_map, deployment

INJECTED = 'Object{metadata: Object.metadata{annotations: {"injected": "by-the-server"}}}'


def paths(fields: Any) -> list[str]:
    return [format_field_path(field.path) for field in fields]


def text_of(plan: Plan, *, server_fields: bool) -> list[str]:
    return [line.text for line in plan_lines(plan, HEADER, server_fields=server_fields)]


def test_what_a_policy_sets_in_a_changed_object_is_the_servers_and_no_drift(
    control_plane: ControlPlane, api: HttpApi, reader: HttpApi, namespace: str
) -> None:
    before, after = (in_namespace(config_map(a=value), namespace) for value in "12")
    apply_all(request_for(namespace, before), api)
    with mutated(control_plane, namespace, "configmaps", INJECTED):
        until(lambda: change_of(make_plan(request_for(namespace, before), reader), "env").server_changes)
        alone = make_plan(request_for(namespace, before), reader)
        both = make_plan(request_for(namespace, after), reader)
        assert report_drift(request_for(namespace, before), reader).drifted == ()
        apply_all(request_for(namespace, after), api)
        assert change_of(make_plan(request_for(namespace, after), reader), "env").action is Action.UNCHANGED
    assert (change_of(alone, "env").action, change_of(alone, "env").fields) == (Action.UPDATE, ())
    change = change_of(both, "env")
    assert (paths(change.fields), paths(change.server_fields)) == (["data.a"], ["metadata.annotations.injected"])
    assert "    1 field set or changed by the server itself (--show-server-changes)" in text_of(
        both, server_fields=False
    )
    told = text_of(both, server_fields=True)
    at = told.index("    1 field set or changed by the server itself:")
    assert told[at + 1] == "        metadata.annotations.injected: set to by-the-server"
    (data,) = plan_data(both, server_fields=True)["changes"]
    assert data["serverChanges"] == 1
    assert data["serverFields"] == [{"path": "metadata.annotations.injected", "after": "by-the-server"}]
    assert "serverFields" not in plan_data(both)["changes"][0]


def test_defaults_of_a_new_object_are_listed_only_if_asked_for(reader: HttpApi, namespace: str) -> None:
    plan = make_plan(request_for(namespace, in_namespace(deployment(), namespace)), reader)
    change = change_of(plan, "web")
    assert "spec.progressDeadlineSeconds" in paths(change.server_fields)
    assert "spec.template.spec.containers[name=web].terminationMessagePath" in paths(change.server_fields)
    assert not set(paths(change.server_fields)) & set(paths(change.fields))
    assert "progressDeadlineSeconds" not in "\n".join(text_of(plan, server_fields=False))
    assert "        spec.progressDeadlineSeconds: set to 600" in text_of(plan, server_fields=True)


@pytest.mark.parametrize("server_fields", [True, False])
def test_a_secret_that_the_server_copies_elsewhere_is_masked_there_too(
    server_fields: bool, control_plane: ControlPlane, api: HttpApi, reader: HttpApi, namespace: str
) -> None:
    leak = 'Object{metadata: Object.metadata{annotations: {"copy": string(object.data.password)}}}'
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login", "namespace": namespace},
        "data": {"password": "Y29ycmVjdC1ob3JzZQ=="},
    }
    apply_all(request_for(namespace, secret), api)

    def planned() -> Change:
        return change_of(make_plan(request_for(namespace, secret), reader), "login")

    with mutated(control_plane, namespace, "secrets", leak):
        until(lambda: planned().server_changes)
        plan = make_plan(request_for(namespace, secret), reader)
    assert paths(change_of(plan, "login").server_fields) == ["metadata.annotations.copy"]
    shown = "\n".join(text_of(plan, server_fields=server_fields))
    shown += json.dumps(plan_data(plan, server_fields=server_fields)) + repr(plan)
    assert "correct-horse" not in shown
    assert "Y29ycmVjdC1ob3JzZQ" not in shown
