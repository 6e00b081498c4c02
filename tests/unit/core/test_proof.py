from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from gitops_push.core.proof import Doubt, doubt_about, is_settled

Body = dict[str, Any]
Edit = Callable[[Body, Body], object]

FIELDS = {
    "f:metadata": {"f:labels": {"f:app": {}}, "f:finalizers": {'v:"a/b"': {}}},
    "f:spec": {
        "f:replicas": {},
        "f:selector": {},
        "f:args": {},
        "f:emptyDir": {},
        "f:env": {
            'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}},
            'k:{"name":"B"}': {".": {}, "f:name": {}, "f:value": {}},
        },
        "f:pullSecrets": {'k:{"name":"S"}': {}},
    },
}
WANTED: Body = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}, "finalizers": ["a/b"]},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "args": ["x", "y"],
        "emptyDir": {},
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        "pullSecrets": [{"name": "S"}],
    },
}


def live_of(wanted: Body, fields: Body, **entry: Any) -> Body:
    live = copy.deepcopy(wanted)
    ours = {"manager": "gitops-push", "operation": "Apply", "apiVersion": "apps/v1", "time": "2026-01-02T00:00:00Z"}
    live["metadata"]["managedFields"] = [{**ours, "fieldsV1": copy.deepcopy(fields), **entry}]
    live["metadata"]["uid"] = "u"
    return live


@pytest.fixture
def live() -> Body:
    return live_of(WANTED, FIELDS)


@pytest.fixture
def wanted() -> Body:
    return copy.deepcopy(WANTED)


def test_the_same_values_under_exactly_our_fields_are_unchanged(live: Body, wanted: Body) -> None:
    assert doubt_about(live, wanted, custom=False) is None


def test_what_others_added_leaves_it_unchanged(live: Body, wanted: Body) -> None:
    live["spec"]["env"].insert(1, {"name": "Z", "value": "9"})
    live["spec"]["env"].append({"name": "Y", "value": "9"})
    live["metadata"]["labels"]["other"] = "x"
    live["status"] = {"replicas": 1}
    live["metadata"]["managedFields"].append(
        {"manager": "kubectl-edit", "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": {"f:spec": {}}}
    )
    assert doubt_about(live, wanted, custom=False) is None


def at(body: Body, *path: Any) -> Any:
    for step in path:
        body = body[step]
    return body


ENV = ("metadata", "managedFields", 0, "fieldsV1", "f:spec", "f:env")
SPEC_FIELDS = ENV[:-1]
CHANGES: dict[str, tuple[Edit, Doubt]] = {
    "another value": (lambda live, w: w["spec"].update(replicas=3), Doubt.VALUE),
    "a string for a number": (lambda live, w: w["spec"].update(replicas="2"), Doubt.VALUE),
    "a float for an integer": (lambda live, w: w["spec"].update(replicas=2.0), Doubt.VALUE),
    "true for 1": (lambda live, w: (live["spec"].update(replicas=1), w["spec"].update(replicas=True)), Doubt.VALUE),
    "null": (lambda live, w: (live["spec"].update(replicas=None), w["spec"].update(replicas=None)), Doubt.VALUE),
    "an item of an atomic list": (lambda live, w: w["spec"]["args"].reverse(), Doubt.VALUE),
    "a value in an atomic map": (
        lambda live, w: w["spec"]["selector"]["matchLabels"].update(app="x"),
        Doubt.VALUE,
    ),
    "an atomic map that is wanted empty": (lambda live, w: w["spec"].update(selector={}), Doubt.VALUE),
    "a map that was applied empty and that others filled": (
        lambda live, w: (
            live["spec"].update(emptyDir={"medium": "Memory"}),
            w["spec"].update(emptyDir={"medium": "Memory"}),
        ),
        Doubt.UNCLEAR,
    ),
    "a field that is not ours": (lambda live, w: at(live, *SPEC_FIELDS).pop("f:replicas"), Doubt.OWNED),
    "a field that only we still have": (lambda live, w: w["spec"].pop("replicas"), Doubt.OWNED),
    "a field that is not there": (lambda live, w: live["spec"].pop("replicas"), Doubt.VALUE),
    "a new item": (lambda live, w: w["spec"]["env"].append({"name": "C", "value": "3"}), Doubt.OWNED),
    "a removed item": (lambda live, w: w["spec"]["env"].pop(), Doubt.OWNED),
    "another item": (lambda live, w: w["spec"]["env"][0].update(name="C"), Doubt.OWNED),
    "an item that is not there": (lambda live, w: live["spec"]["env"].pop(), Doubt.VALUE),
    "an item with another value": (lambda live, w: live["spec"]["env"][1].update(value="9"), Doubt.VALUE),
    "items in another order": (lambda live, w: w["spec"]["env"].reverse(), Doubt.ORDER),
    "an item twice": (lambda live, w: w["spec"]["env"].__setitem__(1, w["spec"]["env"][0]), Doubt.ORDER),
    "an item twice in the live list": (
        lambda live, w: live["spec"]["env"].append({"name": "A", "value": "1"}),
        Doubt.ORDER,
    ),
    "an item without its key": (lambda live, w: w["spec"]["env"][0].pop("name"), Doubt.ORDER),
    "an item that is not a member": (lambda live, w: at(live, *ENV)['k:{"name":"A"}'].pop("."), Doubt.OWNED),
    "a map that is a member by an update": (lambda live, w: at(live, *SPEC_FIELDS).update({".": {}}), Doubt.OWNED),
    "a list that is a member by an update": (lambda live, w: at(live, *ENV).update({".": {}}), Doubt.OWNED),
    "a whole item of another value": (
        lambda live, w: w["spec"]["pullSecrets"][0].update(more="x"),
        Doubt.VALUE,
    ),
    "another member of a set": (lambda live, w: w["metadata"]["finalizers"].__setitem__(0, "c/d"), Doubt.OWNED),
    "a member of a set that is gone": (lambda live, w: live["metadata"].update(finalizers=[]), Doubt.VALUE),
    "an entry of another version": (
        lambda live, w: live["metadata"]["managedFields"][0].update(apiVersion="apps/v1beta1"),
        Doubt.ENTRY,
    ),
    "a second entry of our manager": (
        lambda live, w: live["metadata"]["managedFields"].append(
            {"manager": "gitops-push", "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": {}}
        ),
        Doubt.ENTRY,
    ),
    "no entry of ours": (lambda live, w: live["metadata"].pop("managedFields"), Doubt.ENTRY),
    "a deletion": (lambda live, w: live["metadata"].update(deletionTimestamp="2026-01-01T00:00:00Z"), Doubt.DELETED),
    "a pod": (lambda live, w: w.update(kind="Pod"), Doubt.KIND),
    "generateName": (lambda live, w: w["metadata"].update(generateName="web-"), Doubt.OWNED),
    "an empty list that nobody records": (lambda live, w: w["spec"].update(tolerations=[]), Doubt.OWNED),
}


@pytest.mark.parametrize(("change", "doubt"), CHANGES.values(), ids=CHANGES)
def test_every_other_state_is_a_doubt(live: Body, wanted: Body, change: Edit, doubt: Doubt) -> None:
    change(live, wanted)
    assert doubt_about(live, wanted, custom=False) is doubt


def test_an_empty_map_or_list_that_the_server_does_not_store_is_a_doubt(live: Body, wanted: Body) -> None:
    for body in (live, wanted):
        body["metadata"]["annotations"] = {}
        body["spec"]["args"] = []
    live["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"]["f:annotations"] = {}
    del live["metadata"]["annotations"], live["spec"]["args"]
    assert doubt_about(live, wanted, custom=False) is Doubt.VALUE


def test_a_reference_is_compared_with_the_default_that_the_server_adds(live: Body, wanted: Body) -> None:
    at(live, *SPEC_FIELDS)["f:fieldRef"] = {}
    wanted["spec"]["fieldRef"] = {"fieldPath": "metadata.name"}
    live["spec"]["fieldRef"] = {"fieldPath": "metadata.name", "apiVersion": "v1"}
    assert doubt_about(live, wanted, custom=False) is None


def test_of_a_custom_kind_no_map_is_known_to_be_atomic(live: Body, wanted: Body) -> None:
    assert doubt_about(live, wanted, custom=True) is Doubt.UNCLEAR


def test_the_values_of_a_custom_map_may_be_members() -> None:
    wanted: Body = {"apiVersion": "apps/v1", "kind": "T", "metadata": {}, "spec": {"free": {"a": {"b": 1}}}}
    fields: Body = {"f:spec": {"f:free": {"f:a": {".": {}, "f:b": {}}}}}
    assert doubt_about(live_of(wanted, fields), wanted, custom=True) is None
    assert doubt_about(live_of(wanted, fields), wanted, custom=False) is Doubt.OWNED
    taken_over = {"f:spec": {".": {}, **fields["f:spec"]}}
    assert doubt_about(live_of(wanted, taken_over), wanted, custom=True) is Doubt.OWNED


WRITTEN = "2026-01-01T23:58:00Z"
LATELY = "2026-01-01T23:59:30Z"


@pytest.mark.parametrize(
    ("created", "writes", "settled"),
    [
        (WRITTEN, [], True),
        (WRITTEN, [{"manager": "helm", "operation": "Apply", "time": WRITTEN}], True),
        (WRITTEN, [{"manager": "helm", "operation": "Apply", "time": LATELY}], False),
        (WRITTEN, [{"manager": "server", "operation": "Update", "subresource": "status", "time": LATELY}], True),
        (WRITTEN, [{"manager": "helm", "operation": "Update"}], False),
        (LATELY, [], False),
        (None, [], False),
    ],
)
def test_a_definition_must_be_older_than_our_last_change(
    live: Body, created: str | None, writes: list[Body], settled: bool
) -> None:
    entries = [{"apiVersion": "v1", "fieldsV1": {}, **write} for write in writes]
    definition = {"metadata": {"creationTimestamp": created, "managedFields": entries}}
    assert is_settled(definition, live) is settled
