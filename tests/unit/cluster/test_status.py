from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gitops_push.cluster.api import ApiFailure
from gitops_push.cluster.status import StatusRequest, read_status
from gitops_push.core.inventory import Inventory, InventoryEntry, InventoryState, exact, new_inventory
from gitops_push.core.objects import ObjectRef
from gitops_push.core.redaction import Redactor
from gitops_push.core.status import Health, StatusReport
from tests.fakes import FakeApiServer
from tests.unit.cluster.plans import config_map, deployment, namespace
from tests.unit.cluster.test_waiter import CRASHING, make_ready, pod

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GROUPS = {"Deployment": "apps/v1", "ConfigMap": "v1", "Secret": "v1", "Widget": "example.com/v1"}


@pytest.fixture
def server() -> FakeApiServer:
    server = FakeApiServer()
    server.put(namespace())
    server.put(deployment())
    server.put(config_map())
    return server


def about(inventory: Inventory) -> StatusRequest:
    return StatusRequest(inventory, "cluster-1", Redactor(b"k" * 32), NOW)


def status(server: FakeApiServer, *owned: tuple[str, str]) -> StatusReport:
    entries = [
        InventoryEntry(ObjectRef(GROUPS[kind].rpartition("/")[0], kind, "shop", name), GROUPS[kind])
        for kind, name in owned
    ]
    inventory = exact(new_inventory("shop", "prod", "shop"), entries, InventoryState.DONE)
    return read_status(about(replace(inventory, resource_version="7")), server)


def test_healthy_objects_are_ready_and_sorted_as_they_are_applied(server: FakeApiServer) -> None:
    make_ready(server)
    report = status(server, ("Deployment", "web"), ("ConfigMap", "env"))
    assert [(found.ref.name, found.health) for found in report.objects] == [
        ("env", Health.READY),
        ("web", Health.READY),
    ]
    assert (report.deployed, report.count(Health.READY)) == (True, 2)


def test_a_sick_workload_says_why(server: FakeApiServer) -> None:
    server.put(pod("web-1-x", "1", CRASHING))
    make_ready(server, replicas=1)
    (found,) = status(server, ("Deployment", "web")).objects
    assert found.health is Health.FAILED
    assert "CrashLoopBackOff" in found.reason


def test_a_reason_that_repeats_a_secret_value_of_the_inventory_is_masked(server: FakeApiServer) -> None:
    value = "hunter2-hunter2"
    server.put(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "token", "namespace": "shop"},
            "stringData": {"token": value},
        }
    )
    message = {"name": "web", "state": {"waiting": {"reason": "CreateContainerError", "message": f"bad flag {value}"}}}
    server.put(pod("web-1-x", "1", message))
    make_ready(server, replicas=1)
    found = status(server, ("Deployment", "web"), ("Secret", "token")).objects
    assert any("bad flag" in entry.reason for entry in found)
    assert value not in repr(found)


def test_what_is_gone_is_missing(server: FakeApiServer) -> None:
    (found,) = status(server, ("ConfigMap", "other")).objects
    assert (found.health, found.reason) == (Health.MISSING, "does not exist")


def test_what_may_not_be_read_is_unknown_and_not_missing(server: FakeApiServer) -> None:
    server.fail("list", "", ApiFailure(403, "Forbidden", "no"), times=9)
    server.fail("get", "", ApiFailure(403, "Forbidden", "no"), times=9)
    (found,) = status(server, ("ConfigMap", "env")).objects
    assert found.health is Health.UNKNOWN
    assert found.reason.startswith("may not be read")


def test_an_environment_that_was_never_deployed_has_no_objects(server: FakeApiServer) -> None:
    report = read_status(about(new_inventory("shop", "prod", "shop")), server)
    assert (report.deployed, report.objects) == (False, ())


def test_the_status_writes_nothing(server: FakeApiServer) -> None:
    status(server, ("Deployment", "web"), ("ConfigMap", "env"))
    assert server.writes == ()
