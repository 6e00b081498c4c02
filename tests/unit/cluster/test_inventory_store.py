from __future__ import annotations

from dataclasses import replace

import pytest

from gitops_push.cluster.api import ApiFailure
from gitops_push.cluster.inventory_store import check_has_place, find_elsewhere, read_inventory, write_inventory
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, NotNowError, PlanError, Problem, RefusedError
from gitops_push.core.inventory import Inventory, InventoryEntry, InventoryState, exact, new_inventory
from gitops_push.core.objects import ObjectRef
from tests.fakes import FakeApiServer
from tests.unit.cluster.plans import namespace

ENTRY = InventoryEntry(ObjectRef("", "ConfigMap", "shop", "env"), "v1", "uid-1")


@pytest.fixture
def server() -> FakeApiServer:
    server = FakeApiServer()
    server.put(namespace())
    return server


def filled(inventory: Inventory) -> Inventory:
    return exact(inventory, [ENTRY], InventoryState.DONE)


def test_what_was_never_deployed_has_an_empty_inventory(server: FakeApiServer) -> None:
    assert read_inventory(server, "shop", "prod", "shop") == new_inventory("shop", "prod", "shop")


def test_an_inventory_that_was_left_in_another_namespace_is_found(server: FakeApiServer) -> None:
    server.put(namespace("before"))
    for project, environment, place in (
        ("shop", "prod", "before"),
        ("shop", "dev", "before"),
        ("shop", "prod", "shop"),
    ):
        write_inventory(server, filled(new_inventory(project, environment, place)))
    assert find_elsewhere(server, new_inventory("shop", "prod", "shop")) == ("before",)
    assert find_elsewhere(server, new_inventory("shop", "stage", "shop")) == ()


def test_where_no_other_namespace_may_be_read_no_other_inventory_is_found(server: FakeApiServer) -> None:
    server.fail("list", "", ApiFailure(403, "Forbidden", "no list"))
    assert find_elsewhere(server, new_inventory("shop", "prod", "shop")) == ()
    server.fail("list", "", ApiFailure(500, "InternalError", "etcd is away"))
    with pytest.raises(ClusterError, match="etcd is away"):
        find_elsewhere(server, new_inventory("shop", "prod", "shop"))


def test_what_is_written_can_be_read_and_written_again(server: FakeApiServer) -> None:
    first = write_inventory(server, filled(new_inventory("shop", "prod", "shop")))
    assert read_inventory(server, "shop", "prod", "shop") == first
    second = write_inventory(server, replace(first, state=InventoryState.UNHEALTHY))
    assert (second.uid, second.state) == (first.uid, InventoryState.UNHEALTHY)
    assert second.resource_version != first.resource_version


def test_an_inventory_of_another_environment_is_refused_and_both_are_named(server: FakeApiServer) -> None:
    body_of_other = replace(filled(new_inventory("a", "b-c", "shop")), name="gitops-push-a-b-c")
    write_inventory(server, body_of_other)
    with pytest.raises(RefusedError) as caught:
        read_inventory(server, "a-b", "c", "shop")
    (problem,) = caught.value.problems
    assert problem.code is Code.INVENTORY_MISMATCH
    assert all(word in problem.message for word in ("'a'", "'b-c'", "'a-b'", "'c'"))


def test_an_inventory_that_may_not_be_read_is_not_taken_for_absent(server: FakeApiServer) -> None:
    server.fail("get", "", ApiFailure(403, "Forbidden", "no"))
    with pytest.raises(ClusterError):
        read_inventory(server, "shop", "prod", "shop")


def test_of_two_creations_the_second_is_turned_away(server: FakeApiServer) -> None:
    new = filled(new_inventory("shop", "prod", "shop"))
    write_inventory(server, new)
    with pytest.raises(NotNowError):
        write_inventory(server, new)


def test_of_two_swaps_the_second_is_turned_away(server: FakeApiServer) -> None:
    stored = write_inventory(server, filled(new_inventory("shop", "prod", "shop")))
    write_inventory(server, replace(stored, commit="one"))
    with pytest.raises(NotNowError):
        write_inventory(server, replace(stored, commit="two"))
    assert read_inventory(server, "shop", "prod", "shop").commit == "one"


def test_a_swap_of_a_deleted_inventory_is_turned_away(server: FakeApiServer) -> None:
    stored = write_inventory(server, filled(new_inventory("shop", "prod", "shop")))
    server.remove("ConfigMap", "shop", stored.name)
    with pytest.raises(NotNowError):
        write_inventory(server, stored)


LOST = ApiFailure(504, "Timeout", "the server was too slow", ambiguous=True)


@pytest.mark.parametrize("verb", ["create", "replace"])
def test_a_lost_answer_before_the_write_sends_it_again(server: FakeApiServer, verb: str) -> None:
    inventory = filled(new_inventory("shop", "prod", "shop"))
    if verb == "replace":
        inventory = replace(write_inventory(server, inventory), commit="next")
    server.fail(verb, "", LOST)
    assert write_inventory(server, inventory).entries == (ENTRY,)


def test_a_lost_answer_after_the_write_is_seen_by_reading(server: FakeApiServer) -> None:
    inventory = filled(new_inventory("shop", "prod", "shop"))
    write_inventory(server, inventory)
    server.fail("create", "", LOST)
    assert write_inventory(server, inventory).uid
    assert server.count()["create"] == 2


def test_a_lost_answer_and_somebody_elses_write_is_turned_away(server: FakeApiServer) -> None:
    stored = write_inventory(server, filled(new_inventory("shop", "prod", "shop")))
    write_inventory(server, replace(stored, commit="theirs"))
    server.fail("replace", "", LOST)
    with pytest.raises(NotNowError):
        write_inventory(server, replace(stored, commit="ours"))


def test_a_missing_namespace_is_found_before_anything_is_written() -> None:
    server = FakeApiServer()
    with pytest.raises(PlanError) as caught:
        check_has_place(server, new_inventory("shop", "prod", "shop"))
    assert [problem.code for problem in caught.value.problems] == [Code.NAMESPACE_MISSING]
    assert server.writes == ()


def test_a_credential_that_may_not_patch_is_not_turned_away_by_the_proof(server: FakeApiServer) -> None:
    server.fail("dry_run_apply", "", ApiFailure(403, "Forbidden", "cannot patch"))
    check_has_place(server, new_inventory("shop", "prod", "shop"))
    assert server.writes == ()


def test_a_creation_in_a_missing_namespace_says_so() -> None:
    with pytest.raises(PlanError) as caught:
        write_inventory(FakeApiServer(), filled(new_inventory("shop", "prod", "shop")))
    assert [problem.code for problem in caught.value.problems] == [Code.NAMESPACE_MISSING]


def test_a_lost_answer_that_cannot_be_read_stays_ambiguous(server: FakeApiServer) -> None:
    server.fail("create", "", LOST)
    server.fail("get", "", ClusterError(Problem(Code.SERVER_UNREACHABLE, "no route to host")))
    with pytest.raises(ApiFailure) as caught:
        write_inventory(server, filled(new_inventory("shop", "prod", "shop")))
    assert caught.value.ambiguous
