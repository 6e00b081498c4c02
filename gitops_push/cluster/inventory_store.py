"""Reads and writes the inventory: one ConfigMap, always swapped against the version that was read, and maybe shards.

Shards are written before the record that names them, and deleted after one that does not: a kill between any two of
these writes leaves an inventory that can be read, and at most some shards too many, which the next write deletes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from gitops_push.cluster.api import ApiFailure, ApiReader, ApiWriter, Precondition, ServedKind
from gitops_push.cluster.crew import in_parallel
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, GitopsPushError, NotNowError, PlanError, Problem, RefusedError
from gitops_push.core.inventory import Inventory, RecordName, new_inventory
from gitops_push.core.inventory_record import (
    MADE_BY_US,
    SHARD_OF_LABEL,
    from_config_map,
    laid_out,
    replaceable,
    shards_named,
    to_config_map,
)
from gitops_push.core.inventory_shards import is_left_over
from gitops_push.core.objects import Body

CONFIG_MAP: Final = ServedKind("", "v1", "ConfigMap", "configmaps", namespaced=True)
_ATTEMPTS: Final = 3
_SHARDS_AT_ONCE: Final = 4


class AppearedError(NotNowError):
    """There is a record, `inventory`, where there was none when the plan was begun."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        super().__init__(_overtaken_problem(inventory))


def read_inventory(reader: ApiReader, project: str, environment: str, namespace: str) -> Inventory:
    """Return the inventory of an environment, an empty one if it was never deployed. One GET, and one for each shard.

    `RefusedError` INVENTORY_MISMATCH for a record that is foreign, or of another project or environment, and
    INVENTORY_DAMAGED for one that cannot be trusted; `ClusterError` if it cannot be read.
    """
    new = new_inventory(project, environment, namespace)
    body = _record(reader, new)
    if body is None:
        return new
    found = _with_shards(reader, body, new)
    _check_identity(found, new)
    return found


def _record(reader: ApiReader, inventory: Inventory) -> Body | None:
    try:
        return reader.get(CONFIG_MAP, inventory.namespace, inventory.name)
    except ApiFailure as failure:
        raise _unreadable(inventory, failure) from failure


def read_record(reader: ApiReader, place: RecordName) -> Inventory | None:
    """Return the inventory whose record is there, whoever's it is, or None. Raises like `read_inventory`."""
    somebodys = Inventory("", "", place.namespace, place.name)
    body = _record(reader, somebodys)
    return None if body is None else _with_shards(reader, body, somebodys)


def read_for_adoption(reader: ApiReader, new: Inventory) -> tuple[Inventory, str]:
    """Return the inventory of an environment, and "", or the empty one that may replace a damaged one, and the damage.

    Raises what `read_inventory` raises for a record of somebody else.
    """
    try:
        return read_inventory(reader, new.project, new.environment, new.namespace), ""
    except RefusedError as error:
        (problem,) = error.problems
        body = _record(reader, new)
        if problem.code is not Code.INVENTORY_DAMAGED or body is None:
            raise
        return replaceable(body, new), problem.message


def list_records(reader: ApiReader, namespaces: Iterable[str]) -> tuple[tuple[Body, ...], tuple[str, ...]]:
    """Return the records of the cluster, and notes about what may not be looked at: then only these namespaces are.

    One LIST, or one for each namespace. Raises `ClusterError` where the server fails.
    """
    places = sorted(set(namespaces))
    found, refused = _records_in(reader, "")
    if not refused:
        return found, ()
    answers = [_records_in(reader, place) for place in places]
    seen = ", ".join(place for place, (_, why) in zip(places, answers, strict=True) if not why) or "none"
    note = f"not all namespaces may be looked at ({refused}); these were: {seen}"
    return tuple(body for bodies, _ in answers for body in bodies), (note,)


def _records_in(reader: ApiReader, namespace: str) -> tuple[tuple[Body, ...], str]:
    """Return the records in a namespace ("" for all), and why they may not be listed, or ""."""
    try:
        return reader.list(CONFIG_MAP, namespace, MADE_BY_US).items, ""
    except ApiFailure as failure:
        if failure.status == 403:
            return (), failure.message
        text = f"the inventories cannot be listed: {failure.message}"
        raise ClusterError(Problem(Code.SERVER_ERROR, text)) from failure


def write_adopted(writer: ApiWriter, inventory: Inventory) -> Inventory:
    """Write a record that was made anew. Raises like `write_inventory`, `ClusterError` for what the server says."""
    try:
        return write_inventory(writer, inventory)
    except ApiFailure as failure:
        code = Code.SERVER_FORBIDS if failure.status == 403 else Code.SERVER_ERROR
        text = f"the inventory {inventory.ref} cannot be written: {failure.message}"
        raise ClusterError(Problem(code, text, ref=inventory.ref)) from failure


def check_still_absent(reader: ApiReader, inventory: Inventory) -> None:
    """Raise `AppearedError` if there is a record where there was none: somebody else's first deployment goes on."""
    found = read_inventory(reader, inventory.project, inventory.environment, inventory.namespace)
    if found.resource_version:
        raise AppearedError(found)


def find_elsewhere(reader: ApiReader, inventory: Inventory) -> tuple[str, ...]:
    """Return the other namespaces that hold an inventory of the same environment; () where that may not be looked for.

    There is one where the environment's namespace was changed: what it names is updated and pruned by nobody.
    """
    found, _ = _records_in(reader, "")
    wanted = (inventory.name, inventory.project, inventory.environment)
    places = (str(body["metadata"]["namespace"]) for body in found if _identity(body) == wanted)
    return tuple(sorted(place for place in places if place != inventory.namespace))


def write_inventory(writer: ApiWriter, inventory: Inventory) -> Inventory:
    """Write the inventory and return it as it is stored; writes.

    Creates it if `resource_version` is "", else swaps it. A lost answer is resolved by reading. `NotNowError` if it is
    not any more what was read: somebody else deploys; `ApiFailure` for everything else, ambiguous if even reading did
    not tell. One request; where there were ever shards also one for each new one, a LIST, and one for each left over.
    """
    wanted, new = laid_out(inventory)
    for body in new:
        _write_shard(writer, wanted, body)
    stored = _swap(writer, wanted)
    if stored.generation:
        _delete_left_over(writer, stored)
    return stored


def _swap(writer: ApiWriter, inventory: Inventory) -> Inventory:
    body = to_config_map(inventory)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _stored(inventory, _send(writer, inventory, body))
        except ApiFailure as failure:
            if is_about_namespace(failure):
                raise namespace_missing(inventory) from failure
            if failure.status in {404, 409}:
                raise _overtaken(inventory) from failure
            if not failure.ambiguous or attempt == _ATTEMPTS:
                raise
            live = _read_after(writer, inventory, failure)
            if live is not None and live.get("data") == body["data"]:
                return _stored(inventory, live)
            if _version(live) != inventory.resource_version:
                raise _overtaken(inventory) from failure
    raise AssertionError("the last attempt returns or raises")


def _write_shard(writer: ApiWriter, inventory: Inventory, body: Body) -> None:
    """Create a shard. One that is there already was written by another run, and holds the same: its name says so."""
    name = str(body["metadata"]["name"])
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            writer.create(CONFIG_MAP, inventory.namespace, body)
            return
        except ApiFailure as failure:
            if is_about_namespace(failure):
                raise namespace_missing(inventory) from failure
            if failure.status != 409 and not (failure.ambiguous and attempt < _ATTEMPTS):
                raise
            found = writer.get(CONFIG_MAP, inventory.namespace, name)
            if found is not None and found.get("binaryData") == body["binaryData"]:
                return
            if found is not None:
                raise _not_a_shard(inventory, name) from failure
    raise AssertionError("the last attempt returns or raises")


def _delete_left_over(writer: ApiWriter, stored: Inventory) -> None:
    """Delete the shards that no version names any more. What this cannot do, the next write of the inventory does."""
    try:
        found = writer.list(CONFIG_MAP, stored.namespace, f"{SHARD_OF_LABEL}={stored.id}").items
        names = [str(body["metadata"]["name"]) for body in found]
        for name in names:
            if is_left_over(name, stored.name, stored.generation, stored.shards):
                writer.delete(CONFIG_MAP, stored.namespace, name, Precondition())
    except (ApiFailure, GitopsPushError):
        return


def delete_shards(writer: ApiWriter, record: RecordName) -> None:
    """Delete all shards of a record that is gone; writes. Raises `ApiFailure`."""
    for body in writer.list(CONFIG_MAP, record.namespace, f"{SHARD_OF_LABEL}={record.id}").items:
        writer.delete(CONFIG_MAP, record.namespace, str(body["metadata"]["name"]), Precondition())


def _with_shards(reader: ApiReader, body: Body, inventory: Inventory) -> Inventory:
    """Return the inventory of a record, with the lists in the shards that it names.

    Where one is missing, somebody may have swapped the record since, and deleted what the earlier version named.
    """
    try:
        return from_config_map(body, _shards(reader, body, inventory))
    except RefusedError:
        now = _record(reader, inventory) if shards_named(body) else None
        if now is None or _version(now) == _version(body):
            raise
    return _with_shards(reader, now, inventory)


def _shards(reader: ApiReader, body: Body, inventory: Inventory) -> dict[str, Body | None]:
    names = [shard.name for shard in shards_named(body)]
    try:
        return dict(in_parallel(lambda name: reader.get(CONFIG_MAP, inventory.namespace, name), names, _SHARDS_AT_ONCE))
    except ApiFailure as failure:
        raise _unreadable(inventory, failure) from failure


def _read_after(writer: ApiWriter, inventory: Inventory, failure: ApiFailure) -> Body | None:
    """Read what a lost write left; raises that failure again, ambiguous as it is, if this does not work either."""
    try:
        return writer.get(CONFIG_MAP, inventory.namespace, inventory.name)
    except (ApiFailure, GitopsPushError):
        raise failure from None


def check_has_place(reader: ApiReader, inventory: Inventory) -> None:
    """Prove by a dry run that a new inventory can be created; `PlanError` if its namespace does not exist.

    A credential that may not patch ConfigMaps cannot be asked this way: its rights are checked on their own.
    """
    try:
        reader.dry_run_apply(CONFIG_MAP, inventory.namespace, inventory.name, to_config_map(inventory))
    except ApiFailure as failure:
        if failure.status == 403:
            return
        if is_about_namespace(failure):
            raise namespace_missing(inventory) from failure
        text = f"the inventory {inventory.ref} cannot be created: {failure.message}"
        raise PlanError(Problem(Code.DRY_RUN_REJECTED, text, ref=inventory.ref)) from failure


def is_about_namespace(failure: ApiFailure) -> bool:
    """Return whether the server says that the namespace of a request does not exist."""
    return failure.status == 404 and failure.details_kind == "namespaces"


def namespace_missing(inventory: Inventory) -> PlanError:
    """Return the error for an inventory that has no place."""
    text = f"the namespace {inventory.namespace} does not exist"
    hint = "create it, add it to the set, or set another `namespace:` for the environment"
    return PlanError(Problem(Code.NAMESPACE_MISSING, text, ref=inventory.ref, hint=hint))


def _send(writer: ApiWriter, inventory: Inventory, body: Body) -> Body:
    if not inventory.resource_version:
        return writer.create(CONFIG_MAP, inventory.namespace, body).body
    return writer.replace(CONFIG_MAP, inventory.namespace, inventory.name, body).body


def _stored(inventory: Inventory, body: Body) -> Inventory:
    """Return what was written, under the resourceVersion and the uid that it has now."""
    metadata = body["metadata"]
    return replace(inventory, resource_version=str(metadata["resourceVersion"]), uid=str(metadata["uid"]))


def _unreadable(inventory: Inventory, failure: ApiFailure) -> ClusterError:
    code = Code.SERVER_FORBIDS if failure.status == 403 else Code.SERVER_ERROR
    text = f"the inventory {inventory.ref} cannot be read: {failure.message}"
    return ClusterError(Problem(code, text, ref=inventory.ref))


def _identity(body: Body) -> tuple[str, str | None, str | None]:
    data = body.get("data") or {}
    return str(body["metadata"]["name"]), data.get("project"), data.get("environment")


def _version(body: Body | None) -> str:
    return "" if body is None else str(body["metadata"].get("resourceVersion", ""))


def _check_identity(found: Inventory, wanted: Inventory) -> None:
    if (found.project, found.environment) == (wanted.project, wanted.environment):
        return
    raise RefusedError(
        Problem(
            Code.INVENTORY_MISMATCH,
            f"the inventory {found.ref} belongs to environment {found.environment!r} of project {found.project!r}, "
            f"this is environment {wanted.environment!r} of project {wanted.project!r}",
            ref=found.ref,
            hint="set `project:` in gitops-push.yaml to the one that owns it, or another one to keep them apart",
        )
    )


def _not_a_shard(inventory: Inventory, name: str) -> RefusedError:
    text = f"the inventory {inventory.ref} cannot be written: {inventory.namespace}/{name} is not a shard of it"
    return RefusedError(Problem(Code.INVENTORY_MISMATCH, text, ref=inventory.ref, hint="delete that ConfigMap"))


def _overtaken(inventory: Inventory) -> NotNowError:
    return NotNowError(_overtaken_problem(inventory))


def _overtaken_problem(inventory: Inventory) -> Problem:
    text = f"somebody else deployed {inventory.environment} since the plan was made: {inventory.ref} has changed"
    return Problem(Code.NOT_NOW, text, ref=inventory.ref, hint="run the same command again")
