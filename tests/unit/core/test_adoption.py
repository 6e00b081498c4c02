"""What an apply makes of a migrated object: the rules of the server's pruning that a dry run cannot be asked about."""

from __future__ import annotations

from typing import Any

import pytest

from gitops_push.core.adoption import Terms, adoption_of, expected_body, migrated_body

KUBECTL = "kubectl-client-side-apply"


def body(spec: dict[str, Any], **fields_of: dict[str, Any]) -> dict[str, Any]:
    """Return a Gadget whose managers have these fields of its spec."""
    managers = {"kubectl": (KUBECTL, "Update"), "ours": ("gitops-push", "Apply"), "other": ("other", "Apply")}
    entries = [
        {
            "manager": managers[who][0],
            "operation": managers[who][1],
            "apiVersion": "x/v1",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": fields},
        }
        for who, fields in fields_of.items()
    ]
    metadata = {"name": "a", "uid": "1", "managedFields": entries}
    return {"apiVersion": "x/v1", "kind": "Gadget", "metadata": metadata, "spec": spec}


LIMITS: dict[str, Any] = {"f:limits": {".": {}, "f:hard": {}}}
ITEM: dict[str, Any] = {'v:"a"': {}}

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "an empty map keeps a default beside what goes": (
        {"limits": {"hard": 6, "soft": 3}},
        LIMITS,
        {"limits": {}},
        {"f:limits": {}},
        {"limits": {"soft": 3}},
    ),
    "an empty map out of which all goes becomes null": (
        {"limits": {"hard": 6}},
        LIMITS,
        {"limits": {}},
        {"f:limits": {}},
        {"limits": None},
    ),
    "an atomic map is kept as a whole": (
        {"limits": {"hard": 6}},
        LIMITS,
        {"limits": {"hard": 6}},
        {"f:limits": {}},
        {"limits": {"hard": 6}},
    ),
    "an empty list of single items stays": (
        {"rings": [{"name": "r", "tags": ["a"]}, {"name": "s", "tags": []}]},
        {"f:rings": {'k:{"name":"r"}': {".": {}, "f:tags": ITEM}, 'k:{"name":"s"}': {".": {}, "f:tags": {}}}},
        {"rings": [{"name": "r", "tags": ["a"]}, {"name": "s"}]},
        {"f:rings": {'k:{"name":"r"}': {".": {}, "f:tags": ITEM}, 'k:{"name":"s"}': {".": {}, "f:name": {}}}},
        {"rings": [{"name": "r", "tags": ["a"]}, {"name": "s", "tags": []}]},
    ),
    "an empty list that is set as a whole goes": (
        {"mode": "a", "steps": []},
        {"f:mode": {}, "f:steps": {}},
        {"mode": "a"},
        {"f:mode": {}},
        {"mode": "a"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_nobody_sets_any_more_goes_as_the_server_prunes_it(case: str) -> None:
    before, by_kubectl, wanted, ours, after = CASES[case]
    live, manifest = body(before, kubectl=by_kubectl), body(wanted)
    adoption = adoption_of(live, manifest, Terms(frozenset({"id"})))
    assert adoption
    merged = body(before, kubectl=by_kubectl, ours=ours)
    expected = expected_body(migrated_body(live, adoption), merged, manifest, adoption)
    assert expected.get("spec", {}) == after
