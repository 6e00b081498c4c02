"""The phases of each command, in order. The one place that wires repo, credentials and cluster together.

    settings -> checkout -> environment -> manifests -> plan -> deployment

Everything up to the plan works through an `ApiReader` whose transport refuses to write. Only `apply` makes a writer,
after the plan was confirmed.
"""

from __future__ import annotations

import gc
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gitops_push import __version__
from gitops_push.core.checkout import Checkout
from gitops_push.core.codes import Code
from gitops_push.core.deployment import Deployment, Outcome
from gitops_push.core.disclosure import sensitive_values
from gitops_push.core.drift import DriftReport
from gitops_push.core.environment import DirectorySource, Environment, KustomizeSource, Source
from gitops_push.core.errors import GitopsPushError, Problem, RefusedError
from gitops_push.core.objects import ManifestSet
from gitops_push.core.ownership import ForcedConflicts
from gitops_push.core.plan import Plan
from gitops_push.core.redaction import Redactor
from gitops_push.core.rules import patterns_for
from gitops_push.core.run import RunHeader
from gitops_push.core.status import StatusReport
from gitops_push.repo.build import build_manifests
from gitops_push.repo.checkout import is_tracked, read_checkout
from gitops_push.repo.environments import Asked, load_environment, load_environments, load_nearest_config
from gitops_push.repo.initial_config import initial_config
from gitops_push.system.files import RepoFiles

if TYPE_CHECKING:
    from gitops_push.cluster.http_api import HttpApi
    from gitops_push.cluster.survey import PlanRequest
    from gitops_push.core.credential import Credential


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
    config_file: str = ""
    namespace: str = ""
    kubeconfig: str = ""
    context: str = ""
    concurrency: int = 16
    use_proxy: bool = True
    prune: bool | None = None
    max_prune: tuple[int | None, int | None] | None = None
    force_conflicts: bool = False
    forced_objects: tuple[str, ...] = ()
    wait: bool = True
    timeout_seconds: float | None = None
    allow_dirty: bool = False
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
    writing: Callable[[bool], None] = _nothing
    stop_wanted: Callable[[], bool] = lambda: False
    deploying: Callable[[], AbstractContextManager[None]] = nullcontext
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Confirm(Protocol):
    """Shows a plan and returns when it may be applied; raises when not."""

    def __call__(self, header: RunHeader, plan: Plan, *, protected: bool) -> None:
        """Return, or raise."""
        ...


@dataclass(frozen=True, slots=True)
class Workspace:
    """The opened config repo, and the current folder in it (relative to the root)."""

    checkout: Checkout
    files: RepoFiles
    folder: str


@dataclass(frozen=True, slots=True)
class Built:
    """A built environment; the redactor knows all secret values of the set."""

    header: RunHeader
    checkout: Checkout
    environment: Environment
    manifests: ManifestSet
    redactor: Redactor


@dataclass(frozen=True, slots=True)
class Connection:
    """A cluster that answers to a credential; `api` refuses to write, `redactor` also knows the credential."""

    credential: Credential = field(repr=False)
    api: HttpApi
    cluster_id: str
    redactor: Redactor


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that a plan or a drift report needs."""

    built: Built
    header: RunHeader
    connection: Connection
    request: PlanRequest


@dataclass(frozen=True, slots=True)
class EnvironmentSummary:
    """An environment in a listing."""

    name: str
    cluster: str
    namespace: str
    sources: tuple[str, ...]


def propose_config(settings: Settings) -> tuple[Path, str]:
    """Return where a gitops-push.yaml belongs and what it should say, by what is found in the repo. Writes nothing."""
    workspace = _open(settings, ".", Watcher())
    return Path(workspace.checkout.root) / "gitops-push.yaml", initial_config(workspace.checkout, workspace.files)


def list_environments(settings: Settings) -> tuple[EnvironmentSummary, ...]:
    """Return the environments of the config, sorted by name; none without a config. Raises `ConfigError`."""
    workspace = _open(settings, ".", Watcher())
    config = load_nearest_config(workspace.checkout, workspace.files, Asked("", workspace.folder, settings.config_file))
    if config is None:
        return ()
    return tuple(_summary(found) for found in load_environments(workspace.checkout, workspace.files, config))


def build(settings: Settings, name: str, watcher: Watcher) -> Built:
    """Return the built manifest set of an environment. Reads files only. Raises `ConfigError`, `BuildError`."""
    workspace = _open(settings, name, watcher)
    environment = _environment(workspace, settings, name)
    with watcher.working(f"building {environment.name}"), _without_collector():
        manifests = build_manifests(workspace.checkout, workspace.files, environment)
    redactor = Redactor(secrets.token_bytes(32), _secret_values(manifests, environment), _public_words(manifests))
    watcher.secrets(redactor)
    for warning in manifests.warnings:
        watcher.warning(warning)
    header = RunHeader(__version__, environment.name, workspace.checkout)
    return Built(header, workspace.checkout, environment, manifests, redactor)


def diff(settings: Settings, name: str, watcher: Watcher) -> tuple[RunHeader, Plan]:
    """Return the plan of an environment. Reads and dry-runs only."""
    prepared, plan = _plan(settings, name, watcher)
    return prepared.header, plan


def apply(settings: Settings, name: str, watcher: Watcher, confirm: Confirm) -> tuple[RunHeader, Deployment]:
    """Plan, have it confirmed, and deploy exactly that. The only command here that writes.

    Raises what planning raises, and what `confirm` raises; after the first write nothing is raised any more.
    """
    from gitops_push.cluster.deploy_request import DeployOptions, DeployRequest
    from gitops_push.cluster.deployer import deploy

    prepared, plan = _plan(settings, name, watcher)
    environment = prepared.built.environment
    _check_checkout(prepared.built, settings)
    confirm(prepared.header, plan, protected=environment.protected)
    writer = _open_api(settings, prepared.connection.credential, read_only=False)
    options = DeployOptions(
        concurrency=settings.concurrency,
        wait=settings.wait,
        timeout_seconds=environment.wait.timeout_seconds,
        should_stop=watcher.stop_wanted,
        progress=watcher.progress,
        now=watcher.now,
    )
    request = prepared.request
    todo = DeployRequest(plan, request.manifests, environment, request.inventory, request.redactor, options)
    with watcher.deploying(), watcher.working(f"deploying {environment.name}"):
        watcher.writing(True)
        try:
            deployment = deploy(todo, writer, watcher.outcome)
        except GitopsPushError:
            watcher.writing(False)  # raised before the first write only: refused, no permission, somebody else deploys
            raise
    watcher.writing(deployment.wrote)
    return prepared.header, deployment


def drift(settings: Settings, name: str, watcher: Watcher) -> tuple[RunHeader, DriftReport]:
    """Return the drift report of an environment. Reads and dry-runs only, whatever the flags."""
    from gitops_push.cluster.drift import report_drift

    prepared = _prepare(settings, name, watcher)
    header = prepared.header
    with watcher.working(f"comparing {header.environment} with {header.cluster}"):
        return header, report_drift(prepared.request, prepared.connection.api)


def status(settings: Settings, name: str, watcher: Watcher) -> tuple[RunHeader, StatusReport]:
    """Return what an environment owns in the cluster, and how healthy that is. Reads only."""
    from gitops_push.cluster.inventory_store import read_inventory
    from gitops_push.cluster.status import read_status

    workspace = _open(settings, name, watcher)
    environment = _environment(workspace, settings, name)
    nothing_known = Redactor(secrets.token_bytes(32))
    connection = _connect(settings, workspace.checkout, environment, watcher, nothing_known)
    header = _header(workspace.checkout, environment, connection)
    with watcher.working(f"reading {header.environment} from {header.cluster}"):
        inventory = read_inventory(connection.api, environment.project, environment.name, environment.namespace)
        return header, read_status(inventory, connection.api, connection.cluster_id, watcher.now())


def _plan(settings: Settings, name: str, watcher: Watcher) -> tuple[Prepared, Plan]:
    from gitops_push.cluster.planner import make_plan

    prepared = _prepare(settings, name, watcher)
    header = prepared.header
    with watcher.working(f"planning {header.environment} against {header.cluster}"):
        return prepared, make_plan(prepared.request, prepared.connection.api)


def _prepare(settings: Settings, name: str, watcher: Watcher) -> Prepared:
    """Build, connect, and read the inventory: what plan and drift report are made from."""
    from gitops_push.cluster.inventory_store import read_inventory
    from gitops_push.cluster.survey import PlanRequest

    built = build(settings, name, watcher)
    environment = built.environment
    connection = _connect(settings, built.checkout, environment, watcher, built.redactor)
    request = PlanRequest(
        environment=environment,
        manifests=built.manifests,
        inventory=read_inventory(connection.api, environment.project, environment.name, environment.namespace),
        cluster_id=connection.cluster_id,
        redactor=connection.redactor,
        on_secrets=watcher.secrets,
        now=watcher.now(),
        forced=ForcedConflicts(settings.force_conflicts, frozenset(settings.forced_objects)),
        concurrency=settings.concurrency,
    )
    return Prepared(built, _header(built.checkout, environment, connection), connection, request)


def _open(settings: Settings, target: str, watcher: Watcher) -> Workspace:
    """Open the checkout of the current folder, or of the path that is asked for where that lies elsewhere."""
    folder = settings.directory.resolve()
    checkout = read_checkout(folder, settings.environ)
    path = (folder / target).resolve()
    if path.exists() and not path.is_relative_to(checkout.root):
        folder = path if path.is_dir() else path.parent
        checkout = read_checkout(folder, settings.environ)
    watcher.root(Path(checkout.root))
    return Workspace(checkout, RepoFiles(checkout.root), folder.relative_to(checkout.root).as_posix())


def _summary(environment: Environment) -> EnvironmentSummary:
    sources = tuple(_describe_source(source) for source in environment.sources)
    return EnvironmentSummary(environment.name, environment.cluster.name, environment.namespace, sources)


def _describe_source(source: Source) -> str:
    match source:
        case KustomizeSource():
            return f"kustomize: {source.path}"
        case DirectorySource():
            return f"directory: {source.path}"


def _with_flags(environment: Environment, settings: Settings) -> Environment:
    """Return the environment with what flags say in place of what the config says."""
    prune, wait = environment.prune, environment.wait
    if settings.prune is not None:
        prune = replace(prune, enabled=settings.prune)
    if settings.max_prune is not None:
        prune = replace(prune, max_count=settings.max_prune[0], max_percent=settings.max_prune[1])
    if settings.timeout_seconds is not None:
        wait = replace(wait, timeout_seconds=settings.timeout_seconds)
    return replace(environment, prune=prune, wait=wait)


def _environment(workspace: Workspace, settings: Settings, name: str) -> Environment:
    asked = Asked(name, workspace.folder, settings.config_file, settings.namespace)
    return _with_flags(load_environment(workspace.checkout, workspace.files, asked), settings)


def _connect(
    settings: Settings, checkout: Checkout, environment: Environment, watcher: Watcher, redactor: Redactor
) -> Connection:
    """Find the credential, open a connection that refuses to write, and make sure that it is the right cluster."""
    from gitops_push.cluster.identity import cluster_identity

    credential = _find_credential(settings, checkout, environment)
    for warning in credential.warnings:
        watcher.warning(warning)
    redactor = redactor.with_values(secret.reveal() for secret in credential.secrets)
    watcher.secrets(redactor)
    api = _open_api(settings, credential, read_only=True)
    with watcher.working(f"connecting to {credential.server}"):
        cluster_id = cluster_identity(api, credential.server, environment.namespace)
    _check_cluster(environment, credential, cluster_id)
    return Connection(credential, api, cluster_id, redactor)


def _find_credential(settings: Settings, checkout: Checkout, environment: Environment) -> Credential:
    """Read the credential, then forget the variables that held it, and close the process to others."""
    from gitops_push.credentials.sources import CredentialOptions, credential_variables, find_credential

    options = CredentialOptions(
        now=datetime.now(UTC),
        kubeconfig=settings.kubeconfig,
        context=settings.context,
        in_ci=settings.in_ci,
        checkout_root=Path(checkout.root),
        is_tracked=lambda path: is_tracked(checkout, path, settings.environ),
    )
    credential = find_credential(environment.cluster, options, settings.environ)
    settings.forget(credential_variables(environment.cluster))
    return credential


def _open_api(settings: Settings, credential: Credential, *, read_only: bool) -> HttpApi:
    from gitops_push.cluster.client import ConnectionOptions, connect

    options = ConnectionOptions(
        read_only=read_only,
        concurrency=settings.concurrency,
        environment=settings.environ,
        use_proxy=settings.use_proxy,
    )
    return connect(credential, options)


def _check_cluster(environment: Environment, credential: Credential, cluster_id: str) -> None:
    pinned = environment.cluster.cluster_id
    if pinned and pinned != cluster_id:
        message = (
            f"{credential.server} is not the cluster {environment.cluster.name}: its id is {cluster_id}, not {pinned}"
        )
        hint = "use the kubeconfig of that cluster, or correct clusterId in gitops-push.yaml"
        raise RefusedError(Problem(Code.WRONG_CLUSTER, message, environment.origin, hint=hint))


def _check_checkout(built: Built, settings: Settings) -> None:
    """A protected environment gets what is committed, and nothing else."""
    if built.environment.protected and built.checkout.dirty and not settings.allow_dirty:
        message = f"{built.environment.name} is protected, and the checkout has changes that are not committed"
        hint = "commit them, or apply with --allow-dirty"
        raise RefusedError(Problem(Code.REFUSED_BY_RULE, message, built.environment.origin, hint=hint))


def _header(checkout: Checkout, environment: Environment, connection: Connection) -> RunHeader:
    credential = connection.credential
    cluster = environment.cluster.name or credential.context or credential.server
    return RunHeader(__version__, environment.name, checkout, cluster)


def _secret_values(manifests: ManifestSet, environment: Environment) -> Iterator[str]:
    for manifest in manifests.manifests:
        yield from sensitive_values(manifest.body, patterns_for(environment.sensitive, manifest.ref))


@contextmanager
def _without_collector() -> Iterator[None]:
    """Build without garbage collection: a build makes many small values and no cycles, and 10 to 20 % is saved."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _public_words(manifests: ManifestSet) -> frozenset[str]:
    """Names that are printed anyway: a secret value that equals one is masked by position only."""
    refs = [manifest.ref for manifest in manifests.manifests]
    return frozenset(word for ref in refs for word in (ref.kind, ref.name, ref.namespace, ref.group) if word)
