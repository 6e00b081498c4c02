"""`hold` and `resume`: an environment in which nothing is deployed for a while, and the check for it."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from gitops_push.core.codes import Code
from gitops_push.core.errors import NotNowError, Problem
from gitops_push.core.history import History, Hold
from gitops_push.core.inventory import new_inventory
from gitops_push.core.redaction import Redactor
from gitops_push.core.run import RunHeader
from gitops_push.workflow.commands import header_of
from gitops_push.workflow.connection import connected
from gitops_push.workflow.settings import Settings, Watcher
from gitops_push.workflow.workspace import environment_of, open_workspace


def check_not_held(history: History, environment: str, now: datetime) -> None:
    """Raise `NotNowError` while the environment is on hold; one whose time is up counts no more."""
    hold = history.hold
    if hold is None or hold.is_over(now):
        return
    message = f"{environment} is on hold {hold}"
    hint = f"wait until it is over, or end it: gitops-push resume {environment}"
    raise NotNowError(Problem(Code.HELD, message, hint=hint))


def hold(settings: Settings, name: str, watcher: Watcher, reason: str, seconds: float | None) -> tuple[RunHeader, Hold]:
    """Put an environment on hold, in place of a hold that is there already; writes one ConfigMap.

    Needs its namespace to exist. Raises `ClusterError`.
    """
    now = watcher.now()
    until = now + timedelta(seconds=seconds) if seconds else None
    wanted = Hold(" ".join(reason.split()), settings.identity, now, until)
    header, _ = _changed(settings, name, watcher, wanted)
    return header, wanted


def resume(settings: Settings, name: str, watcher: Watcher) -> tuple[RunHeader, Hold | None]:
    """End the hold of an environment, and return it, None if there was none; writes only if there was one."""
    return _changed(settings, name, watcher, None)


def _changed(settings: Settings, name: str, watcher: Watcher, wanted: Hold | None) -> tuple[RunHeader, Hold | None]:
    """Set the hold, and return the one that was there."""
    from gitops_push.cluster.history_store import change_history

    workspace = open_workspace(settings, name, watcher)
    environment = environment_of(workspace, settings, name)
    nothing_known = Redactor(secrets.token_bytes(32))
    with connected(settings, workspace.checkout, environment, watcher, nothing_known) as connection:
        header = header_of(workspace.checkout, environment, connection)
        place = new_inventory(environment.project, environment.name, environment.namespace).place
        before: list[Hold | None] = []

        def change(history: History) -> History:
            before.append(history.hold)
            return replace(history, hold=wanted)

        change_history(connection.api.as_writer(), place, change)
        if before[-1] != wanted:
            watcher.wrote(True)
        return header, before[-1]
