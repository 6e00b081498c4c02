"""What a deployment is asked to do, and by whom it is watched."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gitops_push.core.environment import Environment
from gitops_push.core.inventory import Inventory
from gitops_push.core.objects import ManifestSet
from gitops_push.core.plan import Plan
from gitops_push.core.redaction import Redactor
from gitops_push.core.run_identity import NOBODY, RunIdentity


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class DeployOptions:
    """How to deploy; times in seconds.

    `timeout_seconds` is for the health of the whole set, and again for deletions; `foundation_seconds` for CRDs and
    namespaces to be served; after `sending_seconds` no more objects of a stage are sent. `should_stop` is asked often:
    when it says so, requests in flight get `stop_seconds`, the last write `closing_seconds`, and a partial report
    follows. `before_writing` takes the lock, as soon as its namespace is there: it returns False where the run should
    stop, and raises where nothing may be written. `writing` is called before the first write is sent. `progress` gets
    lines for people, `warning` those that matter beyond the moment.
    """

    concurrency: int = 16
    wait: bool = True
    timeout_seconds: float = 300.0
    foundation_seconds: float = 60.0
    sending_seconds: float = 900.0
    stop_seconds: float = 5.0
    closing_seconds: float = 1.5
    should_stop: Callable[[], bool] = lambda: False
    before_writing: Callable[[], bool] = lambda: True
    writing: Callable[[], None] = lambda: None
    progress: Callable[[str], None] = lambda _: None
    warning: Callable[[str], None] = lambda _: None
    now: Callable[[], datetime] = _utc_now
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class DeployRequest:
    """A plan, and what it was made from: the same values that went into its `PlanRequest`.

    `redactor` must have the key with which the plan's `live_state` tags were made. `identity` is who deploys,
    `ancestors` are the commits before the plan's as the inventory keeps them.
    """

    plan: Plan
    manifests: ManifestSet
    environment: Environment
    inventory: Inventory
    redactor: Redactor
    options: DeployOptions = field(default_factory=DeployOptions)
    identity: RunIdentity = NOBODY
    ancestors: tuple[str, ...] = ()
