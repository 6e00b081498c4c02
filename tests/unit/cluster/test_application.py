from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from gitops_push.cluster.api import Answer, ApiFailure, Precondition, ServedKind
from gitops_push.cluster.application import Applier, Fate, NotWritten, ObjectWrite, Written, apply_object
from gitops_push.core.codes import Code
from gitops_push.core.deployment import Result
from gitops_push.core.errors import ClusterError, Problem
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
class LossyServer(FakeApiServer):
    """Carries out writes, but loses the answers: after (True) or before (False) doing it, in this order."""

    losses: list[bool] = field(default_factory=list)
    before_apply: Callable[[], None] = lambda: None

    def apply(self, kind: ServedKind, namespace: str, name: str, body: Body, precondition: Precondition) -> Answer:
        self.before_apply()
        loss = self.losses.pop(0) if self.losses else None
        if loss is False:
            raise LOST
        answer = FakeApiServer.apply(self, kind, namespace, name, body, precondition)
        if loss is True:
            raise LOST
        return answer


@pytest.fixture
def server() -> LossyServer:
    server = LossyServer()
    server.put(namespace())
    return server


def write(server: FakeApiServer, body: dict[str, Any] | None = None) -> ObjectWrite:
    kind = server.served_kinds().find("apps", "Deployment")
    assert kind is not None
    live = server.get(kind, "shop", "web")
    metadata = live["metadata"] if live else {}
    change = Change(
        REF,
        "apps/v1",
        Action.UPDATE if live else Action.CREATE,
        live_uid=metadata.get("uid", ""),
        live_resource_version=metadata.get("resourceVersion", ""),
        live_state=live_state(live, REDACTOR) if live else "",
    )
    return ObjectWrite(change, kind, body or deployment())


def send(server: FakeApiServer, wanted: ObjectWrite) -> Fate:
    pauses: list[float] = []
    return apply_object(Applier(server, REDACTOR, pauses.append), wanted)


def test_an_object_is_created_with_its_uid_in_the_answer(server: LossyServer) -> None:
    assert send(server, write(server)) == Written(server.live("Deployment", "shop", "web")["metadata"]["uid"])


LOSSES = {
    "after it was carried out": [True],
    "before it was carried out": [False],
    "twice before": [False, False],
    "before, then after": [False, True],
}


@pytest.mark.parametrize("losses", LOSSES.values(), ids=LOSSES.keys())
@pytest.mark.parametrize("exists", [False, True], ids=["create", "update"])
def test_a_lost_answer_is_resolved_by_reading(server: LossyServer, losses: list[bool], *, exists: bool) -> None:
    if exists:
        send(server, write(server))
    wanted = write(server, deployment(image="web:2"))
    server.losses = list(losses)
    fate = send(server, wanted)
    live = server.live("Deployment", "shop", "web")
    assert fate == Written(live["metadata"]["uid"])
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "web:2"


def test_a_lost_answer_that_cannot_be_read_is_unknown(server: LossyServer) -> None:
    wanted = write(server)
    server.losses = [True]
    server.fail("get", "web", ClusterError(Problem(Code.SERVER_UNREACHABLE, "no route to host")))
    fate = send(server, wanted)
    assert isinstance(fate, NotWritten)
    assert (fate.result, "no route to host" in fate.message) == (Result.UNKNOWN, True)


def test_an_answer_that_is_always_lost_ends_as_a_failure_after_six_attempts(server: LossyServer) -> None:
    wanted = write(server)
    server.losses = [False] * 100
    fate = send(server, wanted)
    assert isinstance(fate, NotWritten)
    assert (fate.result, len(server.losses)) == (Result.FAILED, 94)
    assert "connection reset" in fate.message


@pytest.mark.parametrize("exists", [False, True], ids=["create", "update"])
def test_a_request_that_was_given_up_and_comes_late_is_known_for_our_own(server: LossyServer, *, exists: bool) -> None:
    if exists:
        send(server, write(server))
    wanted = write(server, deployment(image="web:2"))
    live = wanted.change
    first = Precondition(live.live_uid, live.live_resource_version) if exists else Precondition(absent=True)

    def lands_when_it_is_sent_again() -> None:
        if not server.losses:
            server.before_apply = lambda: None
            FakeApiServer.apply(server, wanted.kind, "shop", "web", wanted.body, first)

    server.losses = [False]
    server.before_apply = lands_when_it_is_sent_again
    fate = send(server, wanted)
    assert fate == Written(server.live("Deployment", "shop", "web")["metadata"]["uid"])


def test_a_failure_of_the_server_that_does_not_pass_is_told_in_its_words(server: LossyServer) -> None:
    wanted = write(server)
    broken = ApiFailure(500, "InternalError", 'failed calling webhook "w.example.com": no route', ambiguous=True)
    server.fail("apply", "web", broken, times=6)
    fate = send(server, wanted)
    assert isinstance(fate, NotWritten)
    assert (fate.result, 'failed calling webhook "w.example.com"' in fate.message) == (Result.FAILED, True)


def test_what_somebody_else_created_meanwhile_is_not_taken_for_our_lost_write(server: LossyServer) -> None:
    wanted = write(server)

    def somebody_creates() -> None:
        server.put(deployment(image="theirs:1"))
        server.before_apply = lambda: None

    server.before_apply = somebody_creates
    server.losses = [False]
    fate = send(server, wanted)
    assert isinstance(fate, NotWritten)
    assert "somebody else created it" in fate.message
    assert server.live("Deployment", "shop", "web")["spec"]["template"]["spec"]["containers"][0]["image"] == "theirs:1"


def test_writes_to_the_status_are_passed_over_up_to_five_times(server: LossyServer) -> None:
    send(server, write(server))
    wanted = write(server, deployment(image="web:2"))
    count = 0

    def status_moves() -> None:
        nonlocal count
        count += 1
        if count <= 5:
            server.set_status("Deployment", "shop", "web", {"replicas": count})

    server.before_apply = status_moves
    assert isinstance(send(server, wanted), Written)
    assert count == 6


def test_an_object_that_never_holds_still_is_given_up(server: LossyServer) -> None:
    send(server, write(server))
    wanted = write(server, deployment(image="web:2"))
    numbers = iter(range(1, 100))

    def status_moves() -> None:
        server.set_status("Deployment", "shop", "web", {"replicas": next(numbers)})

    server.before_apply = status_moves
    fate = send(server, wanted)
    assert isinstance(fate, NotWritten)
    assert "6 attempts" in fate.message


EDITS = {
    "its spec": ("spec", {"replicas": 9}),
    "a label": ("metadata", {"labels": {"by": "hand"}}),
    "an annotation": ("metadata", {"annotations": {"by": "hand"}}),
    "a finalizer": ("metadata", {"finalizers": ["example.com/wait"]}),
}


@pytest.mark.parametrize(("section", "edit"), EDITS.values(), ids=EDITS.keys())
def test_any_other_change_since_the_plan_stops_the_write(
    server: LossyServer, section: str, edit: dict[str, Any]
) -> None:
    send(server, write(server))
    wanted = write(server, deployment(image="web:2"))
    server.edit("Deployment", "shop", "web", lambda body: body[section].update(edit))
    fate = send(server, wanted)
    assert isinstance(fate, NotWritten)
    assert "somebody changed it" in fate.message


def test_a_plan_without_the_state_of_the_live_object_never_resends(server: LossyServer) -> None:
    send(server, write(server))
    wanted = write(server, deployment(image="web:2"))
    blind = ObjectWrite(Change(REF, "apps/v1", Action.UPDATE, live_uid=wanted.change.live_uid,
                               live_resource_version="1"), wanted.kind, wanted.body)  # fmt: skip
    assert isinstance(send(server, blind), NotWritten)


def test_a_new_namespace_without_its_service_account_is_waited_for(server: LossyServer) -> None:
    message = 'pods "web" is forbidden: error looking up service account shop/default: serviceaccount not found'
    server.fail("apply", "web", ApiFailure(403, "Forbidden", message), times=2)
    assert isinstance(send(server, write(server)), Written)


def test_what_the_server_says_is_masked(server: LossyServer) -> None:
    server.fail("apply", "web", ApiFailure(422, "Invalid", 'invalid value "hunter2hunter2"'))
    fate = send(server, write(server))
    assert isinstance(fate, NotWritten)
    assert "hunter2" not in fate.message
