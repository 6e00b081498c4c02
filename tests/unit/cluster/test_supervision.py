"""A run whose server stops answering is given up in time, and its record says what is not known."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from gitops_push.cluster.api import Answer, Precondition, ServedKind, ServedKinds
from gitops_push.cluster.crew import supervised
from gitops_push.cluster.deploy_request import DeployOptions
from gitops_push.cluster.deployer import deploy
from gitops_push.core.deployment import Result
from gitops_push.core.objects import Body
from tests.cluster.deploying import prepare, results
from tests.fakes import FakeApiServer
from tests.unit.cluster.plans import config_map, namespace

INVENTORY = "gitops-push-shop-prod"


@dataclass(slots=True)
class SilentServer(FakeApiServer):
    """From the request on that `silent_at` names it does not answer any more."""

    silent_at: str = ""
    is_silent: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def _answer(self, what: str) -> None:
        if what == self.silent_at:
            self.is_silent.set()
            self.over.wait(30)

    def review(self, _: object) -> bool:
        self._answer("review")
        return True

    def served_kinds(self, *, refresh: bool = False) -> ServedKinds:
        self._answer("discovery" if refresh else "")
        return FakeApiServer.served_kinds(self, refresh=refresh)

    def create(self, kind: ServedKind, namespace: str, body: Body) -> Answer:
        self._answer(body["metadata"]["name"])
        return FakeApiServer.create(self, kind, namespace, body)

    def apply(self, kind: ServedKind, namespace: str, name: str, body: Body, precondition: Precondition) -> Answer:
        self._answer(name)
        return FakeApiServer.apply(self, kind, namespace, name, body, precondition)


@pytest.fixture
def server() -> Iterator[SilentServer]:
    made = SilentServer()
    made.may = made.review
    yield made
    made.over.set()


def active(name: str) -> dict[str, Any]:
    return {**namespace(name), "status": {"phase": "Active"}}


STOPPED: dict[str, tuple[str, bool, dict[str, Result]]] = {
    "in the preflight": ("review", False, {"shop": Result.NOT_REACHED, "env": Result.NOT_REACHED}),
    "at the namespace of the inventory": ("shop", True, {"shop": Result.UNKNOWN, "env": Result.NOT_REACHED}),
    "at the inventory": (
        INVENTORY,
        True,
        {"shop": Result.DONE, "env": Result.NOT_REACHED, INVENTORY: Result.UNKNOWN},
    ),
    "at an object": ("env", True, {"shop": Result.DONE, "env": Result.UNKNOWN}),
}


@pytest.mark.parametrize(("silent_at", "wrote", "expected"), STOPPED.values(), ids=STOPPED)
def test_a_stopped_run_ends_wherever_the_server_is_silent_and_tells_what_is_not_known(
    server: SilentServer, silent_at: str, *, wrote: bool, expected: dict[str, Result]
) -> None:
    server.silent_at = silent_at
    options = DeployOptions(stop_seconds=0.2, closing_seconds=0.2, should_stop=server.is_silent.is_set, wait=False)
    done = deploy(prepare(server, "shop", active("shop"), config_map("env"), options=options), server)
    assert done.interrupted
    assert done.wrote is wrote
    assert {name: found for name, found in results(done).items() if name in expected} == expected


def test_what_a_run_raises_is_raised_to_who_watches_it() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        supervised(fail, lambda: False, 0, time.monotonic)


def test_a_run_that_nobody_stops_has_all_the_time_it_takes() -> None:
    ended = threading.Event()
    assert supervised(ended.set, lambda: False, 0, time.monotonic)
    assert ended.is_set()
