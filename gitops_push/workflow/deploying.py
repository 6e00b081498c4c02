"""From a confirmed plan to a deployment: under the lock of the environment, over a commit that comes before.

The lock is taken when something is about to be written and not before: a run that changes nothing takes none. What the
plan was made from is read again under it; where another run was faster, another plan is made, and confirmed if it is
not the same.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gitops_push.core.checkout import Checkout
from gitops_push.core.codes import Code
from gitops_push.core.commit_order import Relation, check_order
from gitops_push.core.deployment import Deployment, Result
from gitops_push.core.environment import CommitOrder, Environment
from gitops_push.core.errors import GitopsPushError, NotNowError, Problem
from gitops_push.core.history import History, Hold, entry_of, lost_entry
from gitops_push.core.inventory import Inventory
from gitops_push.core.lease import LockHolder
from gitops_push.core.plan import Plan
from gitops_push.core.plan_digest import plan_digest
from gitops_push.core.run import RunHeader
from gitops_push.core.run_identity import RunIdentity
from gitops_push.repo.ancestry import ancestors_of, relation_of
from gitops_push.workflow.deadline import within
from gitops_push.workflow.holding import check_not_held
from gitops_push.workflow.settings import Confirm, Settings, Watcher

if TYPE_CHECKING:
    from gitops_push.cluster.deploy_request import DeployOptions
    from gitops_push.cluster.lock import Lock
    from gitops_push.cluster.survey import PlanRequest
    from gitops_push.workflow.connection import Connection

_MOST_PLANS: Final = 5
_RECORDING_SECONDS: Final = 15.0
_STOPPED_SECONDS: Final = 1.0


class _MovedError(NotNowError):
    """Another run has written the inventory since the plan was made."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        text = f"{inventory.environment} was deployed by somebody else again and again while this run planned"
        super().__init__(Problem(Code.NOT_NOW, text, hint="run again when it is quieter"))


@dataclass(frozen=True, slots=True)
class Rollback:
    """That a deployment goes back from `commit` on purpose; `holds`: and that nothing is deployed after it for now."""

    commit: str
    holds: bool = True


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A plan that may be applied, and what it was made from."""

    header: RunHeader
    checkout: Checkout
    connection: Connection
    request: PlanRequest
    plan: Plan
    rollback: Rollback | None = None


@dataclass(slots=True)
class _Gate:
    """Stands before the first write: takes the lock, and checks what only holds under it. Then it is open."""

    settings: Settings
    confirmed: Confirmed
    lock: Lock
    is_open: bool = False

    def __call__(self) -> bool:
        """Return whether writing may begin; False where the run should stop. Raises `GitopsPushError`."""
        from gitops_push.cluster.renaming import read_current

        if self.is_open:
            return True
        if not self.lock.take():
            return False
        request = self.confirmed.request
        found = read_current(self.confirmed.connection.api, request.environment)
        if self.confirmed.rollback is None:
            check_may_deploy(self.settings, self.confirmed.checkout, self.confirmed.connection, request, found)
        if (found.uid, found.resource_version) != (request.inventory.uid, request.inventory.resource_version):
            raise _MovedError(found)
        self.is_open = True
        return True


def check_may_deploy(
    settings: Settings, checkout: Checkout, connection: Connection, request: PlanRequest, inventory: Inventory
) -> None:
    """Raise `NotNowError` while the environment is on hold, and what `_check_commit` raises. One GET."""
    from gitops_push.cluster.history_store import read_history

    environment = request.environment
    check_not_held(read_history(connection.api, inventory.place), environment.name, request.now)
    _check_commit(settings, checkout, environment, inventory)


def _check_commit(settings: Settings, checkout: Checkout, environment: Environment, inventory: Inventory) -> None:
    """Raise where what is deployed forbids to deploy this commit over it: `SupersededError` or `RefusedError`."""
    if settings.allow_rollback or environment.commit_order is CommitOrder.OFF:
        return
    relation = Relation.FORWARD
    if inventory.commit and inventory.commit != checkout.commit:
        relation = relation_of(checkout, inventory.commit, settings.environ)
    check_order(checkout.commit, inventory, relation)


def deploy_confirmed(
    settings: Settings,
    confirmed: Confirmed,
    watcher: Watcher,
    confirm: Confirm,
    plan_again: Callable[[Inventory], Confirmed],
) -> Deployment:
    """Deploy a confirmed plan; whatever this raises, nothing was written.

    `plan_again` makes the plan anew from another inventory; one that is not the same is confirmed like the first.
    """
    lock = _lock(settings, confirmed, watcher)
    try:
        for is_last in (*[False] * (_MOST_PLANS - 1), True):
            try:
                deployment = _deploy(settings, confirmed, lock, watcher)
                _record(settings, confirmed, deployment, watcher)
                _give_back(lock, deployment)
                return deployment
            except _MovedError as moved:
                if is_last:
                    raise
                confirmed = _confirmed_again(confirmed, plan_again(moved.inventory), watcher, confirm)
    finally:
        lock.release()
    raise AssertionError("the last attempt returns or raises")


def _confirmed_again(before: Confirmed, now: Confirmed, watcher: Watcher, confirm: Confirm) -> Confirmed:
    """Return the new plan, which is confirmed where it is not the one that was."""
    if plan_digest(now.plan) != plan_digest(before.plan):
        watcher.warning(
            f"{now.plan.environment} was deployed by another run since the plan was made: this is a new one"
        )
        confirm(now.header, now.plan, protected=now.request.environment.protected)
    return now


def _record(settings: Settings, confirmed: Confirmed, deployment: Deployment, watcher: Watcher) -> None:
    """Write what happened into the history, and a hold after a rollback; what fails is a warning.

    A run that was stopped has no time for a server that hangs.
    """
    from gitops_push.cluster.history_store import change_history

    if not deployment.wrote:
        return
    writer = confirmed.connection.api.as_writer()
    place = confirmed.request.inventory.place
    change = _new_entry(settings, confirmed, deployment)

    def write() -> str:
        try:
            change_history(writer, place, change)
        except GitopsPushError as error:
            return str(error)
        return ""

    failed = within(write, _STOPPED_SECONDS if deployment.interrupted else _RECORDING_SECONDS, "no answer came in time")
    if failed:
        watcher.warning(f"the deployment is not in the history: {failed}")


def _new_entry(settings: Settings, confirmed: Confirmed, deployment: Deployment) -> Callable[[History], History]:
    """Return what adds this deployment to the history, and before it one whose run was lost."""
    by, back = identity_of(settings, confirmed.checkout), confirmed.rollback
    entry = entry_of(deployment, by, waited=settings.wait, rolled_back_from=back.commit if back else "")
    lost = lost_entry(confirmed.request.inventory)

    def change(history: History) -> History:
        last = history.entries[-1] if history.entries else None
        if last is not None and (last.finished_at, last.digest) == (entry.finished_at, entry.digest):
            return history  # an answer was lost, and it is there
        before = history.with_entry(lost) if lost else history
        after = before.with_entry(entry)
        if back is None or not back.holds or deployment.exit_code not in {0, 21}:
            return after
        reason = f"rolled back from {back.commit[:7] or 'an unknown commit'} to {deployment.plan.commit[:7]}"
        return replace(after, hold=Hold(reason, by, deployment.finished_at))

    return change


def _give_back(lock: Lock, deployment: Deployment) -> None:
    """Release the lock, unless a request may still be carried out: then it is left to its end."""
    if any(outcome.result is Result.UNKNOWN for outcome in deployment.outcomes):
        lock.abandon()
    else:
        lock.release()


def _lock(settings: Settings, confirmed: Confirmed, watcher: Watcher) -> Lock:
    """Return the lock of the environment; nothing is sent before it is taken."""
    from gitops_push.cluster.lock import Lock, LockOptions

    checkout, inventory = confirmed.checkout, confirmed.request.inventory

    def is_newer(commit: str) -> bool:
        ordered = confirmed.request.environment.commit_order is CommitOrder.ANCESTOR
        return ordered and relation_of(checkout, checkout.commit, settings.environ, commit) is Relation.FORWARD

    options = LockOptions(
        duration_seconds=settings.lease_seconds,
        wait_seconds=settings.lock_wait_seconds,
        should_stop=watcher.stop_wanted,
        should_yield=is_newer
        if confirmed.request.environment.commit_order is CommitOrder.ANCESTOR
        else lambda _: False,
        progress=watcher.progress,
        now=watcher.now,
    )
    holder = LockHolder(secrets.token_hex(8), identity_of(settings, checkout))
    writer = confirmed.connection.api.as_writer(call_seconds=max(2.0, settings.lease_seconds / 3))
    return Lock(writer, inventory.namespace, inventory.name, holder, options)


def _deploy(settings: Settings, confirmed: Confirmed, lock: Lock, watcher: Watcher) -> Deployment:
    from gitops_push.cluster.deploy_request import DeployRequest
    from gitops_push.cluster.deployer import deploy

    request, plan = confirmed.request, confirmed.plan
    todo = DeployRequest(
        plan,
        request.manifests,
        request.environment,
        request.inventory,
        request.redactor,
        _options(settings, confirmed, lock, watcher),
        identity=identity_of(settings, confirmed.checkout),
        ancestors=ancestors_of(confirmed.checkout, settings.environ),
    )
    writer = confirmed.connection.api.as_writer(lock.guard)
    with watcher.deploying(), watcher.working(f"deploying {plan.environment}"):
        deployment = deploy(todo, writer, watcher.outcome)
        watcher.wrote(deployment.wrote)
        return replace(deployment, retries=writer.retry_counts)


def _options(settings: Settings, confirmed: Confirmed, lock: Lock, watcher: Watcher) -> DeployOptions:
    from gitops_push.cluster.deploy_request import DeployOptions

    return DeployOptions(
        concurrency=settings.concurrency,
        wait=settings.wait,
        timeout_seconds=confirmed.request.environment.wait.timeout_seconds,
        should_stop=watcher.stop_wanted,
        before_writing=_Gate(settings, confirmed, lock),
        writing=watcher.writing,
        progress=watcher.progress,
        warning=watcher.warning,
        now=watcher.now,
    )


def identity_of(settings: Settings, checkout: Checkout) -> RunIdentity:
    """Return who runs, for the commit that is checked out: it may be another than the one a CI job was started for."""
    if not checkout.commit:
        return settings.identity
    return replace(settings.identity, commit=checkout.commit, branch=checkout.branch or settings.identity.branch)
