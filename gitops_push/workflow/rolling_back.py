"""`rollback`: an earlier commit of this repo is planned and deployed again, with the same safety as any other."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from gitops_push.core.codes import Code
from gitops_push.core.environment import Environment
from gitops_push.core.errors import ConfigError, Problem, RefusedError
from gitops_push.core.history import History
from gitops_push.core.inventory import Inventory
from gitops_push.core.redaction import Redactor
from gitops_push.core.run import RunHeader
from gitops_push.workflow.commands import build_again, plan_of, prepared_over
from gitops_push.workflow.connection import connected
from gitops_push.workflow.history import PastWorkspace, workspace_at
from gitops_push.workflow.settings import Confirm, Settings, Watcher
from gitops_push.workflow.workspace import environment_of, open_workspace

if TYPE_CHECKING:
    from gitops_push.core.deployment import Deployment
    from gitops_push.workflow.connection import Connection


def roll_back(
    settings: Settings, name: str, watcher: Watcher, confirm: Confirm, *, to: str, holds: bool
) -> tuple[RunHeader, Deployment]:
    """Deploy the commit `to` (a hash or any name of git; "" the last healthy one before the deployed one); writes.

    The environment is what that commit says, in the cluster and namespace of this checkout. Neither its hold nor the
    order of commits stands in the way. Raises what planning raises, and `ConfigError` for a commit that is not cloned.
    """
    from gitops_push.cluster.history_store import read_history
    from gitops_push.cluster.renaming import read_current

    workspace = open_workspace(settings, name, watcher)
    now = environment_of(workspace, settings, name)
    nothing_known = Redactor(secrets.token_bytes(32))
    with connected(settings, workspace.checkout, now, watcher, nothing_known) as connection:
        inventory = read_current(connection.api, now)
        target = to or _last_healthy(read_history(connection.api, inventory.place), inventory)
        with workspace_at(workspace, target, settings) as past:
            return _deploy(settings, (past, now, name), connection, inventory, watcher, confirm, holds=holds)


def _deploy(
    settings: Settings,
    target: tuple[PastWorkspace, Environment, str],
    connection: Connection,
    inventory: Inventory,
    watcher: Watcher,
    confirm: Confirm,
    *,
    holds: bool,
) -> tuple[RunHeader, Deployment]:
    from gitops_push.workflow.deploying import Confirmed, Rollback, deploy_confirmed

    past, now, name = target
    built = build_again(past.settings(settings), past.then, _as_it_was(past.environment(settings, name), now), watcher)
    known = built.redactor.with_values(secret.reveal() for secret in connection.credential.secrets)
    watcher.secrets(known)
    connection = replace(connection, redactor=known)
    back = Rollback(inventory.commit, holds)

    def planned(over: Inventory) -> Confirmed:
        prepared = prepared_over(settings, built, connection, over, watcher)
        request, plan = plan_of(settings, prepared, watcher)
        return Confirmed(prepared.header, built.checkout, connection, request, plan, back)

    first = planned(inventory)
    confirm(first.header, first.plan, protected=now.protected)
    if first.plan.has_changes:
        connection.check_still_same(now)
    return first.header, deploy_confirmed(settings, first, watcher, confirm, planned)


def _as_it_was(then: Environment, now: Environment) -> Environment:
    """Return the environment as the earlier commit has it, in the place and with the protection that it has now."""
    if (then.project, then.name, then.namespace) != (now.project, now.name, now.namespace):
        was, is_now = (f"{each.project}/{each.name} in namespace {each.namespace}" for each in (then, now))
        message = f"the earlier commit has the environment as {was}, and now it is {is_now}"
        raise RefusedError(Problem(Code.REFUSED_BY_RULE, message, now.origin, hint="deploy a commit that has it there"))
    return replace(then, cluster=now.cluster, protected=now.protected, depends_on=(), renamed_from=now.renamed_from)


def _last_healthy(history: History, inventory: Inventory) -> str:
    found = history.last_healthy_before(inventory.commit)
    if found is not None:
        return found.commit
    message = (
        f"the history of {inventory.environment} has no healthy deployment of another commit than the deployed one"
    )
    hint = f"`gitops-push history {inventory.environment}` shows it; name a commit with --to"
    raise ConfigError(Problem(Code.COMMIT_MISSING, message, hint=hint))
