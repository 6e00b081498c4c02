"""The commands about the inventories themselves: which there are, and a record that is made anew.

Everything up to a confirmed proposal works through an `ApiReader` whose transport refuses to write.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from gitops_push.core.environment import Cluster, Environment
from gitops_push.core.inventory import Inventory, RecordName, absorbing, new_inventory
from gitops_push.core.inventory_summary import InventorySummary, summary_of
from gitops_push.core.membership import ProposedRecord, propose_record
from gitops_push.core.origin import Origin
from gitops_push.core.redaction import Redactor
from gitops_push.core.run import RunHeader
from gitops_push.repo.discovery import PATH_PREFIX
from gitops_push.repo.environments import Asked, load_environments, load_nearest_config, project_of
from gitops_push.workflow.commands import build, header_of
from gitops_push.workflow.locks import locked
from gitops_push.workflow.settings import Settings, Watcher
from gitops_push.workflow.workspace import Workspace, environment_of, open_workspace

if TYPE_CHECKING:
    from gitops_push.workflow.connection import Connection

_ORPHANED: Final = "environments of a path are in no config: their inventories are left out"


class ConfirmRecord(Protocol):
    """Shows what a record would gain and returns when it may be written; raises when not."""

    def __call__(self, header: RunHeader, proposed: ProposedRecord) -> None:
        """Return, or raise."""
        ...


class ConfirmMove(Protocol):
    """Shows the inventory that takes over another one and returns when it may be written; raises when not."""

    def __call__(self, header: RunHeader, moved: Inventory) -> None:
        """Return, or raise."""
        ...


@dataclass(frozen=True, slots=True)
class InventoryList:
    """The inventories of a cluster, sorted; `notes` say for people where nothing could be looked at."""

    found: tuple[InventorySummary, ...]
    notes: tuple[str, ...] = ()


def list_inventories(settings: Settings, name: str, watcher: Watcher, *, orphaned: bool) -> InventoryList:
    """Return the inventories of the cluster of an environment; "" for that of the config, else of the kubeconfig.

    `orphaned`: only those of a project of this checkout whose environment its config has not. Reads only: one LIST, or
    one for each namespace of the config where not all may be listed.
    """
    from gitops_push.cluster.inventory_store import list_records

    workspace = open_workspace(settings, name or ".", watcher)
    declared = _declared(workspace, settings)
    environment = environment_of(workspace, settings, name) if name else _of_cluster(declared)
    namespaces = {known.namespace for known in (*declared, environment)}
    with _connected(settings, workspace, environment, watcher) as (_, connection):
        records, notes = list_records(connection.api, namespaces)
    found = sorted(map(summary_of, records), key=lambda summary: str(summary.place))
    if not orphaned:
        return InventoryList(tuple(found), notes)
    return InventoryList(tuple(_orphans(found, declared, project_of(workspace.checkout))), (*notes, _ORPHANED))


def adopt(
    settings: Settings, name: str, watcher: Watcher, confirm: ConfirmRecord, named: Iterable[str]
) -> tuple[RunHeader, ProposedRecord]:
    """Make the record of an environment anew of what carries its label, or add to it what it lacks; writes once.

    `confirm` is shown what the record would gain, and raises when that must not be. Raises what reading the inventory
    raises for one of somebody else, `UsageError` for a name that no labelled object has, and what writing raises; the
    record is swapped against the version that was read.
    """
    from gitops_push.cluster.inventory_store import read_for_adoption, write_adopted
    from gitops_push.cluster.members import find_members

    built = build(settings, name, watcher)
    environment = built.environment
    new = new_inventory(environment.project, environment.name, environment.namespace)
    with _connected(settings, built.workspace, environment, watcher) as (header, connection):
        with watcher.working(f"looking for what belongs to {header.environment} in {header.cluster}"):
            known, damage = read_for_adoption(connection.api, new)
            refs = (*(m.ref for m in built.manifests.manifests), *(entry.ref for entry in known.entries))
            places = {environment.namespace, *(ref.namespace for ref in refs if ref.namespace)}
            members = find_members(connection.api, new.id, places)
        proposed = replace(propose_record(known, members.found, tuple(named), damage), notes=members.notes)
        confirm(header, proposed)
        if proposed.writes:
            with locked(settings, built.checkout, connection, new, watcher) as writer:
                write_adopted(writer, replace(proposed.inventory, deployed_at=watcher.now()))
            watcher.wrote(True)
        return header, proposed


def move(
    settings: Settings, source: str, name: str, watcher: Watcher, confirm: ConfirmMove
) -> tuple[RunHeader, Inventory]:
    """Give everything of an inventory to that of an environment, and delete its record; writes.

    `source` is an earlier name of the environment, or the place of a record (`namespace/name`). The objects keep their
    label, which the new record accepts, until the next apply. A kill in between leaves both records; run again, it is
    finished. Raises `RefusedError` where there is nothing to move, and what reading and writing raise.
    """
    from gitops_push.cluster.inventory_store import read_inventory, read_record, write_adopted
    from gitops_push.cluster.renaming import check_move, give_up_former

    workspace = open_workspace(settings, name, watcher)
    environment = environment_of(workspace, settings, name)
    place = _place_of(source, environment)
    with _connected(settings, workspace, environment, watcher) as (header, connection):
        known = read_inventory(connection.api, environment.project, environment.name, environment.namespace)
        former = read_record(connection.api, place)
        if former is None and known.former == place:
            return header, known
        check_move(known, former, place)
        moved = absorbing(known, former) if former else known
        confirm(header, moved)
        with locked(settings, workspace.checkout, connection, known, watcher) as writer:
            stored = write_adopted(writer, moved)
            watcher.wrote(True)
            give_up_former(writer, stored)
        return header, stored


def _place_of(source: str, environment: Environment) -> RecordName:
    """Return the place of a record, of `namespace/name` or of an earlier name of the environment."""
    namespace, slash, name = source.partition("/")
    if slash:
        return RecordName(namespace, name)
    return new_inventory(environment.project, source, environment.namespace).place


def _orphans(
    found: Iterable[InventorySummary], declared: Iterable[Environment], project: str
) -> Iterator[InventorySummary]:
    """Yield the inventories of our projects whose environment is in no config. Those of paths never are in one."""
    known = {(environment.project, environment.name, environment.namespace) for environment in declared}
    projects = {project, *(environment.project for environment in declared)}
    for summary in found:
        identity = (summary.project, summary.environment, summary.place.namespace)
        is_path = summary.environment.startswith(PATH_PREFIX)
        if summary.project in projects and identity not in known and not is_path:
            yield summary


def _declared(workspace: Workspace, settings: Settings) -> tuple[Environment, ...]:
    asked = Asked("", workspace.folder, settings.config_file)
    config = load_nearest_config(workspace.checkout, workspace.files, asked)
    return load_environments(workspace.checkout, workspace.files, config) if config else ()


def _of_cluster(declared: tuple[Environment, ...]) -> Environment:
    """Return an environment of the one cluster of the config; of none or several, one that a kubeconfig decides."""
    if declared and len({environment.cluster for environment in declared}) == 1:
        return declared[0]
    return Environment("", "", Cluster(""), "default", (), Origin(""), declared=False)


@contextmanager
def _connected(
    settings: Settings, workspace: Workspace, environment: Environment, watcher: Watcher
) -> Iterator[tuple[RunHeader, Connection]]:
    from gitops_push.workflow.connection import connected

    nothing_known = Redactor(secrets.token_bytes(32))
    with connected(settings, workspace.checkout, environment, watcher, nothing_known) as connection:
        yield header_of(workspace.checkout, environment, connection), connection
