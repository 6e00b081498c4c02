"""A renamed environment takes over its inventory: cut off anywhere, everything is owned, and the next run finishes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gitops_push.cluster.api import ApiFailure, ApiWriter
from gitops_push.cluster.deployer import DeployOptions, DeployRequest, deploy
from gitops_push.cluster.inventory_store import CONFIG_MAP, read_inventory, write_inventory
from gitops_push.cluster.planner import make_plan
from gitops_push.cluster.renaming import read_current
from gitops_push.core.deployment import Deployment
from gitops_push.core.environment import Environment, FormerName, PruneRules
from gitops_push.core.errors import GitopsPushError, PlanError, RefusedError
from gitops_push.core.inventory import PART_OF_LABEL, Inventory, InventoryEntry, InventoryState, exact
from gitops_push.core.inventory_record import from_config_map, shards_named
from gitops_push.core.objects import ObjectRef
from tests.fakes import FakeApiServer
from tests.unit.cluster.plans import config_map, environment, namespace, request

WRITES = frozenset({"apply", "json_patch", "create", "replace", "delete"})
RULES = PruneRules(max_count=50, max_percent=None)
BEFORE = environment(name="production", prune=RULES)
AFTER = environment(name="prod", prune=RULES, renamed_from=FormerName("production"))


class CutOff:
    """An `ApiWriter` whose connection is cut at its k-th write, before it arrives or before its answer does."""

    def __init__(self, server: FakeApiServer, k: int, *, after: bool) -> None:
        self._server, self._left, self._after = server, k, after

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._server, name)

        def call(*arguments: Any, **named: Any) -> Any:
            if self._left <= 0:
                raise ApiFailure(0, "Unreachable", "no route to host", ambiguous=True)
            if name in WRITES:
                self._left -= 1
                if self._left == 0:
                    if self._after:
                        method(*arguments, **named)
                    raise ApiFailure(0, "Unreachable", "no route to host", ambiguous=True)
            return method(*arguments, **named)

        return call


def run(
    writer: ApiWriter, home: Environment, *bodies: dict[str, Any], told: Callable[[str], None] = lambda _: None
) -> Deployment:
    inventory = read_current(writer, home)
    asked = replace(request(*bodies, environment=home), inventory=inventory, concurrency=1)
    options = DeployOptions(concurrency=1, timeout_seconds=1.0, sleep=lambda _: None, warning=told)
    plan = make_plan(asked, writer)
    return deploy(DeployRequest(plan, asked.manifests, home, inventory, asked.redactor, options), writer)


def kept(name: str) -> dict[str, Any]:
    body = config_map(name, A="1")
    return {**body, "metadata": {**body["metadata"], "annotations": {"helm.sh/resource-policy": "keep"}}}


def before(*, sharded: bool = False) -> FakeApiServer:
    """Return a server with the environment under its earlier name."""
    server = FakeApiServer()
    server.put(namespace())
    done = run(server, BEFORE, config_map("stays", A="1"), config_map("goes", A="1"), kept("asks-to-stay"))
    assert done.exit_code == 0
    if sharded:
        stored = read_inventory(server, "shop", "production", "shop")
        refs = (ObjectRef("", "ConfigMap", "shop", f"gone-{number:04d}-{'x' * 200}") for number in range(1_900))
        gone = (InventoryEntry(ref, "v1", "uid") for ref in refs)
        write_inventory(server, exact(stored, (*stored.entries, *gone), InventoryState.DONE))
    return server


def records(server: FakeApiServer) -> tuple[Inventory, ...]:
    every = {body["metadata"]["name"]: body for body in server.list(CONFIG_MAP, "shop").items}
    found = (body for body in every.values() if "schemaVersion" in body.get("data", {}))
    return tuple(from_config_map(body, {s.name: every.get(s.name) for s in shards_named(body)}) for body in found)


def unowned(server: FakeApiServer) -> list[str]:
    """Return the objects with a label of membership that no record owns, by its list and by that label."""
    known = records(server)
    bodies = server.list(CONFIG_MAP, "shop").items
    labelled = {str(b["metadata"]["name"]): (b["metadata"].get("labels") or {}).get(PART_OF_LABEL) for b in bodies}
    return [
        name
        for name, label in labelled.items()
        if label and not any(label in r.ids and name in {e.ref.name for e in r.entries} for r in known)
    ]


def is_finished(server: FakeApiServer) -> bool:
    """Return whether all is the new name's; shards that its own record needs no more go with its next write."""
    (record,) = records(server)
    labels = {b["metadata"]["name"]: b["metadata"].get("labels", {}) for b in server.list(CONFIG_MAP, "shop").items}
    members = {name for name, found in labels.items() if found.get(PART_OF_LABEL) == record.id}
    return (
        (record.environment, record.state, record.former) == ("prod", InventoryState.DONE, None)
        and members == {"stays", "asks-to-stay"}
        and {name for name in labels if not name.startswith(f"{record.name}.")} == {*members, record.name}
        and {entry.ref.name for entry in record.entries} == members
    )


@pytest.mark.parametrize("sharded", [False, True], ids=["one ConfigMap", "shards"])
@pytest.mark.parametrize("after", [False, True], ids=["before the write", "after the write"])
def test_cut_off_at_any_write_everything_is_owned_and_the_next_run_finishes(after: bool, sharded: bool) -> None:
    k = 0
    while True:
        k += 1
        server = before(sharded=sharded)
        writer = CutOff(server, k, after=after)
        try:
            done: Deployment | None = run(writer, AFTER, config_map("stays", A="1"))
        except (GitopsPushError, ApiFailure):
            done = None
        assert unowned(server) == [], f"cut off at write {k}"
        if done is not None and done.exit_code == 0 and is_finished(server):
            break
        assert run(server, AFTER, config_map("stays", A="1")).exit_code == 0
        assert is_finished(server), f"cut off at write {k}"
    assert k > 6


@pytest.mark.parametrize("verb", ["delete", "list"])
def test_without_the_right_to_the_earlier_record_nothing_is_written(verb: str) -> None:
    found = before()
    found.may = lambda question: (question.verb, question.resource) != (verb, "configmaps")
    found.requests.clear()
    with pytest.raises(PlanError, match=rf"may not .*{verb}.* configmaps"):
        run(found, AFTER, config_map("stays", A="1"), config_map("goes", A="1"))
    assert not {asked.verb for asked in found.requests} & WRITES


def test_without_the_right_to_label_what_is_kept_the_run_says_that_the_earlier_record_stays() -> None:
    found = before()
    found.may = lambda question: question.verb != "patch"
    told: list[str] = []
    done = run(found, AFTER, config_map("stays", A="1"), config_map("goes", A="1"), told=told.append)
    assert done.exit_code == 0
    assert any("may not patch configmaps in namespace shop: the inventory of the earlier" in line for line in told)


def test_a_finished_renaming_is_not_done_again() -> None:
    found = before()
    run(found, AFTER, config_map("stays", A="1"))
    assert is_finished(found)
    writes = len(found.writes)
    assert run(found, AFTER, config_map("stays", A="1")).wrote is False
    assert len(found.writes) == writes


def test_an_earlier_name_that_another_environment_uses_by_now_is_refused() -> None:
    server = before()
    run(server, AFTER, config_map("stays", A="1"))
    run(server, BEFORE, config_map("theirs", A="1"))
    with pytest.raises(RefusedError, match="on its own already"):
        read_current(server, AFTER)


def test_a_record_that_somebody_wrote_meanwhile_is_not_deleted() -> None:
    server = before()
    inventory = read_current(server, AFTER)
    asked = replace(request(config_map("stays", A="1"), environment=AFTER), inventory=inventory)
    plan = make_plan(asked, server)
    theirs = read_inventory(server, "shop", "production", "shop")
    write_inventory(server, replace(theirs, commit="theirs"))
    done = deploy(DeployRequest(plan, asked.manifests, AFTER, inventory, asked.redactor), server)
    assert "stays until the next run" in done.note
    assert {record.environment for record in records(server)} == {"prod", "production"}
    assert run(server, AFTER, config_map("stays", A="1")).exit_code == 0
    assert is_finished(server)


def test_while_deletions_are_pending_both_records_stay() -> None:
    server = before()
    inventory = read_current(server, AFTER)
    asked = replace(request(config_map("stays", A="1"), environment=AFTER), inventory=inventory)
    plan = make_plan(asked, server)
    options = DeployOptions(wait=False)
    deploy(DeployRequest(plan, asked.manifests, AFTER, inventory, asked.redactor, options), server)
    assert {record.environment for record in records(server)} == {"prod", "production"}
    assert unowned(server) == []
