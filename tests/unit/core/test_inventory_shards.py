from __future__ import annotations

import base64
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.codes import Code
from gitops_push.core.errors import RefusedError
from gitops_push.core.inventory import Inventory, InventoryEntry, InventoryState, Shard, exact, new_inventory
from gitops_push.core.inventory_record import from_config_map, laid_out, record_problem, shards_named, to_config_map
from gitops_push.core.inventory_shards import LARGEST_SHARD_BYTES, entries_of, is_left_over, objects_text, pack, unpack
from gitops_push.core.objects import ObjectRef


def entries(count: int, seed: int = 7, name_length: int = 0) -> tuple[InventoryEntry, ...]:
    """Return entries as clusters have them: readable names, random uids."""
    rng = random.Random(seed)

    def uid() -> str:
        digits = f"{rng.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def name(index: int) -> str:
        tail = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=name_length))
        return f"app-{index:05d}{tail}"

    refs = (ObjectRef("apps", "Deployment", f"team-{index % 40}", name(index)) for index in range(count))
    return tuple(sorted(InventoryEntry(ref, "apps/v1", uid()) for ref in refs))


def inventory(*found: InventoryEntry) -> Inventory:
    return exact(new_inventory("shop", "prod", "shop"), found, InventoryState.DONE)


def bodies(*new: Mapping[str, Any]) -> dict[str, Mapping[str, Any] | None]:
    return {body["metadata"]["name"]: body for body in new}


MANY = inventory(*entries(4_000))


def test_a_list_of_many_objects_goes_to_shards_and_comes_back() -> None:
    wanted, new = laid_out(MANY)
    record = to_config_map(wanted)
    assert "objects" not in record["data"]
    assert [shard.name for shard in shards_named(record)] == [body["metadata"]["name"] for body in new]
    assert sum(shard.objects for shard in wanted.shards) == 4_000
    assert from_config_map(record, bodies(*new)) == wanted


def test_a_list_of_few_objects_stays_where_people_read_it() -> None:
    wanted, new = laid_out(inventory(*entries(2_000)))
    assert (new, wanted.shards, wanted.generation) == ((), (), 0)
    assert to_config_map(wanted)["data"]["objects"].count("\n") == 2_002


@given(st.integers(0, 40), st.integers(0, 30))
def test_what_is_packed_is_unpacked(count: int, seed: int) -> None:
    wanted = entries(count, seed)
    parts = pack(wanted)
    assert tuple(e for part in parts for e in unpack(part.content, Shard("", part.digest, part.objects))) == wanted
    assert entries_of(objects_text(wanted)) == wanted


def test_no_shard_is_larger_than_a_config_map_may_be_whatever_the_names_are() -> None:
    parts = pack(entries(6_000, name_length=230))
    assert len(parts) > 1
    assert all(len(part.content) <= LARGEST_SHARD_BYTES for part in parts)
    assert sum(part.objects for part in parts) == 6_000


def test_the_next_version_shares_the_shards_that_are_the_same() -> None:
    first, _ = laid_out(inventory(*entries(12_000, name_length=60)))
    assert len(first.shards) > 2
    last = max(first.entries)
    second, new = laid_out(exact(first, (*first.entries[:-1], replace(last, uid="another")), InventoryState.DONE))
    assert [body["metadata"]["name"] for body in new] == [second.shards[-1].name]
    assert second.shards[:-1] == first.shards[:-1]
    same, nothing = laid_out(replace(second, commit="next"))
    assert (same.shards, nothing) == (second.shards, ())


def test_a_list_that_grew_small_again_keeps_counting_versions() -> None:
    first, _ = laid_out(MANY)
    small, new = laid_out(exact(first, first.entries[:5], InventoryState.DONE))
    assert (small.shards, new, small.generation) == ((), (), 2)
    again, _ = laid_out(exact(small, MANY.entries, InventoryState.DONE))
    assert again.generation == 3
    assert all(".3." in shard.name for shard in again.shards)


def test_left_over_is_only_what_no_version_names_now_or_later() -> None:
    named = (Shard("inv.2.00000000000000aa", "", 1),)
    cases = {
        "inv.1.00000000000000aa": True,  # of an earlier version, and named no more
        "inv.3.00000000000000aa": True,  # of a run that lost this version to another
        "inv.4.00000000000000aa": False,  # of a run that is about to write the next version
        "inv.2.00000000000000aa": False,  # named
        "inv-other.1.00000000000000aa": False,
        "inv.1": False,
        "inv": False,
        "inv.1.settings": False,
    }
    assert {name: is_left_over(name, "inv", 3, named) for name in cases} == cases


def spoiled(how: str) -> dict[str, Mapping[str, Any] | None]:
    _, new = laid_out(MANY)
    found = bodies(*new)
    name = min(found)
    content = base64.b64decode(new[0]["binaryData"]["objects.json.gz"])
    spoilt: dict[str, Mapping[str, Any] | None] = {
        "missing": None,
        "cut": {"binaryData": {"objects.json.gz": base64.b64encode(content[:-9]).decode()}},
        "another list": {"binaryData": {"objects.json.gz": base64.b64encode(pack(entries(3))[0].content).decode()}},
        "no base64": {"binaryData": {"objects.json.gz": "?"}},
        "emptied": {"data": {}},
        "no map": {"binaryData": "x"},
    }
    return {**found, name: spoilt[how]}


@pytest.mark.parametrize("how", ["missing", "cut", "another list", "no base64", "emptied", "no map"])
def test_a_shard_that_is_missing_or_not_as_named_is_damage(how: str) -> None:
    wanted, _ = laid_out(MANY)
    with pytest.raises(RefusedError) as caught:
        from_config_map(to_config_map(wanted), spoiled(how))
    (problem,) = caught.value.problems
    assert problem.code is Code.INVENTORY_DAMAGED
    assert wanted.shards[0].name in problem.message


def test_content_that_is_no_gzip_is_damage_even_under_its_own_digest() -> None:
    content = b"not compressed"
    import hashlib

    with pytest.raises(ValueError, match="no gzip"):
        unpack(content, Shard("s", hashlib.sha256(content).hexdigest(), 1))


def test_only_the_annotations_of_a_record_can_be_too_large() -> None:
    assert record_problem(inventory(*entries(30_000))) is None
    places = (ObjectRef("", "ConfigMap", f"{index:05d}-" + "n" * 56, "c") for index in range(5_000))
    problem = record_problem(inventory(*(InventoryEntry(ref, "v1") for ref in places)))
    assert problem is not None
    assert "5,001 namespaces" in problem.message or "5,000 namespaces" in problem.message
