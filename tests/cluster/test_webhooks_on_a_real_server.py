"""Admission webhooks: what they change is not ours, what they refuse is told, and what is down is named."""

from __future__ import annotations

from typing import Any

import pytest

from gitops_push.cluster.http_api import HttpApi
from gitops_push.cluster.planner import make_plan
from gitops_push.core.deployment import Result
from gitops_push.core.errors import PlanError, RefusedError
from gitops_push.core.fidelity import check_fidelity
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.objects import ObjectRef
from gitops_push.core.plan import Action, Change, Fidelity, Plan
from tests.cluster.deploying import deployed, prepare, results
from tests.cluster.planning import request_for, until
from tests.cluster.webhooks import configured, denied, patched, running
from tests.controlplane.cluster import ControlPlane
from tests.unit.cluster.plans import change_of, config_map

Body = dict[str, Any]
NOWHERE = {"url": "https://127.0.0.1:9/"}
ALLOWED = {"allowed": True}


def in_namespace(body: Body, namespace: str) -> Body:
    return {**body, "metadata": {**body["metadata"], "namespace": namespace}}


def fields_of(change: Change) -> list[str]:
    return [format_field_path(field.path) for field in change.fields]


def injecting(request: Body) -> Body:
    """Add an annotation and a field, and change the one that is called mode."""
    if request["operation"] == "DELETE" or request["name"] != "env":
        return ALLOWED
    data = request["object"]["data"]
    added: list[Body] = [{"op": "add", "path": "/data/injected", "value": "yes"}]
    if "annotations" not in request["object"]["metadata"]:
        added.append({"op": "add", "path": "/metadata/annotations", "value": {"injected.example.com/by": "webhook"}})
    if data.get("mode") == "free":
        added.append({"op": "replace", "path": "/data/mode", "value": "strict"})
    return patched(*added)


def test_what_a_mutating_webhook_adds_is_the_server_s_and_no_drift_after_the_apply(
    own_control_plane: ControlPlane, api: HttpApi, reader: HttpApi, namespace: str
) -> None:
    wanted = in_namespace(config_map(a="1", mode="free"), namespace)
    with running(injecting) as webhook, configured(own_control_plane, namespace, webhook.client_config, mutating=True):
        until(lambda: _is_asked(reader, namespace, webhook.requests))
        change = change_of(make_plan(request_for(namespace, wanted), reader), "env")
        assert (change.action, fields_of(change)) == (Action.CREATE, ["data.a", "data.mode"])
        assert webhook.about("env") == [True]
        assert deployed(api, namespace, wanted).exit_code == 0
        assert webhook.about("env")[-1] is False
        live = api.get(_config_maps(api), namespace, "env")
        assert live is not None
        assert live["data"] == {"a": "1", "mode": "strict", "injected": "yes"}
        after = change_of(prepare(api, namespace, wanted).plan, "env")
        assert (after.action, after.fields) == (Action.UNCHANGED, ())
        edited = in_namespace(config_map(a="2", mode="free"), namespace)
        assert fields_of(change_of(prepare(api, namespace, edited).plan, "env")) == ["data.a"]


def test_a_webhook_that_refuses_dry_runs_leaves_the_object_unverified_and_the_apply_works(
    own_control_plane: ControlPlane, api: HttpApi, namespace: str
) -> None:
    wanted = in_namespace(config_map(a="1"), namespace)

    def only_for_real(request: Body) -> Body:
        refuses = request.get("dryRun") and request["name"] in {"env", "probe"}
        return denied("this webhook does not support dry run") if refuses else ALLOWED

    with running(only_for_real) as webhook, configured(own_control_plane, namespace, webhook.client_config):
        until(lambda: _is_asked(api, namespace, webhook.requests))
        plan = prepare(api, namespace, wanted).plan
        change = change_of(plan, "env")
        assert (change.action, change.fidelity) == (Action.CREATE, Fidelity.REFUSED)
        assert "does not support dry run" in change.reason
        with pytest.raises(RefusedError, match="--min-fidelity client"):
            check_fidelity(plan.changes, Fidelity.CLIENT)
        assert results(deployed(api, namespace, wanted))["env"] is Result.DONE
        again = change_of(prepare(api, namespace, wanted).plan, "env")
        assert (again.action, again.fidelity) == (Action.UNCHANGED, Fidelity.REFUSED)
        other = in_namespace(config_map(a="2"), namespace)
        changed = change_of(make_plan(request_for(namespace, other), api), "env")
        assert (changed.action, fields_of(changed)) == (Action.UPDATE, ["data.a"])


def test_a_webhook_that_is_down_is_a_rejection_that_names_it_and_ignoring_it_passes(
    own_control_plane: ControlPlane, reader: HttpApi, namespace: str
) -> None:
    wanted = request_for(namespace, in_namespace(config_map(a="1"), namespace))
    with configured(own_control_plane, namespace, NOWHERE, failure_policy="Ignore"):
        assert change_of(make_plan(wanted, reader), "env").fidelity is Fidelity.SERVER
    with configured(own_control_plane, namespace, NOWHERE) as name:
        until(lambda: _fails(reader, namespace))
        retries = reader.retry_counts.retries
        with pytest.raises(PlanError) as raised:
            make_plan(wanted, reader)
        (problem,) = raised.value.problems
        assert f'failed calling webhook "{name}"' in problem.message
        assert problem.hint == "an admission webhook does not answer: is its workload running?"
        assert problem.ref == ObjectRef("", "ConfigMap", namespace, "env")
        assert reader.retry_counts.retries > retries


def test_a_webhook_whose_service_is_in_the_set_is_told_by_that_service(
    own_control_plane: ControlPlane, reader: HttpApi, namespace: str
) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "hook"}, "spec": {"ports": [{"port": 443}]}}
    wanted = request_for(namespace, in_namespace(config_map(a="1"), namespace), in_namespace(service, namespace))
    client_config = {"service": {"namespace": namespace, "name": "hook", "path": "/x"}, "caBundle": ""}
    with configured(own_control_plane, namespace, client_config):
        until(lambda: _fails(reader, namespace))
        with pytest.raises(PlanError) as raised:
            make_plan(wanted, reader)
        (problem,) = raised.value.problems
        assert f"v1/Service {namespace}/hook of this set" in str(problem.hint)


def _config_maps(api: HttpApi) -> Any:
    return api.served_kinds().find("", "ConfigMap")


def _probe(reader: HttpApi, namespace: str) -> Plan:
    return make_plan(request_for(namespace, in_namespace(config_map("probe", a="1"), namespace)), reader)


def _is_asked(reader: HttpApi, namespace: str, requests: list[Body]) -> bool:
    """The server takes a moment to heed a new configuration."""
    _probe(reader, namespace)
    return bool(requests)


def _fails(reader: HttpApi, namespace: str) -> bool:
    try:
        _probe(reader, namespace)
    except PlanError:
        return True
    return False
