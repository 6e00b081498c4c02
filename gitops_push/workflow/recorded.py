"""`history`: what was deployed in an environment, as the cluster has it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from gitops_push.core.history import History, HistoryEntry, lost_entry
from gitops_push.core.inventory import Inventory
from gitops_push.core.redaction import Redactor
from gitops_push.core.run import RunHeader
from gitops_push.workflow.commands import header_of
from gitops_push.workflow.connection import connected
from gitops_push.workflow.settings import Settings, Watcher
from gitops_push.workflow.workspace import environment_of, open_workspace


@dataclass(frozen=True, slots=True)
class Recorded:
    """The history, and what the inventory says of a deployment that never told its end, or still runs."""

    history: History
    inventory: Inventory

    @property
    def entries(self) -> tuple[HistoryEntry, ...]:
        """Return all deployments, the newest first."""
        lost = lost_entry(self.inventory)
        every = self.history.with_entry(lost).entries if lost else self.history.entries
        return tuple(reversed(every))


def recorded(settings: Settings, name: str, watcher: Watcher) -> tuple[RunHeader, Recorded]:
    """Return the history of an environment. Reads only, two GETs."""
    from gitops_push.cluster.history_store import read_history
    from gitops_push.cluster.inventory_store import read_inventory

    workspace = open_workspace(settings, name, watcher)
    environment = environment_of(workspace, settings, name)
    nothing_known = Redactor(secrets.token_bytes(32))
    with connected(settings, workspace.checkout, environment, watcher, nothing_known) as connection:
        header = header_of(workspace.checkout, environment, connection)
        inventory = read_inventory(connection.api, environment.project, environment.name, environment.namespace)
        return header, Recorded(read_history(connection.api, inventory.place), inventory)
