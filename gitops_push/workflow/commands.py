"""One function a command, each read as its phases.

Everything up to the plan works through an `ApiReader` whose transport refuses to write. Only `apply` makes a writer,
after the plan was confirmed.
"""

from __future__ import annotations

import gc
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gitops_push import __version__
from gitops_push.core.checkout import Checkout
from gitops_push.core.environment import Environment
from gitops_push.core.errors import SupersededError
from gitops_push.core.objects import ManifestSet
from gitops_push.core.redaction import Redactor
from gitops_push.core.run import RunHeader
from gitops_push.repo.build import build_manifests
from gitops_push.repo.environments import Asked, load_environments, load_nearest_config
from gitops_push.workflow.masking import redactor_of, with_public_digest
from gitops_push.workflow.settings import Confirm, Settings, Watcher
from gitops_push.workflow.workspace import (
    EnvironmentSummary,
    Workspace,
    check_checkout,
    environment_of,
    names_in,
    open_workspace,
    summary_of,
)

if TYPE_CHECKING:
    from gitops_push.cluster.survey import PlanRequest
    from gitops_push.core.deployment import Deployment, Superseded
    from gitops_push.core.drift import DriftReport
    from gitops_push.core.inventory import Inventory
    from gitops_push.core.ownership import ForcedConflicts
    from gitops_push.core.plan import Plan
    from gitops_push.core.status import StatusReport
    from gitops_push.workflow.approval import Approval
    from gitops_push.workflow.connection import Connection


_PLANNING_SECONDS: Final = 900.0


@dataclass(frozen=True, slots=True)
class Built:
    """A built environment; the redactor knows all secret values of the set."""

    header: RunHeader
    workspace: Workspace
    environment: Environment
    manifests: ManifestSet
    redactor: Redactor

    @property
    def checkout(self) -> Checkout:
        """Return the git facts of the config repo."""
        return self.workspace.checkout


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that a plan or a drift report needs."""

    built: Built
    header: RunHeader
    connection: Connection
    request: PlanRequest


def propose_config(settings: Settings) -> tuple[Path, str]:
    """Return where a gitops-push.yaml belongs and what it should say, by what is found in the repo. Writes nothing."""
    from gitops_push.repo.initial_config import initial_config

    workspace = open_workspace(settings, ".", Watcher())
    return Path(workspace.checkout.root) / "gitops-push.yaml", initial_config(workspace.checkout, workspace.files)


def environment_names(settings: Settings) -> tuple[str, ...]:
    """Return the names of the config's environments, sorted, without making them. Raises `ConfigError`."""
    return names_in(open_workspace(settings, ".", Watcher()), settings)


def list_environments(settings: Settings) -> tuple[EnvironmentSummary, ...]:
    """Return the environments of the config, sorted by name; none without a config. Raises `ConfigError`."""
    workspace = open_workspace(settings, ".", Watcher())
    config = load_nearest_config(workspace.checkout, workspace.files, Asked("", workspace.folder, settings.config_file))
    if config is None:
        return ()
    return tuple(summary_of(found) for found in load_environments(workspace.checkout, workspace.files, config))


def build(
    settings: Settings, name: str, watcher: Watcher, *, only_printed: bool = False, with_commit: bool = False
) -> Built:
    """Return the built manifest set of an environment. Reads files only. Raises `ConfigError`, `BuildError`.

    With `only_printed` git is not asked about the checkout, unless `with_commit`, and the set of a path may hold what a
    cluster would refuse, as kustomize prints it.
    """
    workspace = open_workspace(settings, name, watcher, asks_git=with_commit or not only_printed)
    environment = environment_of(workspace, settings, name)
    return _built(
        settings, workspace, environment, watcher, only_printed=only_printed, public=with_commit or not only_printed
    )


def build_again(settings: Settings, workspace: Workspace, environment: Environment, watcher: Watcher) -> Built:
    """Return the built set of an environment in a workspace that is open, of an earlier commit. Raises `BuildError`."""
    return _built(settings, workspace, environment, watcher, only_printed=False, public=True)


def _built(
    settings: Settings,
    workspace: Workspace,
    environment: Environment,
    watcher: Watcher,
    *,
    only_printed: bool,
    public: bool,
) -> Built:
    with watcher.working(f"building {environment.name}"), _without_collector():
        lenient = only_printed and not environment.declared
        manifests = build_manifests(workspace.checkout, workspace.files, environment, settings.environ, lenient=lenient)
    redactor = redactor_of((environment, manifests))
    if public:
        manifests = with_public_digest(manifests, redactor, environment)
    watcher.secrets(redactor)
    for warning in manifests.warnings:
        watcher.warning(warning)
    header = RunHeader(__version__, environment.name, workspace.checkout)
    return Built(header, workspace, environment, manifests, redactor)


def validate(settings: Settings, name: str, watcher: Watcher) -> Built:
    """Return the built set of an environment whose objects its own definitions take. Talks to no cluster.

    Raises `ConfigError`, `BuildError`, and `PlanError` with all that a definition of the set says against its objects.
    """
    from gitops_push.core.definition_check import check_set
    from gitops_push.core.errors import PlanError

    built = build(settings, name, watcher)
    problems, unchecked = check_set(built.manifests.manifests)
    if problems:
        raise PlanError(map(built.redactor.mask_problem, problems))
    for line in unchecked:
        watcher.warning(line)
    return replace(built, manifests=replace(built.manifests, warnings=(*built.manifests.warnings, *unchecked)))


def compare_with(settings: Settings, name: str, program: str, watcher: Watcher) -> int:
    """Build an environment's kustomizations with ours and with a program, and return how many there are.

    Starts the program. Raises `BuildError` where they differ.
    """
    from gitops_push.repo.builder_comparison import compare_builders

    workspace = open_workspace(settings, name, watcher)
    environment = environment_of(workspace, settings, name)
    with watcher.working(f"building {environment.name} with {program}"):
        return compare_builders(workspace.checkout, workspace.files, environment, program, settings.environ)


def diff(settings: Settings, name: str, watcher: Watcher) -> tuple[RunHeader, Plan]:
    """Return the plan of an environment. Reads and dry-runs only."""
    from gitops_push.workflow.dependencies import dependency_warnings

    with _prepared(settings, name, watcher) as prepared:
        workspace, environment = prepared.built.workspace, prepared.built.environment
        for warning in dependency_warnings(settings, workspace, environment, prepared.connection, watcher):
            watcher.warning(warning)
        return prepared.header, plan_of(settings, prepared, watcher)[1]


def apply(
    settings: Settings, name: str, watcher: Watcher, confirm: Confirm, approval: Approval | None = None
) -> tuple[RunHeader, Deployment | Superseded]:
    """Plan, have it confirmed, and deploy exactly that. The only command here that writes.

    With an approval the plan is made as the approved one was; whether it still is that one `confirm` judges. Raises
    what planning raises, and what `confirm` raises; after the first write nothing is raised any more.
    """
    from gitops_push.core.deployment import Superseded

    with _prepared(settings, name, watcher) as prepared:
        try:
            return prepared.header, _apply(settings, prepared, watcher, confirm, approval)
        except SupersededError as error:
            if settings.on_superseded == "fail":
                raise
            return prepared.header, Superseded(error.problems[0].message)


def _apply(
    settings: Settings, prepared: Prepared, watcher: Watcher, confirm: Confirm, approval: Approval | None
) -> Deployment:
    from gitops_push.workflow.dependencies import check_dependencies
    from gitops_push.workflow.deploying import Confirmed, check_may_deploy, deploy_confirmed

    environment, checkout = prepared.built.environment, prepared.built.checkout

    def planned(inventory: Inventory) -> Confirmed:
        now = replace(prepared, request=prepared.request.over(inventory))
        request, plan = plan_of(settings, now, watcher, keyed=approval is None or approval.keyed)
        return Confirmed(prepared.header, checkout, prepared.connection, request, plan)

    if approval is not None:
        approval.check_place(environment, prepared.request.cluster_id)
    check_may_deploy(settings, checkout, prepared.connection, prepared.request, prepared.request.inventory)
    check_dependencies(settings, prepared.built.workspace, environment, prepared.connection, watcher)
    first = planned(prepared.request.inventory)
    check_checkout(checkout, environment, settings)
    confirm(prepared.header, first.plan, protected=environment.protected)
    if first.plan.has_changes:
        prepared.connection.check_still_same(environment)
    return deploy_confirmed(settings, first, watcher, confirm, planned)


def drift(settings: Settings, name: str, watcher: Watcher) -> tuple[RunHeader, DriftReport]:
    """Return the drift report of an environment. Reads and dry-runs only, whatever the flags."""
    from gitops_push.cluster.drift import report_drift
    from gitops_push.workflow.deployed import deployed_set

    with _prepared(settings, name, watcher) as prepared:
        header, built = prepared.header, prepared.built
        deployed = deployed_set(settings, name, built.workspace, prepared.request.inventory, built.manifests)
        with watcher.working(f"comparing {header.environment} with {header.cluster}"):
            api, request = prepared.connection.api, prepared.request
            return header, report_drift(request, api, deployed, unmanaged=settings.unmanaged)


def status(settings: Settings, name: str, watcher: Watcher) -> tuple[RunHeader, StatusReport]:
    """Return what an environment owns in the cluster, and how healthy that is. Reads only."""
    from gitops_push.cluster.history_store import read_history
    from gitops_push.cluster.inventory_store import read_inventory
    from gitops_push.cluster.status import StatusRequest, read_status
    from gitops_push.core.history import lost_entry
    from gitops_push.workflow.connection import connected

    workspace = open_workspace(settings, name, watcher)
    environment = environment_of(workspace, settings, name)
    nothing_known = Redactor(secrets.token_bytes(32))
    with connected(settings, workspace.checkout, environment, watcher, nothing_known) as connection:
        header = header_of(workspace.checkout, environment, connection)
        with watcher.working(f"reading {header.environment} from {header.cluster}"):
            inventory = read_inventory(connection.api, environment.project, environment.name, environment.namespace)
            rules = environment.wait.rules
            request = StatusRequest(inventory, connection.cluster_id, connection.redactor, watcher.now(), rules)
            history = read_history(connection.api, inventory.place)
            last = lost_entry(inventory) or next(reversed(history.entries), None)
            return header, replace(read_status(request, connection.api), last_run=last, hold=history.hold)


def plan_of(
    settings: Settings, prepared: Prepared, watcher: Watcher, *, keyed: bool = True
) -> tuple[PlanRequest, Plan]:
    """Return the plan and what it is made from; not `keyed` as before the first deployment, to compare it with that.

    Where somebody else's first deployment has begun meanwhile, it is made over the record of that one.
    """
    from gitops_push.cluster.inventory_store import AppearedError
    from gitops_push.cluster.planner import make_plan
    from gitops_push.core.fidelity import check_fidelity
    from gitops_push.core.plan import Fidelity

    header, api, request = prepared.header, prepared.connection.api, prepared.request
    with api.within(_PLANNING_SECONDS), watcher.working(f"planning {header.environment} against {header.cluster}"):
        try:
            plan = make_plan(replace(request, keyed=keyed), api)
        except AppearedError as appeared:
            request = request.over(appeared.inventory)
            plan = make_plan(replace(request, keyed=keyed), api)
    check_fidelity(plan.changes, Fidelity(settings.min_fidelity) if settings.min_fidelity else None, plan.hooks)
    return request, plan


@contextmanager
def _prepared(settings: Settings, name: str, watcher: Watcher) -> Iterator[Prepared]:
    """Build, connect, and read the inventory: what plan and drift report are made from."""
    from gitops_push.cluster.inventory_store import find_elsewhere
    from gitops_push.cluster.renaming import read_current
    from gitops_push.workflow.connection import connected

    built = build(settings, name, watcher)
    environment = built.environment
    for warning in _forced(settings).warnings(manifest.ref for manifest in built.manifests.manifests):
        watcher.warning(f"{environment.name}: {warning}")
    with connected(settings, built.checkout, environment, watcher, built.redactor) as connection:
        inventory = read_current(connection.api, environment)
        for place in (
            () if inventory.resource_version or inventory.former else find_elsewhere(connection.api, inventory)
        ):
            watcher.warning(
                f"{environment.name} was deployed with namespace {place} before; what the inventory {place}/"
                f"{inventory.name} names is not looked at, and nothing of it is deleted, until "
                f"`renamedFrom: {{namespace: {place}}}` in the config says that this is the same environment"
            )
        yield prepared_over(settings, built, connection, inventory, watcher)


def prepared_over(
    settings: Settings, built: Built, connection: Connection, inventory: Inventory, watcher: Watcher
) -> Prepared:
    """Return what plans of a built environment are made from, over this inventory."""
    from gitops_push.cluster.survey import PlanRequest
    from gitops_push.core.hooks import HookRuns
    from gitops_push.core.proof import Verify

    environment = built.environment
    request = PlanRequest(
        environment=environment,
        manifests=built.manifests,
        inventory=inventory,
        cluster_id=connection.cluster_id,
        redactor=connection.redactor,
        on_secrets=watcher.secrets,
        now=watcher.now(),
        forced=_forced(settings),
        concurrency=settings.concurrency,
        dry_run=settings.dry_run,
        verify=Verify(settings.verify),
        hook_runs=HookRuns(settings.hooks),
    )
    header = header_of(built.checkout, environment, connection)
    return Prepared(built, header, connection, request.over(inventory))


def _forced(settings: Settings) -> ForcedConflicts:
    from gitops_push.core.ownership import ForcedConflicts

    return ForcedConflicts(settings.force_conflicts, frozenset(settings.forced_objects))


def header_of(checkout: Checkout, environment: Environment, connection: Connection) -> RunHeader:
    """Return what a report says about a run against this cluster."""
    credential = connection.credential
    cluster = environment.cluster.name or credential.context or credential.server
    context = f" (context {credential.context})" if credential.context else ""
    return RunHeader(__version__, environment.name, checkout, cluster, f"{credential.server}{context}")


@contextmanager
def _without_collector() -> Iterator[None]:
    """Build without garbage collection: a build makes many small values and no cycles, and 10 to 20 % is saved.

    What was built lives to the end of the run, so the collector need not look at it later either.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
