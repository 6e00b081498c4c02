from __future__ import annotations

from typing import Any

import pytest

from gitops_push.core.added_fields import added_by_people
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.managed_fields import field_set

OURS = field_set({"f:metadata": {"f:labels": {"f:app": {}}}, "f:spec": {"f:replicas": {}, "f:args": {}}})

LIVE: dict[str, Any] = {
    "metadata": {
        "creationTimestamp": "2026-01-01T09:00:00Z",
        "labels": {"app": "x", "by-hand": "yes"},
        "annotations": {"kubectl.kubernetes.io/restartedAt": "now", "deployment.kubernetes.io/revision": "1"},
    },
    "spec": {
        "replicas": 2,
        "args": ["a"],
        "template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now", "note": "n"}}},
        "containers": [{"name": "side", "image": "s:1", "env": [{"name": "A", "value": "1"}]}],
        "paused": True,
    },
}
ADDED = {
    "f:metadata": {
        "f:labels": {".": {}, "f:by-hand": {}, "f:gone": {}},
        "f:annotations": {"f:kubectl.kubernetes.io/restartedAt": {}, "f:deployment.kubernetes.io/revision": {}},
    },
    "f:spec": {
        "f:replicas": {},
        "f:paused": {},
        "f:template": {
            "f:metadata": {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/restartedAt": {}, "f:note": {}}}
        },
        "f:containers": {
            'k:{"name":"side"}': {
                ".": {},
                "f:name": {},
                "f:image": {},
                "f:env": {".": {}, 'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}}},
            }
        },
    },
}


LATER = "2026-01-01T10:00:00Z"


def added(manager: str, operation: str = "Update", subresource: str = "", time: str = LATER) -> set[str]:
    entry = {
        "manager": manager,
        "operation": operation,
        "subresource": subresource,
        "time": time,
        "apiVersion": "v1",
        "fieldsV1": ADDED,
    }
    live = {**LIVE, "metadata": {**LIVE["metadata"], "managedFields": [entry]}}
    return {format_field_path(field.path) for field in added_by_people(live, OURS)}


def test_people_add_leaves_and_whole_items_of_lists() -> None:
    assert added("kubectl-edit") == {
        "metadata.labels.by-hand",
        "spec.containers[name=side]",
        "spec.paused",
        "spec.template.metadata.annotations.note",
    }


@pytest.mark.parametrize("manager", ["kube-controller-manager", "image-updater"])
def test_what_controllers_add_is_theirs(manager: str) -> None:
    assert added(manager) == set()


@pytest.mark.parametrize("manager", ["kubectl-client-side-apply", "kubectl-create", "before-first-apply"])
def test_what_created_the_object_also_set_its_defaults_and_is_passed_over(manager: str) -> None:
    assert added(manager) == set()


def test_an_apply_and_a_subresource_are_no_edits() -> None:
    assert added("kubectl", operation="Apply") == set()
    assert added("kubectl-edit", subresource="status") == set()


def test_a_tool_that_may_create_counts_only_when_it_came_later() -> None:
    assert added("k9s") == added("kubectl-edit")
    assert added("k9s", time="2026-01-01T09:00:00Z") == set()
    assert added("kubectl-edit", time="2026-01-01T09:00:00Z") == added("kubectl-edit")
