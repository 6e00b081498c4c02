"""The key for the tags of plans: made once, kept for ever, and in nothing that is printed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitops_push.cluster.deployer import DeployOptions, deploy
from gitops_push.core.inventory import InventoryState, keyed_digest
from gitops_push.core.plan_digest import plan_digest
from tests.cluster.deploying import deployed, prepare, stored
from tests.fakes import FakeApiServer
from tests.unit.cluster.plans import config_map, namespace

QUICK = DeployOptions(timeout_seconds=1.0, foundation_seconds=1.0)


@pytest.fixture
def cluster() -> FakeApiServer:
    server = FakeApiServer()
    server.put(namespace())
    return server


def test_the_first_deployment_makes_a_random_key_that_every_later_one_keeps(cluster: FakeApiServer) -> None:
    deployed(cluster, "shop", config_map(), options=QUICK)
    key = stored(cluster, "shop").key
    assert len(bytes.fromhex(key)) == 32
    deployed(cluster, "shop", config_map(a="2"), config_map("more"), options=QUICK)
    deployed(cluster, "shop", config_map(a="3"), options=QUICK)
    assert stored(cluster, "shop").key == key
    other = FakeApiServer()
    other.put(namespace())
    deployed(other, "shop", config_map(), options=QUICK)
    assert stored(other, "shop").key not in {"", key}


def test_the_key_survives_a_run_that_fails(cluster: FakeApiServer) -> None:
    deployed(cluster, "shop", config_map(), options=QUICK)
    key = stored(cluster, "shop").key
    todo = prepare(cluster, "shop", config_map(a="2"), options=QUICK)
    cluster.put(config_map(a="theirs"))
    assert deploy(todo, cluster).exit_code == 20
    assert (stored(cluster, "shop").key, stored(cluster, "shop").state) == (key, InventoryState.FAILED)


def test_the_key_is_in_no_repr(cluster: FakeApiServer) -> None:
    deployed(cluster, "shop", config_map(), options=QUICK)
    inventory = stored(cluster, "shop")
    assert inventory.key not in repr(inventory)


def test_the_record_holds_the_digest_of_the_set_under_the_key_and_early_records_the_plain_one(
    cluster: FakeApiServer,
) -> None:
    deployed(cluster, "shop", config_map(), options=QUICK)
    inventory = stored(cluster, "shop")
    assert inventory.manifest_digest == keyed_digest(inventory.key, "digest") != "digest"
    assert inventory.is_of("digest")
    assert replace(inventory, key="", manifest_digest="digest").is_of("digest")
    assert not inventory.is_of("another")


def test_a_plan_has_the_same_digest_in_every_run_with_one_key_and_another_with_another(cluster: FakeApiServer) -> None:
    deployed(cluster, "shop", config_map(), options=QUICK)
    digests = {plan_digest(prepare(cluster, "shop", config_map(a="2"), options=QUICK).plan) for _ in range(3)}
    assert len(digests) == 1
    record = next(body for key, body in cluster.objects.items() if "gitops-push-shop-prod" in str(key))
    record["data"]["planKey"] = "0" * 64
    digests.add(plan_digest(prepare(cluster, "shop", config_map(a="2"), options=QUICK).plan))
    del record["data"]["planKey"]
    plan = prepare(cluster, "shop", config_map(a="2"), options=QUICK).plan
    assert not plan.keyed
    assert len({*digests, plan_digest(plan)}) == 3
