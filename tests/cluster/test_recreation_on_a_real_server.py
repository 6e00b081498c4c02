"""Immutable fields: what the server's own rejections become in a plan, and what apply makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from gitops_push.cluster.api import ApiWriter
from gitops_push.cluster.http_api import HttpApi
from gitops_push.cluster.planner import make_plan
from gitops_push.core.codes import Code
from gitops_push.core.environment import FieldRule
from gitops_push.core.errors import PlanError
from gitops_push.core.plan import Action, Change, Fidelity, Plan
from gitops_push.core.recreation import ANNOTATION
from tests.cluster.deploying import deployed, stored
from tests.cluster.planning import apply_all, request_for
from tests.cluster.recreating import BY_CONSENT, BY_DEFAULT, NEVER, Immutable, consenting
from tests.controlplane.kubectl import Kubectl
from tests.unit.cluster.plans import environment


def planned(api: ApiWriter, namespace: str, before: Any, after: Any, **home: Any) -> Plan:
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
    apply_all(request_for(namespace, before), api)
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
