"""What the command line says, and who watches the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gitops_push.core.redaction import Redactor
from gitops_push.core.run import RunHeader
from gitops_push.core.run_identity import NOBODY, RunIdentity
from gitops_push.workflow.kustomize_flags import NO_FLAGS, KustomizeFlags

if TYPE_CHECKING:
    from gitops_push.core.deployment import Outcome
    from gitops_push.core.plan import Plan


def _nothing(*_: object) -> None:
    """Ignore an event that nobody wants."""


def _in_silence(_: str) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line and its environment variables say; None means that the config decides."""

    directory: Path
    environ: Mapping[str, str] = field(repr=False)
    in_ci: bool = False
    identity: RunIdentity = NOBODY
    config_file: str = ""
    namespace: str = ""
    kubeconfig: str = ""
    context: str = ""
    allow_exec: tuple[str, ...] = ()
    trust_checkout: bool = False
    concurrency: int = 16
    use_proxy: bool = True
    prune: bool | None = None
    max_prune: tuple[int | None, int | None] | None = None
    force_conflicts: bool = False
    forced_objects: tuple[str, ...] = ()
    verify: str = "all"
    takeover: tuple[str, ...] = ()
    min_fidelity: str | None = None
    hooks: str = "changed"
    wait: bool = True
    dry_run: bool = True
    unmanaged: bool = False
    timeout_seconds: float | None = None
    soak_seconds: float | None = None
    allow_dirty: bool = False
    allow_rollback: bool = False
    on_superseded: str = "skip"
    lock_wait_seconds: float = 0.0
    lease_seconds: int = 30
    ignore_dependencies: bool = False
    kustomize: KustomizeFlags = NO_FLAGS
    forget: Callable[[Iterable[str]], None] = field(default=_nothing, repr=False)


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who wants to know how a run goes on. All of it is optional."""

    working: Callable[[str], AbstractContextManager[None]] = _in_silence
    progress: Callable[[str], None] = _nothing
    warning: Callable[[str], None] = _nothing
    root: Callable[[Path], None] = _nothing
    secrets: Callable[[Redactor], None] = _nothing
    outcome: Callable[[Outcome], None] = _nothing
    wrote: Callable[[bool], None] = _nothing
    stop_wanted: Callable[[], bool] = lambda: False
    deploying: Callable[[], AbstractContextManager[None]] = nullcontext
    writing: Callable[[], None] = _nothing
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Confirm(Protocol):
    """Shows a plan and returns when it may be applied; raises when not."""

    def __call__(self, header: RunHeader, plan: Plan, *, protected: bool) -> None:
        """Return, or raise."""
        ...
