"""An inventory under a new name takes over the one of its earlier name, and in the end that one's record goes.

Both records name every object until the new label is on all of them, so a kill at any step leaves nothing that nobody
owns, and the next run goes on:

    new record (everything of both; "renamedFrom") -> objects, with the new label -> old record deleted -> new record
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from gitops_push.cluster.api import ApiFailure, ApiReader, ApiWriter, Precondition, ServedKind, ServedKinds
from gitops_push.cluster.inventory_store import CONFIG_MAP, delete_shards, read_inventory
from gitops_push.core.codes import Code
from gitops_push.core.environment import Environment
from gitops_push.core.errors import ClusterError, Problem, RefusedError
from gitops_push.core.inventory import PART_OF_LABEL, Inventory, InventoryEntry, RecordName, absorbing, new_inventory
from gitops_push.core.kinds import split_api_version
from gitops_push.core.membership import is_member

_LABEL_POINTER: Final = "/metadata/labels/" + PART_OF_LABEL.replace("/", "~1")


def read_current(reader: ApiReader, environment: Environment) -> Inventory:
    """Return the inventory of an environment, with all of the one that `renamedFrom` names, where that exists.

    One GET more for each of the names. Raises like `read_inventory`, and `RefusedError` where both are inventories on
    their own: the earlier name may be somebody else's by now.
    """
    inventory = read_inventory(reader, environment.project, environment.name, environment.namespace)
    former = _former_of(environment)
    if former is None or former.place == inventory.place:
        return inventory
    found = read_inventory(reader, former.project, former.environment, former.namespace)
    if not found.resource_version:
        return inventory
    if inventory.resource_version and inventory.former != found.place:
        raise RefusedError(_both_exist(environment, inventory, found))
    return absorbing(inventory, found)


def check_move(inventory: Inventory, former: Inventory | None, place: RecordName) -> None:
    """Raise `RefusedError` unless there is another inventory at this place that this one can take over."""
    why, hint = "", None
    if former is None:
        why, hint = f"there is no inventory {place}", "`gitops-push inventory list` shows those of the cluster"
    elif place == inventory.place:
        why = f"{place} is the inventory of {inventory.environment} already"
    elif inventory.former not in {None, place}:
        why = f"{inventory.place} still takes over {inventory.former}"
        hint = f"finish that first: gitops-push apply {inventory.environment}"
    if why:
        raise RefusedError(Problem(Code.INVENTORY_MISMATCH, why, ref=inventory.ref, hint=hint))


def relabel(writer: ApiWriter, entries: Iterable[InventoryEntry], inventory: Inventory) -> None:
    """Give objects that no apply has sent the label of the inventory, where they have that of its former one; writes.

    One GET each, and a patch that holds for this very label only. Raises `ApiFailure`.
    """
    served = writer.served_kinds()
    for entry in entries:
        kind = _kind_of(entry, served)
        live = writer.get(kind, entry.ref.namespace, entry.ref.name) if kind else None
        if kind and live and is_member(live, inventory.ids - {inventory.id}):
            patch = _label_patch(str(live["metadata"]["labels"][PART_OF_LABEL]), inventory.id)
            writer.json_patch(kind, entry.ref.namespace, entry.ref.name, patch)


def delete_former(writer: ApiWriter, inventory: Inventory) -> None:
    """Delete the record that was taken over, if it is still the one that was read, and then its shards; writes.

    Raises `ApiFailure`: 409 where somebody has written it since.
    """
    former = inventory.former
    if former is None:
        return
    if former.uid:
        writer.delete(CONFIG_MAP, former.namespace, former.name, Precondition(former.uid, former.version))
    elif writer.get(CONFIG_MAP, former.namespace, former.name) is not None:
        return  # nobody has read it in this run: it may be another environment's by now
    delete_shards(writer, former)


def give_up_former(writer: ApiWriter, inventory: Inventory) -> None:
    """Delete the record that was taken over, as `delete_former`. Raises `ClusterError` for what the server says."""
    try:
        delete_former(writer, inventory)
    except ApiFailure as failure:
        text = f"the inventory {inventory.former} was taken over, but is still there: {failure.message}"
        raise ClusterError(Problem(Code.SERVER_ERROR, text, hint="run the same command again")) from failure


def _former_of(environment: Environment) -> Inventory | None:
    before = environment.renamed_from
    if before is None:
        return None
    return new_inventory(
        before.project or environment.project,
        before.environment or environment.name,
        before.namespace or environment.namespace,
    )


def _kind_of(entry: InventoryEntry, served: ServedKinds) -> ServedKind | None:
    _, version = split_api_version(entry.api_version)
    return served.find(entry.ref.group, entry.ref.kind, version) or served.find(entry.ref.group, entry.ref.kind)


def _label_patch(before: str, after: str) -> tuple[dict[str, Any], ...]:
    return (
        {"op": "test", "path": _LABEL_POINTER, "value": before},
        {"op": "replace", "path": _LABEL_POINTER, "value": after},
    )


def _both_exist(environment: Environment, inventory: Inventory, former: Inventory) -> Problem:
    message = f"renamedFrom names the inventory {former.place}, but {inventory.place} is there on its own already"
    hint = (
        f"to join them: gitops-push inventory move {former.place} {environment.name}; if the earlier name is another "
        "environment's by now, take renamedFrom out of the config"
    )
    return Problem(Code.INVENTORY_MISMATCH, message, environment.origin, former.ref, hint)
