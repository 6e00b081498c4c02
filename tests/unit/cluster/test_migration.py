"""The patch that hands an object over: an answer that is lost is resolved by reading, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from gitops_push.cluster.api import Answer, ApiFailure, ServedKind
from gitops_push.cluster.application import Applier, NotWritten, ObjectWrite
from gitops_push.cluster.migration import migrate
from gitops_push.core.adoption import Terms
from gitops_push.core.deployment import Result
from gitops_push.core.live_state import live_state
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.plan import Action, Change
from gitops_push.core.redaction import Redactor
from gitops_push.core.secret_values import LAST_APPLIED
from tests.fakes import FakeApiServer
from tests.unit.cluster.plans import config_map, namespace

REDACTOR = Redactor(b"key")
LOST = ApiFailure(0, "NoAnswer", "connection reset", ambiguous=True)
TERMS = Terms(frozenset({"applyset-x"}))


@dataclass(slots=True)
class LossyServer(FakeApiServer):
    """Loses the answers to patches: after (True) or before (False) doing it, in this order.

    `by_hand` is what somebody sets after each of them.
    """

    losses: list[bool] = field(default_factory=list)
    by_hand: dict[str, str] = field(default_factory=dict)
    carried_out: int = 0

    def json_patch(self, kind: ServedKind, namespace: str, name: str, patch: Iterable[Body]) -> Answer:
        loss = self.losses.pop(0) if self.losses else None
        done = None if loss is False else FakeApiServer.json_patch(self, kind, namespace, name, patch)
        self.carried_out += done is not None
        if self.by_hand:
            FakeApiServer.edit(self, kind.kind, namespace, name, lambda body: body["data"].update(self.by_hand))
        if loss is not None or done is None:
            raise LOST
        return done


def of_kubectl() -> dict[str, Any]:
    body = config_map(A="1")
    body["metadata"]["annotations"] = {LAST_APPLIED: "{}"}
    return body


@pytest.fixture
def server() -> LossyServer:
    server = LossyServer()
    server.put(namespace())
    server.put(of_kubectl(), "kubectl-client-side-apply")
    return server


def migrated(server: LossyServer) -> ObjectWrite | NotWritten:
    body = config_map(A="1")
    metadata = body["metadata"]
    kind = server.served_kinds().find("", "ConfigMap")
    assert kind is not None
    live = server.get(kind, metadata["namespace"], metadata["name"])
    assert live
    change = Change(
        ObjectRef("", "ConfigMap", metadata["namespace"], metadata["name"]),
        "v1",
        Action.TAKE_OVER,
        live_uid=live["metadata"]["uid"],
        live_resource_version=live["metadata"]["resourceVersion"],
        live_state=live_state(live, REDACTOR),
    )
    return migrate(Applier(server, REDACTOR, sleep=lambda _: None), ObjectWrite(change, kind, body), TERMS)


@pytest.mark.parametrize("losses", [[], [True], [False], [False, True], [False, False, False]])
def test_a_lost_answer_is_resolved_by_reading_and_the_object_is_handed_over_once(
    server: LossyServer, losses: list[bool]
) -> None:
    server.losses = list(losses)
    left = migrated(server)
    assert isinstance(left, ObjectWrite)
    assert server.carried_out == 1
    live = server.get(left.kind, *left.place)
    assert live
    assert left.change.live_resource_version == live["metadata"]["resourceVersion"]
    assert [entry["manager"] for entry in live["metadata"]["managedFields"]] == ["gitops-push"]
    assert LAST_APPLIED not in (live["metadata"].get("annotations") or {})


def test_after_a_lost_answer_an_object_that_somebody_changed_stays_as_it_is(server: LossyServer) -> None:
    server.losses, server.by_hand = [False], {"A": "hot"}
    left = migrated(server)
    assert isinstance(left, NotWritten)
    assert left.result is Result.FAILED
    assert left.message.startswith("somebody changed it since the plan: it stays as it is")
    assert server.carried_out == 0


def test_an_answer_that_is_lost_every_time_ends_with_what_was_said(server: LossyServer) -> None:
    server.losses = [False] * 20
    left = migrated(server)
    assert isinstance(left, NotWritten)
    assert "could not be taken over in 6 attempts: connection reset" in left.message
