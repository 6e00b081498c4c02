"""Shards beside the record: no kill and no race leaves an inventory that cannot be read, or shards for nobody."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gitops_push.cluster.api import ApiFailure, ApiWriter
from gitops_push.cluster.inventory_store import CONFIG_MAP, read_inventory, write_inventory
from gitops_push.core.codes import Code
from gitops_push.core.errors import NotNowError, RefusedError
from gitops_push.core.inventory import Inventory, InventoryEntry, InventoryState, exact, new_inventory
from gitops_push.core.objects import ObjectRef
from tests.cluster.deploying import deployed
from tests.fakes import FakeApiServer
from tests.unit.cluster.plans import config_map, namespace
from tests.unit.cluster.turns import Turns

LOST = ApiFailure(504, "Timeout", "the server was too slow", ambiguous=True)
WRITES = frozenset({"create", "replace", "delete"})


def entries(count: int, seed: int = 1) -> tuple[InventoryEntry, ...]:
    rng = random.Random(seed)
    refs = (ObjectRef("", "ConfigMap", "shop", f"settings-{index:05d}-{'x' * 80}") for index in range(count))
    return tuple(InventoryEntry(ref, "v1", f"{rng.getrandbits(128):032x}") for ref in refs)


MANY, OTHERS, FEW = entries(2_600), entries(2_600, seed=2), entries(3)


@pytest.fixture
def server() -> FakeApiServer:
    server = FakeApiServer()
    server.put(namespace())
    return server


def read(server: ApiWriter) -> Inventory:
    return read_inventory(server, "shop", "prod", "shop")


def holding(inventory: Inventory, found: tuple[InventoryEntry, ...], commit: str = "") -> Inventory:
    return replace(exact(inventory, found, InventoryState.DONE), commit=commit)


def config_maps(server: FakeApiServer) -> set[str]:
    return {body["metadata"]["name"] for body in server.list(CONFIG_MAP, "shop").items}


def tidy(server: FakeApiServer) -> bool:
    """Return whether there is nothing but the record and the shards that it names."""
    found = read(server)
    return config_maps(server) == {found.name, *(shard.name for shard in found.shards)}


def test_many_objects_are_read_back_with_one_request_more_for_each_shard(server: FakeApiServer) -> None:
    stored = write_inventory(server, holding(new_inventory("shop", "prod", "shop"), MANY))
    server.requests.clear()
    assert read(server) == stored
    assert len(server.requests) == 1 + len(stored.shards)
    assert stored.entries == MANY


def test_few_objects_cost_one_request_to_read_and_one_to_write(server: FakeApiServer) -> None:
    write_inventory(server, holding(new_inventory("shop", "prod", "shop"), FEW))
    read(server)
    assert [request.verb for request in server.requests] == ["create", "get"]


def test_a_change_of_state_alone_writes_no_shard(server: FakeApiServer) -> None:
    stored = write_inventory(server, holding(new_inventory("shop", "prod", "shop"), MANY))
    before = len(server.writes)
    write_inventory(server, replace(stored, state=InventoryState.UNHEALTHY))
    assert [request.verb for request in server.writes[before:]] == ["replace"]


def test_shards_that_are_not_named_any_more_are_deleted(server: FakeApiServer) -> None:
    stored = write_inventory(server, holding(new_inventory("shop", "prod", "shop"), MANY))
    stored = write_inventory(server, holding(stored, OTHERS))
    assert tidy(server)
    write_inventory(server, holding(stored, FEW))
    assert config_maps(server) == {stored.name}


class Killed(Exception):  # noqa: N818 - the end of a process, not an error
    """The run ends here."""


class Mortal:
    """An `ApiWriter` that is killed at its k-th write, before it is sent or after it is carried out."""

    def __init__(self, server: FakeApiServer, k: int, *, after: bool) -> None:
        self._server, self._left, self._after = server, k, after

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._server, name)

        def call(*arguments: Any) -> Any:
            if name not in WRITES:
                return method(*arguments)
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Killed
            answer = method(*arguments)
            if self._left == 0:
                raise Killed
            return answer

        return call


SWAPS = {
    "a first deploy": ((), MANY),
    "another list": (MANY, OTHERS),
    "from few to many": (FEW, MANY),
    "from many to few": (MANY, FEW),
}


@pytest.mark.parametrize("after", [False, True], ids=["before the write", "after the write"])
@pytest.mark.parametrize(("before", "wanted"), SWAPS.values(), ids=SWAPS.keys())
def test_killed_at_any_write_the_record_is_the_old_or_the_new_one_and_the_next_run_tidies(
    before: tuple[InventoryEntry, ...], wanted: tuple[InventoryEntry, ...], after: bool
) -> None:
    k = 0
    while True:
        k += 1
        server = FakeApiServer()
        server.put(namespace())
        if before:
            write_inventory(server, holding(new_inventory("shop", "prod", "shop"), before))
        try:
            write_inventory(Mortal(server, k, after=after), holding(read(server), wanted))
        except Killed:
            assert read(server).entries in {before, wanted}
            write_inventory(server, holding(read(server), wanted, "again"))
            assert read(server).entries == wanted
            assert tidy(server)
        else:
            break
    assert k >= 3, "the swap took at least a shard and the record"


@pytest.mark.parametrize("seed", [*range(5), *(pytest.param(seed, marks=pytest.mark.prove) for seed in range(5, 120))])
def test_of_runs_that_write_at_the_same_time_one_wins_and_nobody_takes_its_shards_away(
    server: FakeApiServer, seed: int
) -> None:
    write_inventory(server, holding(new_inventory("shop", "prod", "shop"), (MANY, FEW)[seed % 2]))
    told: list[str] = []

    def run(number: int, *lists: tuple[InventoryEntry, ...]) -> Callable[[ApiWriter], None]:
        def write(writer: ApiWriter) -> None:
            for found in lists:
                try:
                    write_inventory(writer, holding(read(writer), found, f"{number}"))
                    told.append("won")
                except NotNowError:
                    told.append("lost")

        return write

    runs = [run(0, OTHERS, MANY), run(1, MANY, OTHERS), run(2, FEW, MANY)]
    Turns(server, seed).take(runs, after_each=lambda: assert_readable(server))
    assert len(told) == 6
    assert "won" in told
    write_inventory(server, holding(read(server), MANY, "last"))
    assert tidy(server)


def assert_readable(server: FakeApiServer) -> None:
    asked = len(server.requests)
    read(server)
    del server.requests[asked:]


def test_a_shard_that_is_gone_is_refused_by_name(server: FakeApiServer) -> None:
    stored = write_inventory(server, holding(new_inventory("shop", "prod", "shop"), MANY))
    server.remove("ConfigMap", "shop", stored.shards[0].name)
    with pytest.raises(RefusedError) as caught:
        read(server)
    assert [problem.code for problem in caught.value.problems] == [Code.INVENTORY_DAMAGED]


def test_a_lost_answer_to_a_shard_is_resolved_by_reading(server: FakeApiServer) -> None:
    new = holding(new_inventory("shop", "prod", "shop"), MANY)
    server.fail("create", "", LOST)
    assert write_inventory(server, new).entries == MANY
    assert tidy(server)


def test_a_config_map_in_the_place_of_a_shard_is_not_overwritten(server: FakeApiServer) -> None:
    new = holding(new_inventory("shop", "prod", "shop"), MANY)
    name = write_inventory(server, new).shards[0].name
    for taken in list(config_maps(server)):
        server.remove("ConfigMap", "shop", taken)
    server.put(config_map(name, a="b"))
    with pytest.raises(RefusedError, match="is not a shard"):
        write_inventory(server, new)
    assert server.live("ConfigMap", "shop", name)["data"] == {"a": "b"}


def test_shards_that_may_not_be_deleted_stay_and_harm_nobody(server: FakeApiServer) -> None:
    stored = write_inventory(server, holding(new_inventory("shop", "prod", "shop"), MANY))
    server.fail("delete", "", ApiFailure(403, "Forbidden", "no delete"))
    stored = write_inventory(server, holding(stored, OTHERS))
    assert read(server) == stored
    assert not tidy(server)
    write_inventory(server, holding(stored, MANY))
    assert tidy(server)


def test_a_first_deploy_writes_its_namespace_then_the_shards_then_the_record_then_the_rest() -> None:
    server = FakeApiServer()
    names = [f"settings-{index:04d}-{'x' * 240}" for index in range(1_700)]
    bodies = ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": n, "namespace": "shop"}} for n in names)
    done = deployed(server, "shop", namespace(), *bodies)
    assert done.exit_code == 0
    written = [request.name for request in server.writes]
    record = "gitops-push-shop-prod"
    shards = [name for name in written if name.startswith(f"{record}.")]
    assert written[: 2 + len(shards[:1])] == ["shop", shards[0], record]
    assert set(written[3 : 3 + len(names)]) == set(names)
    assert len(read(server).entries) == len(names) + 1
    assert config_maps(server) == {*names, record, *(shard.name for shard in read(server).shards)}
