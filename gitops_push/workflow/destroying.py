"""`destroy`: everything that an inventory owns is deleted, in reverse order, and then the records themselves.

A deployment of nothing: the same plan, guards, lock and report as any other. What a guard keeps stays in the inventory.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gitops_push.core.codes import Code
from gitops_push.core.environment import Cluster, Environment, PruneRules
from gitops_push.core.errors import ClusterError, ConfigError, NotNowError, Problem, UsageError
from gitops_push.core.inventory import Inventory, RecordName
from gitops_push.core.objects import ManifestSet
from gitops_push.core.origin import Origin
from gitops_push.core.redaction import Redactor
from gitops_push.core.run import RunHeader
from gitops_push.repo.build import digest_of
from gitops_push.workflow.commands import Built, plan_of, prepared_over
from gitops_push.workflow.connection import connected
from gitops_push.workflow.holding import check_not_held
from gitops_push.workflow.locks import locked
from gitops_push.workflow.settings import Confirm, Settings, Watcher
from gitops_push.workflow.workspace import Workspace, environment_of, open_workspace

if TYPE_CHECKING:
    from gitops_push.core.deployment import Deployment
    from gitops_push.workflow.connection import Connection

_EVERYTHING: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What became of it. `deployment` is None where nothing was deployed; `records_gone` says that nothing is left."""

    deployment: Deployment | None
    records_gone: bool = False


@dataclass(frozen=True, slots=True)
class DestroyRequest:
    """What is to go: the environment `name` of the config, or the inventory `place` (namespace/name).

    `kinds` are guarded ones (Namespace, CustomResourceDefinition, volumes) that may be deleted too.
    """

    name: str = ""
    place: str = ""
    kinds: tuple[str, ...] = ()


def destroy(
    settings: Settings, wanted: DestroyRequest, watcher: Watcher, confirm: Confirm
) -> tuple[RunHeader, Destroyed]:
    """Delete what an environment owns, and its records if nothing stays; writes.

    Raises what planning raises, `NotNowError` while it is on hold, and `UsageError` for a place that is none.
    """
    from gitops_push.cluster.history_store import read_history
    from gitops_push.workflow.deploying import Confirmed, Rollback, deploy_confirmed

    with _found(settings, wanted, watcher) as (built, connection, inventory):
        header = prepared_over(settings, built, connection, inventory, watcher).header
        if not inventory.resource_version:
            return header, Destroyed(None)
        environment = built.environment
        check_not_held(read_history(connection.api, inventory.place), environment.name, watcher.now())

        def planned(over: Inventory) -> Confirmed:
            prepared = prepared_over(settings, built, connection, over, watcher)
            request, plan = plan_of(settings, prepared, watcher)
            return Confirmed(header, built.checkout, connection, request, plan, Rollback(over.commit, False))

        first = planned(inventory)
        confirm(first.header, first.plan, protected=environment.protected)
        connection.check_still_same(environment)
        deployment = deploy_confirmed(settings, first, watcher, confirm, planned)
        return header, Destroyed(
            deployment, deployment.exit_code == 0 and _delete_records(settings, built, connection, inventory, watcher)
        )


@contextmanager
def _found(
    settings: Settings, wanted: DestroyRequest, watcher: Watcher
) -> Iterator[tuple[Built, Connection, Inventory]]:
    """Give the environment with nothing in it, and its inventory."""
    from gitops_push.cluster.inventory_store import read_record
    from gitops_push.cluster.renaming import read_current

    workspace = open_workspace(settings, wanted.name or ".", watcher)
    place = _place(wanted.place) if wanted.place else None
    environment = _unnamed(place) if place else environment_of(workspace, settings, wanted.name)
    nothing_known = Redactor(secrets.token_bytes(32))
    with connected(settings, workspace.checkout, environment, watcher, nothing_known) as connection:
        if place is None:
            inventory = read_current(connection.api, environment)
        else:
            record = read_record(connection.api, place)
            if record is None:
                hint = "`gitops-push inventory list` shows those of the cluster"
                raise ConfigError(Problem(Code.ENVIRONMENT_UNKNOWN, f"there is no inventory {place}", hint=hint))
            inventory = record
            environment = replace(environment, name=record.environment, project=record.project)
        built = _nothing(workspace, environment, wanted.kinds, inventory, connection.redactor)
        yield built, connection, inventory


def _nothing(
    workspace: Workspace, environment: Environment, kinds: tuple[str, ...], inventory: Inventory, redactor: Redactor
) -> Built:
    """Return the environment as if its config were empty; everything it owns may go, but kinds that are not named."""
    rules = PruneRules(max_count=_EVERYTHING, max_percent=None, kinds=kinds)
    bare = replace(environment, sources=(), prune=rules, depends_on=())
    manifests = ManifestSet(environment.name, inventory.commit, (), digest_of(()))
    header = RunHeader("", environment.name, workspace.checkout)
    return Built(header, workspace, bare, manifests, redactor)


def _place(text: str) -> RecordName:
    namespace, slash, name = text.partition("/")
    if not (namespace and slash and name) or "/" in name:
        raise UsageError(Problem(Code.USAGE, f"{text!r:.100} is no inventory: write NAMESPACE/NAME"))
    return RecordName(namespace, name)


def _unnamed(place: RecordName) -> Environment:
    """Return an environment of which only the place of its inventory is known."""
    return Environment(
        name=place.name,
        project="",
        cluster=Cluster(""),
        namespace=place.namespace,
        sources=(),
        origin=Origin("--inventory", 0, 0),
    )


def _delete_records(
    settings: Settings, built: Built, connection: Connection, before: Inventory, watcher: Watcher
) -> bool:
    """Delete inventory, shards, history and lock, if the inventory is empty; return whether they are gone. Writes.

    The inventory goes last but its shards: as long as it is there the same command goes on. Under the lock, so that no
    run that begins meanwhile loses what it has just recorded; where one has begun, the records are its own and stay.
    """
    from gitops_push.cluster.api import ApiFailure, Precondition
    from gitops_push.cluster.history_store import delete_history
    from gitops_push.cluster.inventory_store import CONFIG_MAP, delete_shards, read_record
    from gitops_push.cluster.lease_store import delete_free_lease

    try:
        with locked(settings, built.checkout, connection, before, watcher) as writer:
            now = read_record(writer, before.place)
            if now is None or now.entries:
                return now is None
            delete_history(writer, now.place)
            writer.delete(CONFIG_MAP, now.namespace, now.name, Precondition(now.uid, now.resource_version))
            delete_shards(writer, now.place)
        delete_free_lease(connection.api.as_writer(), before.namespace, before.name)
    except NotNowError:
        return False
    except ApiFailure as failure:
        text = f"everything is deleted but the records of {before.place}: {failure.message}"
        raise ClusterError(Problem(Code.SERVER_ERROR, text, hint="run the same command again")) from failure
    return True
