"""A write that leaves fields to others, when its answer is lost or the object moves on its way."""

from __future__ import annotations

from typing import Any

import pytest

from gitops_push.cluster.deployer import DeployOptions, deploy
from gitops_push.core.deployment import Result
from gitops_push.core.environment import ConflictAction, ConflictRule
from tests.cluster.deploying import deployed, message, prepare, results
from tests.unit.cluster.plans import deployment, namespace
from tests.unit.cluster.test_application import LossyServer

QUICK = DeployOptions(wait=False, sleep=lambda _: None)
RULES = (ConflictRule(manager="image-updater", action=ConflictAction.YIELD),)


def container(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["spec"]["template"]["spec"]["containers"][0]
    return found


@pytest.fixture
def server() -> LossyServer:
    """A server with a Deployment whose image an updater has set."""
    server = LossyServer()
    server.put(namespace())
    deployed(server, "shop", deployment(), options=QUICK)
    server.edit("Deployment", "shop", "web", lambda body: container(body).update(image="web:9"), "image-updater")
    return server


@pytest.mark.parametrize("losses", [[True], [False], [False, True]], ids=str)
def test_a_lost_answer_is_judged_by_the_request_without_what_is_left(server: LossyServer, losses: list[bool]) -> None:
    request = prepare(server, "shop", deployment(replicas=3), options=QUICK, conflicts=RULES)
    server.losses = losses
    assert results(deploy(request, server))["web"] is Result.DONE
    live = server.live("Deployment", "shop", "web")
    assert (container(live)["image"], live["spec"]["replicas"]) == ("web:9", 3)


def test_the_manager_of_a_field_may_move_it_between_plan_and_write(server: LossyServer) -> None:
    request = prepare(server, "shop", deployment(replicas=3), options=QUICK, conflicts=RULES)
    server.edit("Deployment", "shop", "web", lambda body: container(body).update(image="web:10"), "image-updater")
    assert results(deploy(request, server))["web"] is Result.DONE
    live = server.live("Deployment", "shop", "web")
    assert (container(live)["image"], live["spec"]["replicas"]) == ("web:10", 3)


def test_an_edit_of_a_field_of_ours_between_plan_and_write_still_stops_it(server: LossyServer) -> None:
    request = prepare(server, "shop", deployment(replicas=3), options=QUICK, conflicts=RULES)
    server.edit("Deployment", "shop", "web", lambda body: body["spec"].update(replicas=9), "someone")
    done = deploy(request, server)
    assert results(done)["web"] is Result.FAILED
    assert "somebody changed it since the plan" in message(done, "web")
    assert server.live("Deployment", "shop", "web")["spec"]["replicas"] == 9
