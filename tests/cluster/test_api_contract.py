"""What planner, deployer and waiter may rely on: one suite for the fake API server and a real one.

Where the two differ the fake is wrong. The facts come from `design/cluster.md`, where they were tried first.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from gitops_push.cluster.api import AccessQuestion, Answer, ApiFailure, ApiWriter, Precondition, ServedKind
from gitops_push.core.objects import Body
from tests.cluster.connecting import connected
from tests.controlplane.cluster import ControlPlane
from tests.fakes import FakeApiServer

NO_UID = "00000000-0000-4000-8000-000000000000"
ABSENT = Precondition(absent=True)
FREE = Precondition()
"""No precondition: only tests may do that."""


@dataclass(frozen=True)
class Place:
    """A server and a namespace of the test's own in it."""

    api: ApiWriter
    namespace: str

    def kind(self, group: str, kind: str) -> ServedKind:
        found = self.api.served_kinds().find(group, kind)
        assert found
        return found

    @property
    def config_maps(self) -> ServedKind:
        return self.kind("", "ConfigMap")

    def config_map(self, name: str = "a", data: dict[str, str] | None = None, **metadata: Any) -> dict[str, Any]:
        meta = {"name": name, "namespace": self.namespace, **metadata}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data or {"x": "1", "y": "2"}}

    def applied(self, body: Body, precondition: Precondition = FREE) -> Answer:
        kind = self.kind("" if body["apiVersion"] == "v1" else body["apiVersion"].split("/")[0], body["kind"])
        return self.api.apply(kind, self.namespace, body["metadata"]["name"], body, precondition)

    def dry_run(self, body: Body) -> Answer:
        kind = self.kind("" if body["apiVersion"] == "v1" else body["apiVersion"].split("/")[0], body["kind"])
        return self.api.dry_run_apply(kind, self.namespace, body["metadata"]["name"], body)

    def edited(self, name: str, **data: str) -> Body:
        """Change a ConfigMap by an Update, as another tool than server-side apply would."""
        live = self.api.get(self.config_maps, self.namespace, name)
        assert live
        return self.api.replace(self.config_maps, self.namespace, name, {**live, "data": {**live["data"], **data}}).body


@pytest.fixture(params=["fake", "real"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "fake":
        server = FakeApiServer()
        server.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        yield Place(server, "shop")
        return
    plane = request.getfixturevalue("control_plane")
    namespace = request.getfixturevalue("namespace")
    with connected(plane.kubeconfig) as api:
        yield Place(api, namespace)


def ours(body: Body, operation: str = "Apply") -> dict[str, Any]:
    entries: list[dict[str, Any]] = [
        entry
        for entry in body["metadata"]["managedFields"]
        if (entry["manager"], entry["operation"]) == ("gitops-push", operation)
    ]
    assert len(entries) == 1, body["metadata"]["managedFields"]
    return entries[0]


def version(body: Body) -> str:
    return str(body["metadata"]["resourceVersion"])


def guard(body: Body) -> Precondition:
    return Precondition(uid=body["metadata"]["uid"], resource_version=version(body))


def failing(call: Any) -> ApiFailure:
    with pytest.raises(ApiFailure) as caught:
        call()
    return caught.value


def test_the_suite_runs_on_a_real_server_too(control_plane: ControlPlane) -> None:
    """Asks for the fixture by its name, so that it is there before the first test of the suite."""
    with connected(control_plane.kubeconfig) as api:
        assert not isinstance(api, FakeApiServer)
        assert api.served_kinds().find("", "ConfigMap")
        assert api.retry_counts.requests == 2


# Reading


def test_discovery_knows_scope_and_plural(place: Place) -> None:
    deployment, namespace = place.kind("apps", "Deployment"), place.kind("", "Namespace")
    assert (deployment.resource, deployment.namespaced, deployment.api_version) == ("deployments", True, "apps/v1")
    assert (namespace.resource, namespace.namespaced) == ("namespaces", False)
    assert {"get", "list", "watch", "patch", "create", "delete"} <= deployment.verbs
    assert place.api.served_kinds().find("no.such.group", "Thing") is None
    assert place.api.served_kinds() is place.api.served_kinds() or isinstance(place.api, FakeApiServer)


def test_what_does_not_exist_is_none_also_in_a_missing_namespace(place: Place) -> None:
    assert place.api.get(place.config_maps, place.namespace, "nothing") is None
    assert place.api.get(place.config_maps, "no-such-namespace", "nothing") is None


def test_a_kind_that_is_not_served_is_a_failure_and_not_absence(place: Place) -> None:
    for kind in (ServedKind("", "v1", "Thing", "things", True), ServedKind("x.example", "v1", "Thing", "things", True)):
        assert failing(lambda kind=kind: place.api.get(kind, place.namespace, "a")).status == 404
        assert failing(lambda kind=kind: place.api.list(kind, place.namespace)).status == 404


def test_a_list_holds_whole_objects_of_its_namespace_and_selector(place: Place) -> None:
    place.applied(place.config_map("a", labels={"app": "web", "tier": "front"}))
    place.applied(place.config_map("b", labels={"app": "db"}))
    everything = place.api.list(place.config_maps, place.namespace)
    names = [item["metadata"]["name"] for item in everything.items]
    assert {"a", "b"} <= set(names)
    assert names == sorted(names)
    assert all((item["apiVersion"], item["kind"]) == ("v1", "ConfigMap") for item in everything.items)
    assert everything.resource_version
    selected = place.api.list(place.config_maps, place.namespace, "app=web,tier")
    assert [item["metadata"]["name"] for item in selected.items] == ["a"]
    assert place.api.list(place.config_maps, "no-such-namespace").items == ()
    assert len(place.api.list(place.config_maps).items) >= len(everything.items)


def test_an_administrator_may_do_everything(place: Place) -> None:
    assert place.api.may_i(AccessQuestion("delete", "", "secrets", place.namespace, "x"))


def test_the_log_of_a_pod_that_does_not_exist_is_a_failure(place: Place) -> None:
    failure = failing(lambda: place.api.pod_log(place.namespace, "none", "web", previous=False, lines=5))
    assert failure.status in {400, 404}


# Dry runs


def test_a_dry_run_of_a_new_object_is_201_without_a_version_and_creates_nothing(place: Place) -> None:
    answer = place.dry_run(place.config_map())
    assert answer.status == 201
    assert "resourceVersion" not in answer.body["metadata"]
    assert answer.body["metadata"]["uid"]
    assert answer.body["metadata"]["creationTimestamp"]
    assert answer.body["data"] == {"x": "1", "y": "2"}
    assert ours(answer.body)["fieldsV1"] == {"f:data": {"f:x": {}, "f:y": {}}}
    assert place.api.get(place.config_maps, place.namespace, "a") is None


def test_a_dry_run_of_an_existing_object_has_its_version_and_uid_and_changes_nothing(place: Place) -> None:
    live = place.applied(place.config_map()).body
    answer = place.dry_run(place.config_map(data={"x": "9"}))
    assert answer.status == 200
    assert (answer.body["metadata"]["uid"], version(answer.body)) == (live["metadata"]["uid"], version(live))
    assert answer.body["data"] == {"x": "9"}
    assert place.api.get(place.config_maps, place.namespace, "a") == live


def test_a_dry_run_that_changes_nothing_answers_the_live_object(place: Place) -> None:
    live = place.applied(place.config_map()).body
    assert place.dry_run(place.config_map()).body == live


def test_a_dry_run_in_a_missing_namespace_names_the_namespace(place: Place) -> None:
    body = {**place.config_map(), "metadata": {"name": "a", "namespace": "no-such-namespace"}}
    failure = failing(lambda: place.api.dry_run_apply(place.config_maps, "no-such-namespace", "a", body))
    assert (failure.status, failure.details_kind) == (404, "namespaces")
    assert 'namespaces "no-such-namespace" not found' in failure.message


def test_a_change_of_the_spec_raises_the_generation_of_the_dry_run_only(place: Place) -> None:
    live = place.applied(deployment(place, "web:1")).body
    answer = place.dry_run(deployment(place, "web:2"))
    assert answer.body["metadata"]["generation"] == live["metadata"]["generation"] + 1


# Server-side apply and managedFields


def test_an_apply_of_the_same_changes_neither_version_nor_time(place: Place) -> None:
    first = place.applied(place.config_map()).body
    assert place.applied(place.config_map(), guard(first)).body == first


def test_a_field_that_is_no_longer_applied_goes_if_nobody_else_has_it(place: Place) -> None:
    place.applied(place.config_map())
    assert place.applied(place.config_map(data={"x": "1"})).body["data"] == {"x": "1"}


def test_a_field_that_somebody_else_also_set_stays_when_we_drop_it(place: Place) -> None:
    place.applied(place.config_map())
    place.edited("a", z="3")
    merged = place.applied(place.config_map(data={"x": "1"})).body
    assert merged["data"] == {"x": "1", "z": "3"}


def test_an_edit_takes_the_field_from_our_entry_and_a_forced_apply_takes_it_back(place: Place) -> None:
    place.applied(place.config_map())
    edited = place.edited("a", x="edited")
    assert ours(edited)["fieldsV1"] == {"f:data": {"f:y": {}}}
    assert ours(edited, "Update")["fieldsV1"] == {"f:data": {"f:x": {}}}
    merged = place.applied(place.config_map()).body
    assert merged["data"] == {"x": "1", "y": "2"}
    assert ours(merged)["fieldsV1"] == {"f:data": {"f:x": {}, "f:y": {}}}
    assert len(merged["metadata"]["managedFields"]) == 1


def test_a_value_that_somebody_already_set_changes_the_ownership_only(place: Place) -> None:
    place.applied(place.config_map(data={"x": "1"}))
    edited = place.edited("a", z="3")
    answer = place.dry_run(place.config_map(data={"x": "1", "z": "3"}))
    assert answer.body["data"] == edited["data"]
    assert ours(answer.body)["fieldsV1"] == {"f:data": {"f:x": {}, "f:z": {}}}
    assert ours(answer.body)["fieldsV1"] != ours(edited)["fieldsV1"]


def deployment(place: Place, image: str, *extra: dict[str, Any], **spec: Any) -> dict[str, Any]:
    containers = [{"name": "web", "image": image, "ports": [{"containerPort": 80, "protocol": "TCP"}]}, *extra]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": place.namespace},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}},
            **spec,
        },
    }


def images(body: Body) -> dict[str, str]:
    return {item["name"]: item["image"] for item in body["spec"]["template"]["spec"]["containers"]}


def test_keyed_lists_merge_by_key_and_a_foreign_item_survives(place: Place) -> None:
    place.applied(deployment(place, "web:1", {"name": "cache", "image": "cache:1"}))
    deployments = place.kind("apps", "Deployment")
    for _ in range(5):
        live = place.api.get(deployments, place.namespace, "web")
        assert live
        live["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "side:1"})
        with contextlib.suppress(ApiFailure):  # a controller may write the status in between
            place.api.replace(deployments, place.namespace, "web", live)
            break
    merged = place.applied(deployment(place, "web:2")).body
    assert images(merged) == {"web": "web:2", "side": "side:1"}
    keys = ours(merged)["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert list(keys) == ['k:{"name":"web"}']
    assert '"containerPort":80,"protocol":"TCP"' in str(keys)


def test_atomic_lists_are_replaced_whole(place: Place) -> None:
    place.applied(deployment(place, "web:1", {"name": "x", "image": "x", "args": ["a", "b"]}))
    merged = place.applied(deployment(place, "web:1", {"name": "x", "image": "x", "args": ["c"]})).body
    assert merged["spec"]["template"]["spec"]["containers"][1]["args"] == ["c"]


def test_an_immutable_field_is_refused_naming_it(place: Place) -> None:
    place.applied(deployment(place, "web:1"))
    changed = deployment(place, "web:1", selector={"matchLabels": {"app": "web", "b": "c"}})
    changed["spec"]["template"]["metadata"]["labels"] = {"app": "web", "b": "c"}
    failure = failing(lambda: place.dry_run(changed))
    assert (failure.status, failure.reason) == (422, "Invalid")
    assert [cause[0] for cause in failure.causes] == ["spec.selector"]
    assert "field is immutable" in failure.causes[0][2]


# Preconditions


def test_creation_by_apply_is_201_once_and_then_409_even_though_forced(place: Place) -> None:
    assert place.applied(place.config_map(), ABSENT).status == 201
    failure = failing(lambda: place.applied(place.config_map(data={"x": "9"}), ABSENT))
    assert (failure.status, failure.reason) == (409, "Conflict")


def test_the_right_uid_and_version_let_an_apply_through(place: Place) -> None:
    live = place.applied(place.config_map()).body
    answer = place.applied(place.config_map(data={"x": "9"}), guard(live))
    assert answer.status == 200
    assert version(answer.body) != version(live)


def test_a_version_that_moved_on_is_a_conflict(place: Place) -> None:
    live = place.applied(place.config_map()).body
    place.edited("a", x="edited")
    failure = failing(lambda: place.applied(place.config_map(), guard(live)))
    assert (failure.status, failure.reason) == (409, "Conflict")


def test_another_uid_is_invalid(place: Place) -> None:
    live = place.applied(place.config_map()).body
    wrong = Precondition(uid=NO_UID, resource_version=version(live))
    failure = failing(lambda: place.applied(place.config_map(), wrong))
    assert failure.status == 422
    assert [cause[0] for cause in failure.causes] == ["metadata.uid"]


def test_an_object_that_is_gone_is_a_conflict_and_is_not_made_again(place: Place) -> None:
    live = place.applied(place.config_map()).body
    place.api.delete(place.config_maps, place.namespace, "a", guard(live))
    failure = failing(lambda: place.applied(place.config_map(), guard(live)))
    assert failure.status == 409
    assert place.api.get(place.config_maps, place.namespace, "a") is None


def test_an_apply_in_a_missing_namespace_names_the_namespace(place: Place) -> None:
    failure = failing(lambda: place.api.apply(place.config_maps, "no-such-namespace", "a", nameless(place), ABSENT))
    assert (failure.status, failure.details_kind) == (404, "namespaces")


def nameless(place: Place) -> dict[str, Any]:
    return {**place.config_map(), "metadata": {"name": "a"}}


# JSON patches


def patch_of(live: Body, *operations: Body) -> tuple[Body, ...]:
    guards = (
        {"op": "test", "path": "/metadata/uid", "value": live["metadata"]["uid"]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version(live)},
    )
    return (*guards, *operations)


def renamed(live: Body) -> Body:
    entries = [{**entry, "manager": "gitops-push", "operation": "Apply"} for entry in live["metadata"]["managedFields"]]
    return {"op": "replace", "path": "/metadata/managedFields", "value": entries}


def test_a_json_patch_hands_fields_over_and_the_next_apply_removes_them(place: Place) -> None:
    live = place.api.create(place.config_maps, place.namespace, place.config_map()).body
    patched = place.api.json_patch(place.config_maps, place.namespace, "a", patch_of(live, renamed(live))).body
    assert [(e["manager"], e["operation"]) for e in patched["metadata"]["managedFields"]] == [("gitops-push", "Apply")]
    assert (patched["data"], version(patched) != version(live)) == (live["data"], True)
    assert place.applied(place.config_map(data={"x": "1"}), guard(patched)).body["data"] == {"x": "1"}


def test_a_key_that_a_json_patch_removes_leaves_no_owner_behind(place: Place) -> None:
    body = place.config_map(annotations={"a.b/c": "1"})
    live = place.api.create(place.config_maps, place.namespace, body).body
    removal = {"op": "remove", "path": "/metadata/annotations/a.b~1c"}
    patched = place.api.json_patch(place.config_maps, place.namespace, "a", patch_of(live, renamed(live), removal)).body
    assert not patched["metadata"].get("annotations")
    assert "f:metadata" not in ours(patched)["fieldsV1"]
    assert len(patched["metadata"]["managedFields"]) == 1


def test_a_json_patch_of_another_version_or_uid_is_refused(place: Place) -> None:
    live = place.applied(place.config_map()).body
    edited = place.edited("a", x="2")
    statuses = []
    for wrong in (live, {**edited, "metadata": {**edited["metadata"], "uid": NO_UID}}):
        patch = patch_of(wrong, {"op": "remove", "path": "/data/x"})
        failure = failing(lambda p=patch: place.api.json_patch(place.config_maps, place.namespace, "a", p))
        statuses.append(failure.status)
    assert statuses == [409, 422]
    assert place.api.get(place.config_maps, place.namespace, "a") == edited


def test_a_json_patch_of_nothing_is_404(place: Place) -> None:
    patch = ({"op": "remove", "path": "/data/x"},)
    for call in (place.api.json_patch, place.api.dry_run_json_patch):
        assert failing(lambda c=call: c(place.config_maps, place.namespace, "none", patch)).status == 404


def test_a_dry_run_of_a_json_patch_changes_nothing(place: Place) -> None:
    live = place.applied(place.config_map()).body
    patch = ({"op": "remove", "path": "/data/x"},)
    answer = place.api.dry_run_json_patch(place.config_maps, place.namespace, "a", patch)
    assert (answer.body["data"], answer.status) == ({"y": "2"}, 200)
    assert place.api.get(place.config_maps, place.namespace, "a") == live


# Create, replace, delete


def test_create_makes_an_object_once(place: Place) -> None:
    answer = place.api.create(place.config_maps, place.namespace, place.config_map())
    assert answer.status == 201
    assert version(answer.body)
    failure = failing(lambda: place.api.create(place.config_maps, place.namespace, place.config_map()))
    assert (failure.status, failure.reason) == (409, "AlreadyExists")


def test_create_in_a_missing_namespace_names_the_namespace(place: Place) -> None:
    failure = failing(lambda: place.api.create(place.config_maps, "no-such-namespace", nameless(place)))
    assert (failure.status, failure.details_kind) == (404, "namespaces")


def test_create_can_make_up_a_name(place: Place) -> None:
    body = {**place.config_map(), "metadata": {"generateName": "run-"}}
    names = {place.api.create(place.config_maps, place.namespace, body).body["metadata"]["name"] for _ in range(2)}
    assert len(names) == 2
    assert all(name.startswith("run-") for name in names)


def test_replace_is_a_compare_and_swap(place: Place) -> None:
    first = place.applied(place.config_map()).body
    second = place.edited("a", x="2")
    assert (second["metadata"]["uid"], second["data"]["x"]) == (first["metadata"]["uid"], "2")
    stale = {**first, "data": {"x": "3"}}
    failure = failing(lambda: place.api.replace(place.config_maps, place.namespace, "a", stale))
    assert (failure.status, failure.reason) == (409, "Conflict")
    missing = {**first, "metadata": {**first["metadata"], "name": "b"}}
    assert failing(lambda: place.api.replace(place.config_maps, place.namespace, "b", missing)).status == 404


def test_delete_removes_with_the_right_precondition_and_is_content_with_nothing(place: Place) -> None:
    live = place.applied(place.config_map()).body
    for wrong in (Precondition(uid=NO_UID), Precondition(uid=live["metadata"]["uid"], resource_version="1")):
        failure = failing(lambda wrong=wrong: place.api.delete(place.config_maps, place.namespace, "a", wrong))
        assert (failure.status, failure.reason) == (409, "Conflict")
    for _ in range(2):
        place.api.delete(place.config_maps, place.namespace, "a", guard(live))
    assert place.api.get(place.config_maps, place.namespace, "a") is None


@pytest.mark.parametrize("finalizers", [[], ["gitops-push.test/hold"]], ids=["plain", "held"])
def test_a_dry_run_of_a_deletion_checks_the_uid_and_deletes_nothing(place: Place, finalizers: list[str]) -> None:
    live = place.applied(place.config_map(finalizers=finalizers)).body
    place.api.dry_run_delete(place.config_maps, place.namespace, "a", live["metadata"]["uid"])
    assert place.api.get(place.config_maps, place.namespace, "a") == live
    wrong = failing(lambda: place.api.dry_run_delete(place.config_maps, place.namespace, "a", NO_UID))
    assert (wrong.status, wrong.reason) == (409, "Conflict")
    absent = failing(lambda: place.api.dry_run_delete(place.config_maps, place.namespace, "no-such", NO_UID))
    assert (absent.status, absent.reason) == (404, "NotFound")
    assert place.api.get(place.config_maps, place.namespace, "a") == live


def test_an_object_with_a_finalizer_stays_until_it_is_taken_off(place: Place) -> None:
    live = place.applied(place.config_map(finalizers=["gitops-push.test/hold"])).body
    place.api.delete(place.config_maps, place.namespace, "a", guard(live))
    held = place.api.get(place.config_maps, place.namespace, "a")
    assert held
    assert held["metadata"]["deletionTimestamp"]
    freed = {**held, "metadata": {**held["metadata"], "finalizers": []}}
    place.api.replace(place.config_maps, place.namespace, "a", freed)
    assert place.api.get(place.config_maps, place.namespace, "a") is None


# Watching


def test_a_watch_tells_what_happened_since_the_list(place: Place) -> None:
    before = place.api.list(place.config_maps, place.namespace).resource_version
    live = place.applied(place.config_map()).body
    place.edited("a", x="2")
    place.api.delete(place.config_maps, place.namespace, "a", Precondition(uid=live["metadata"]["uid"]))
    events = place.api.watch(place.config_maps, place.namespace, before, 10)
    seen = []
    for event in events:
        if event.body["metadata"].get("name") == "a":
            seen.append(event.type)
        if event.type == "DELETED":
            break
    events.close()
    assert seen == ["ADDED", "MODIFIED", "DELETED"]
    assert list(events) == []


def test_a_watch_of_one_namespace_does_not_see_another(place: Place) -> None:
    other = f"other-{uuid.uuid4().hex[:8]}"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other}}
    made = place.api.create(place.kind("", "Namespace"), "", namespace)
    before = place.api.list(place.config_maps).resource_version
    elsewhere = {**nameless(place), "metadata": {"name": "elsewhere"}}
    place.api.create(place.config_maps, other, elsewhere)
    place.applied(place.config_map("here"))
    events = place.api.watch(place.config_maps, place.namespace, before, 10)
    assert next(event.body["metadata"]["name"] for event in events if event.type == "ADDED") == "here"
    events.close()
    place.api.delete(place.kind("", "Namespace"), "", other, Precondition(uid=made.body["metadata"]["uid"]))


# Kinds that come and go


def test_a_new_crd_is_served_after_it_is_established(place: Place) -> None:
    suffix = uuid.uuid4().hex[:8]
    group, plural = f"x{suffix}.example", "things"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": plural, "singular": "thing", "listKind": "ThingList"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
            ],
        },
    }
    crds = place.kind("apiextensions.k8s.io", "CustomResourceDefinition")
    assert place.api.served_kinds().find(group, "Thing") is None
    made = place.api.apply(crds, "", definition["metadata"]["name"], definition, ABSENT).body  # type: ignore[index]
    pause, thing = threading.Event(), None
    for _ in range(200):
        thing = place.api.served_kinds(refresh=True).find(group, "Thing")
        if thing or pause.wait(0.05):
            break
    assert thing
    assert (thing.resource, thing.namespaced, thing.api_version) == (plural, True, f"{group}/v1")
    place.api.delete(crds, "", made["metadata"]["name"], Precondition(uid=made["metadata"]["uid"]))
