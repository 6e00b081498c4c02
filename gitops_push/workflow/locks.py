"""The lock of an environment outside of a deployment: kept while a record is written, shown, and released by hand."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gitops_push.core.checkout import Checkout
from gitops_push.core.codes import Code
from gitops_push.core.errors import NotNowError, Problem
from gitops_push.core.inventory import Inventory, new_inventory
from gitops_push.core.lease import LeaseState, LockHolder
from gitops_push.core.redaction import Redactor
from gitops_push.core.run import RunHeader
from gitops_push.workflow.commands import header_of
from gitops_push.workflow.connection import connected
from gitops_push.workflow.deploying import identity_of
from gitops_push.workflow.settings import Settings, Watcher
from gitops_push.workflow.workspace import environment_of, open_workspace

if TYPE_CHECKING:
    from gitops_push.cluster.http_api import HttpApi
    from gitops_push.workflow.connection import Connection

_LONGEST_LOOK_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class FoundLock:
    """The lock of an environment: `state` None where it was never locked, `lives` whether its holder renews it."""

    state: LeaseState | None
    lives: bool = False
    released: bool = False

    @property
    def is_held(self) -> bool:
        """Return whether some run holds it."""
        return self.state is not None and self.state.holder is not None


def unlock(
    settings: Settings, name: str, watcher: Watcher, confirm: Callable[[RunHeader, FoundLock], None], *, force: bool
) -> tuple[RunHeader, FoundLock]:
    """Return the lock of an environment; with `force` it is released, if it is as it was shown to `confirm`; writes.

    Looks for as long as a living holder needs to renew it. Raises `NotNowError` where it changed meanwhile, and
    `ClusterError`.
    """
    from gitops_push.cluster.lease_store import read_lease, write_lease

    workspace = open_workspace(settings, name, watcher)
    environment = environment_of(workspace, settings, name)
    nothing_known = Redactor(secrets.token_bytes(32))
    with connected(settings, workspace.checkout, environment, watcher, nothing_known) as connection:
        header = header_of(workspace.checkout, environment, connection)
        record = new_inventory(environment.project, environment.name, environment.namespace)

        def read() -> LeaseState | None:
            return read_lease(connection.api, record.namespace, record.name)

        with watcher.working(f"looking whether the lock of {header.environment} is renewed"):
            found = _watched(read)
        if found.state is None or not (force and found.is_held):
            return header, found
        confirm(header, found)
        stored = write_lease(connection.api.as_writer(), found.state.released())
        if stored is None:
            text = f"the lock of {header.environment} changed hands or was renewed meanwhile, and was left as it is"
            raise NotNowError(Problem(Code.LOCKED, text, hint="look again: gitops-push unlock shows who holds it now"))
        watcher.wrote(True)
        return header, FoundLock(found.state, found.lives, released=True)


@contextmanager
def locked(
    settings: Settings, checkout: Checkout, connection: Connection, record: Inventory, watcher: Watcher
) -> Iterator[HttpApi]:
    """Give what writes, as long as this run has the lock of the environment of `record`; writes the Lease.

    Raises `NotNowError` where a run that lives has it, and `ClusterError`.
    """
    from gitops_push.cluster.lock import Lock, LockOptions

    seconds = settings.lease_seconds
    writer = connection.api.as_writer(call_seconds=max(2.0, seconds / 3))
    holder = LockHolder(secrets.token_hex(8), identity_of(settings, checkout))
    options = LockOptions(duration_seconds=seconds, progress=watcher.progress, now=watcher.now)
    lock = Lock(writer, record.namespace, record.name, holder, options)
    lock.take()
    try:
        yield connection.api.as_writer(lock.guard)
    finally:
        lock.release()


def _watched(read: Callable[[], LeaseState | None]) -> FoundLock:
    """Return the lock, and whether its holder has renewed it within the time after which it should have."""
    first = state = read()
    if first is None or first.holder is None:
        return FoundLock(first)
    ends_at = time.monotonic() + min(first.duration_seconds / 2 + 1, _LONGEST_LOOK_SECONDS)
    while state is not None and state.pulse == first.pulse and time.monotonic() < ends_at:
        time.sleep(_POLL_SECONDS)
        state = read()
    return FoundLock(state, lives=state is not None and state.holder is not None and state.pulse != first.pulse)
