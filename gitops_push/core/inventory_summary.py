"""An inventory in a listing: what its record says, without its list of objects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from gitops_push.core.errors import RefusedError
from gitops_push.core.inventory import RecordName
from gitops_push.core.inventory_record import from_config_map, shards_named
from gitops_push.core.objects import Body


@dataclass(frozen=True, slots=True)
class InventorySummary:
    """One inventory; `objects` is how many its list has. `damage` says why the rest is not known, or is ""."""

    place: RecordName
    project: str = ""
    environment: str = ""
    objects: int = 0
    state: str = ""
    commit: str = ""
    deployed_at: datetime | None = None
    damage: str = ""


def summary_of(record: Body) -> InventorySummary:
    """Return what a record says of itself; the shards that it names are not looked at."""
    place = RecordName(str(record["metadata"]["namespace"]), str(record["metadata"]["name"]))
    try:
        shards = shards_named(record)
        found = from_config_map(_without_list(record) if shards else record)
    except RefusedError as error:
        return InventorySummary(place, damage=error.problems[0].message)
    objects = sum(shard.objects for shard in shards) if shards else len(found.entries)
    return InventorySummary(
        place, found.project, found.environment, objects, found.state.value, found.commit, found.deployed_at
    )


def _without_list(record: Body) -> Body:
    data = {key: value for key, value in record["data"].items() if key != "shards"}
    return {**record, "data": {**data, "objects": json.dumps([])}}
