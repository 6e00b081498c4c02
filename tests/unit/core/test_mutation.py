from __future__ import annotations

from typing import Any

import pytest

from gitops_push.core.mutation import mutations_of


def webhook(**rule: Any) -> dict[str, Any]:
    return {"kind": "MutatingWebhookConfiguration", "webhooks": [{"name": "w"}, {"name": "x", "rules": [rule]}]}


def policy(**rule: Any) -> dict[str, Any]:
    return {"kind": "MutatingAdmissionPolicy", "spec": {"matchConstraints": {"resourceRules": [rule]}}}


APPS = {"apiGroups": ["apps"], "operations": ["UPDATE"]}


@pytest.mark.parametrize("make", [webhook, policy])
@pytest.mark.parametrize(
    ("rule", "may_change"),
    [
        ({**APPS, "resources": ["deployments"]}, True),
        ({**APPS, "resources": ["*"]}, True),
        ({**APPS, "resources": ["*/*"]}, True),
        ({**APPS, "resources": ["deployments/*"]}, True),
        ({**APPS, "resources": ["deployments"], "operations": ["*"]}, True),
        ({**APPS, "resources": ["deployments"], "operations": ["CREATE"]}, False),
        ({**APPS, "resources": ["deployments/scale", "*/status"]}, False),
        ({**APPS, "resources": ["statefulsets"]}, False),
        ({**APPS, "resources": ["*"], "apiGroups": [""]}, False),
        ({**APPS, "resources": ["*"], "apiGroups": ["*"]}, True),
        ({**APPS, "resources": ["deployments"], "apiGroups": ["extensions"]}, True),
        ({}, True),
    ],
)
def test_a_rule_may_change_the_updates_that_it_matches(make: Any, rule: dict[str, Any], may_change: bool) -> None:
    assert mutations_of([make(**rule)]).may_change("apps", "deployments") is may_change


def test_a_policy_without_constraints_may_change_everything() -> None:
    assert mutations_of([{"kind": "MutatingAdmissionPolicy", "spec": {}}]).may_change("apps", "deployments")


def test_nothing_changes_anything_where_there_is_nothing() -> None:
    assert not mutations_of([{"kind": "MutatingWebhookConfiguration"}]).may_change("apps", "deployments")
