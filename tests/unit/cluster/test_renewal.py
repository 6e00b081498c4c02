"""Deleting and creating again: what becomes of the object at every point where it can fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from gitops_push.cluster.api import Answer, ApiFailure, Precondition, ServedKind
from gitops_push.cluster.application import Applier, Fate, NotWritten, ObjectWrite, Written
from gitops_push.cluster.pruner import Patience
from gitops_push.cluster.renewal import renew_object
from gitops_push.core.deployment import Result
from gitops_push.core.live_state import live_state
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.plan import Action, Change
from gitops_push.core.redaction import Redactor
from tests.fakes import FakeApiServer
from tests.unit.cluster.plans import deployment, namespace

REF = ObjectRef("apps", "Deployment", "shop", "web")
REDACTOR = Redactor(b"key", ["hunter2hunter2"])
LOST = ApiFailure(0, "NoAnswer", "connection reset", ambiguous=True)


@dataclass(slots=True)
class Server(FakeApiServer):
    """Loses answers of deletions: after (True) or before (False) carrying them out; lets things happen in between."""

    losses: list[bool] = field(default_factory=list)
    before_delete: Callable[[], object] = lambda: None
    before_apply: Callable[[], object] = lambda: None
    propagations: list[str] = field(default_factory=list)

    def delete(
        self, kind: ServedKind, namespace: str, name: str, precondition: Precondition, propagation: str = "Background"
    ) -> None:
        self.propagations.append(propagation)
        self.before_delete()
        loss = self.losses.pop(0) if self.losses else None
        if loss is not False:
            FakeApiServer.delete(self, kind, namespace, name, precondition, propagation)
        if loss is not None:
            raise LOST

    def apply(self, kind: ServedKind, namespace: str, name: str, body: Body, precondition: Precondition) -> Answer:
        self.before_apply()
        return FakeApiServer.apply(self, kind, namespace, name, body, precondition)


@pytest.fixture
def server() -> Server:
    server = Server()
    server.put(namespace())
    server.put(deployment(image="web:1"))
    return server


def planned(server: FakeApiServer) -> ObjectWrite:
    kind = server.served_kinds().find("apps", "Deployment")
    assert kind
    live = server.live("Deployment", "shop", "web")
    change = Change(
        REF,
        "apps/v1",
        Action.RECREATE,
        live_uid=live["metadata"]["uid"],
        live_resource_version=live["metadata"]["resourceVersion"],
        live_state=live_state(live, REDACTOR),
    )
    labels = {"app": "web", "tier": "a"}
    body = deployment(selector={"matchLabels": labels})
    return ObjectWrite(change, kind, body)


def renew(server: FakeApiServer, wanted: ObjectWrite | None = None, **patience: Any) -> Fate:
    """Renew on a clock that each pause moves on by itself."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    limits = {"deadline": 10.0, "clock": lambda: now[0], "sleep": sleep, **patience}
    return renew_object(Applier(server, REDACTOR, sleep), wanted or planned(server), Patience(**limits))


def uid(server: FakeApiServer) -> str:
    return str(server.live("Deployment", "shop", "web")["metadata"]["uid"])


def image(server: FakeApiServer) -> str:
    template = server.live("Deployment", "shop", "web")["spec"]["template"]
    return str(template["spec"]["containers"][0]["image"])


def test_the_object_is_deleted_in_the_foreground_and_created_again(server: Server) -> None:
    before = uid(server)
    fate = renew(server)
    assert fate == Written(uid(server))
    assert uid(server) != before
    assert server.propagations == ["Foreground"]


def test_a_status_that_moved_does_not_stop_it(server: Server) -> None:
    wanted = planned(server)
    server.set_status("Deployment", "shop", "web", {"readyReplicas": 1})
    assert isinstance(renew(server, wanted), Written)


def test_what_somebody_edited_since_the_plan_is_not_deleted(server: Server) -> None:
    wanted = planned(server)
    server.put(deployment(image="web:hotfix"), "kubectl-edit")
    before = uid(server)
    fate = renew(server, wanted)
    assert isinstance(fate, NotWritten)
    assert (fate.result, "somebody changed it since the plan" in fate.message) == (Result.FAILED, True)
    assert uid(server) == before


def test_what_somebody_recreated_since_the_plan_is_not_deleted(server: Server) -> None:
    wanted = planned(server)
    server.remove("Deployment", "shop", "web")
    server.put(deployment(image="web:theirs"))
    fate = renew(server, wanted)
    assert isinstance(fate, NotWritten)
    assert "recreated it since" in fate.message
    assert image(server) == "web:theirs"


def test_what_is_gone_already_is_created(server: Server) -> None:
    wanted = planned(server)
    server.remove("Deployment", "shop", "web")
    assert isinstance(renew(server, wanted), Written)


@pytest.mark.parametrize("losses", [[True], [False], [False, True], [False, False]])
def test_a_deletion_without_an_answer_is_looked_after(server: Server, losses: list[bool]) -> None:
    before = uid(server)
    server.losses = losses
    assert renew(server) == Written(uid(server))
    assert uid(server) != before


def test_a_deletion_that_is_refused_leaves_the_object(server: Server) -> None:
    before = uid(server)
    server.fail("delete", "web", ApiFailure(403, "Forbidden", "hunter2hunter2 may not"))
    fate = renew(server)
    assert isinstance(fate, NotWritten)
    assert (fate.result, fate.message.startswith("not deleted: ")) == (Result.FAILED, True)
    assert "hunter2" not in fate.message
    assert uid(server) == before


def test_an_object_that_changes_all_the_time_is_left_alone_in_the_end(server: Server) -> None:
    turns = iter(range(100))
    server.before_delete = lambda: server.set_status("Deployment", "shop", "web", {"turn": next(turns)})
    before = uid(server)
    fate = renew(server)
    assert fate == NotWritten(Result.FAILED, "it could not be deleted in 6 attempts: it changes all the time")
    assert uid(server) == before


def held() -> dict[str, Any]:
    body = deployment(image="web:1")
    return {**body, "metadata": {**body["metadata"], "finalizers": ["example.com/hold"]}}


def test_a_finalizer_that_keeps_the_object_is_named_when_the_time_is_up(server: Server) -> None:
    server.put(held())
    fate = renew(server)
    assert isinstance(fate, NotWritten)
    assert fate.result is Result.FAILED
    assert fate.message.startswith("deleted, not created again: ")
    assert "example.com/hold" in fate.message


def test_a_wish_to_stop_ends_the_waiting_at_once(server: Server) -> None:
    server.put(held())
    fate = renew(server, should_stop=lambda: True, deadline=1e9)
    assert isinstance(fate, NotWritten)
    assert fate.message.startswith("deleted, not created again: ")


def test_a_wish_to_stop_between_the_two_is_told(server: Server) -> None:
    gone = "Deployment", "shop", "web"
    fate = renew(server, should_stop=lambda: server.count()["delete"] > 0)
    assert fate == NotWritten(Result.FAILED, "deleted, not created again: the run was stopped; the next run creates it")
    with pytest.raises(KeyError):
        server.live(*gone)


@pytest.mark.parametrize(
    ("failure", "result"),
    [
        (ApiFailure(403, "Forbidden", "exceeded quota: q hunter2hunter2"), Result.FAILED),
        (ApiFailure(422, "Invalid", "spec.x: Invalid value"), Result.FAILED),
    ],
)
def test_a_creation_that_is_refused_says_that_the_object_is_gone(
    server: Server, failure: ApiFailure, result: Result
) -> None:
    server.fail("apply", "web", failure)
    fate = renew(server)
    assert isinstance(fate, NotWritten)
    assert (fate.result, fate.message.startswith("deleted, not created again: ")) == (result, True)
    assert "hunter2" not in fate.message


def test_who_creates_it_in_between_keeps_it(server: Server) -> None:
    server.before_apply = lambda: server.put(deployment(image="web:theirs"))
    fate = renew(server)
    assert isinstance(fate, NotWritten)
    assert fate.message.startswith("deleted, not created again: somebody else created it")
    assert image(server) == "web:theirs"


def test_no_answer_and_no_sight_is_unknown(server: Server) -> None:
    server.losses = [True]
    server.fail("get", "web", ApiFailure(500, "InternalError", "etcd is away"))
    fate = renew(server)
    assert isinstance(fate, NotWritten)
    assert fate.result is Result.UNKNOWN
    assert not fate.message.startswith("deleted")
