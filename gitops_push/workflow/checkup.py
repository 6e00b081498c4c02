"""`doctor`: looks at everything that a deployment needs, one thing after the other, and goes on where it can.

Reads, and asks for access reviews; never writes.
"""

from __future__ import annotations

import platform
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from gitops_push import __version__
from gitops_push.ci.detection import detect_ci
from gitops_push.ci.trust import foreign_code
from gitops_push.core.checkup import Checkup, Finding, State, findings_of
from gitops_push.core.environment import Environment, HelmSource, KustomizeSource
from gitops_push.core.errors import GitopsPushError, NotNowError
from gitops_push.core.inventory import RecordName, new_inventory
from gitops_push.core.objects import ManifestSet
from gitops_push.core.redaction import Redactor
from gitops_push.core.roles import Grant, Purpose, rights_for
from gitops_push.workflow.commands import validate
from gitops_push.workflow.connection import connected
from gitops_push.workflow.holding import check_not_held
from gitops_push.workflow.settings import Settings, Watcher
from gitops_push.workflow.workspace import Workspace, environment_of, open_workspace

if TYPE_CHECKING:
    from gitops_push.cluster.api import AccessQuestion
    from gitops_push.workflow.connection import Connection

_SOON_SECONDS: Final = 3600.0
_T = TypeVar("_T")


class _Stop(Exception):  # noqa: N818 - what comes after cannot be looked at; never leaves the module
    """A thing that all that follows needs is not there."""


class _Sheet:
    """Collects what is found."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def note(self, about: str, state: State, text: str, hint: str = "") -> None:
        """Add a finding that is no error."""
        self.findings.append(Finding(about, state, text, hint))

    def needed(self, about: str, look: Callable[[], _T]) -> _T:
        """Return what is found, or note the error and stop."""
        try:
            return look()
        except GitopsPushError as error:
            self.findings.extend(findings_of(about, error))
            raise _Stop from error


def examine(settings: Settings, name: str, watcher: Watcher) -> Checkup:
    """Look at tool, config, CI, credential, cluster, rights, lock and hold. An error is a finding, never raised."""
    sheet = _Sheet()
    try:
        _examine(settings, name, watcher, sheet)
    except _Stop:
        sheet.note("more", State.SKIPPED, "what comes after it was not looked at: mend it, and run doctor again")
    return Checkup(name, tuple(sheet.findings))


def _examine(settings: Settings, name: str, watcher: Watcher, sheet: _Sheet) -> None:
    sheet.note("tool", State.OK, f"gitops-push {__version__}, Python {platform.python_version()}")
    workspace = sheet.needed("checkout", lambda: open_workspace(settings, name, watcher))
    _on_checkout(workspace, sheet)
    _on_ci(settings, workspace, sheet)
    environment = sheet.needed("config", lambda: environment_of(workspace, settings, name))
    where = f"cluster {environment.cluster.name}" if environment.cluster.name else "no cluster named"
    sheet.note("config", State.OK, f"{environment.origin.file}: {where}, namespace {environment.namespace}")
    manifests = _on_build(settings, name, environment, watcher, sheet)
    _on_cluster(settings, workspace, environment, manifests, watcher, sheet)


def _on_checkout(workspace: Workspace, sheet: _Sheet) -> None:
    checkout = workspace.checkout
    if not checkout.commit:
        hint = "run in a clone: the commit is recorded, and decides what is newer"
        sheet.note("checkout", State.WARNING, f"{checkout.root.name} is no git repository with a commit", hint)
    elif checkout.dirty:
        hint = "a protected environment refuses that; what is deployed is then in no commit"
        sheet.note("checkout", State.WARNING, f"commit {checkout.commit[:12]}, with changes not committed", hint)
    else:
        sheet.note("checkout", State.OK, f"commit {checkout.commit[:12]}, clean")


def _on_ci(settings: Settings, workspace: Workspace, sheet: _Sheet) -> None:
    run = detect_ci(settings.environ)
    if run is None:
        sheet.note("ci", State.OK, "no CI job: prompts are possible, ~/.kube/config is used like kubectl does")
        return
    foreign = foreign_code(settings.environ, workspace.checkout.commit, lambda path: Path(path).read_bytes())
    if foreign:
        sheet.note("ci", State.WARNING, f"{run.system}: {foreign}", "no credential is read without --trust-checkout")
    elif not run.run_url:
        hint = "the record of a deployment will not say which run it was"
        sheet.note("ci", State.WARNING, f"{run.system}, whose variables name no run", hint)
    else:
        sheet.note("ci", State.OK, f"{run.system}, {run.run_url}")


def _on_build(
    settings: Settings, name: str, environment: Environment, watcher: Watcher, sheet: _Sheet
) -> ManifestSet | None:
    programs = sorted(set(_programs_of(environment)))
    if programs:
        sheet.note("programs", State.OK, f"this environment is built with {', '.join(programs)}")
    try:
        built = validate(settings, name, replace(watcher, warning=lambda _: None))
    except GitopsPushError as error:
        sheet.findings.extend(findings_of("build", error))
        return None
    found, warnings = built.manifests, len(built.manifests.warnings)
    text = f"{len(found.manifests)} objects"
    if warnings:
        sheet.note("build", State.WARNING, f"{text}, {warnings} warnings", f"`gitops-push validate {name}` shows them")
    else:
        sheet.note("build", State.OK, text)
    return found


def _programs_of(environment: Environment) -> Iterator[str]:
    for source in environment.sources:
        if isinstance(source, HelmSource) or (isinstance(source, KustomizeSource) and source.options.enable_helm):
            yield "helm"
        if isinstance(source, KustomizeSource) and source.builder:
            yield source.builder
        if isinstance(source, KustomizeSource) and source.options.exec_functions:
            yield from source.options.exec_functions


def _on_cluster(
    settings: Settings,
    workspace: Workspace,
    environment: Environment,
    manifests: ManifestSet | None,
    watcher: Watcher,
    sheet: _Sheet,
) -> None:
    opened = connected(settings, workspace.checkout, environment, watcher, Redactor(secrets.token_bytes(32)))
    connection = sheet.needed("cluster", opened.__enter__)
    try:
        _on_credential(connection, watcher, sheet)
        sheet.note("cluster", State.OK, f"{connection.credential.server} answers; its id is {connection.cluster_id}")
        if not environment.cluster.cluster_id:
            hint = f"add `clusterId: {connection.cluster_id}` to the cluster in gitops-push.yaml"
            sheet.note("pin", State.WARNING, "the config does not say which cluster it has to be", hint)
        record = new_inventory(environment.project, environment.name, environment.namespace).place
        if manifests is not None:
            _on_rights(settings, environment, manifests, record, connection, sheet)
        _on_records(record, environment, connection, watcher, sheet)
    finally:
        opened.__exit__(None, None, None)


def _on_credential(connection: Connection, watcher: Watcher, sheet: _Sheet) -> None:
    credential = connection.credential
    found = f"from {credential.found_in}"
    if credential.expires_at is None:
        sheet.note("credential", State.OK, found)
        return
    left = (credential.expires_at - watcher.now()).total_seconds()
    until = f"{found}, valid until {credential.expires_at.astimezone(UTC):%Y-%m-%d %H:%M}Z"
    if left < _SOON_SECONDS:
        sheet.note("credential", State.WARNING, until, "a deployment that lasts longer fails: renew it")
    else:
        sheet.note("credential", State.OK, until)


def _on_rights(
    settings: Settings,
    environment: Environment,
    manifests: ManifestSet,
    record: RecordName,
    connection: Connection,
    sheet: _Sheet,
) -> None:
    from gitops_push.cluster.access import denied

    rights = rights_for(Purpose.DEPLOY, manifests.manifests, record, environment.prune.kinds)
    questions = [question for grant in rights.grants for question in _questions(grant)]
    refused = sheet.needed("rights", lambda: denied(connection.api, questions, settings.concurrency))
    if not refused:
        sheet.note("rights", State.OK, f"all of the {len(questions)} that a deployment of this set may need")
        return
    shown = sorted({f"{question.verb} {_resource(question)}" for question in refused})
    more = f" and {len(shown) - 10} more" if len(shown) > 10 else ""
    text = f"{len(refused)} of {len(questions)} are missing: {', '.join(shown[:10])}{more}"
    hint = f"`gitops-push rbac {environment.name}` prints the role; a deployment says which of them it needs"
    sheet.note("rights", State.WARNING, text, hint)


def _questions(grant: Grant) -> Iterator[AccessQuestion]:
    from gitops_push.cluster.api import AccessQuestion

    resource, _, subresource = grant.resource.partition("/")
    for verb in grant.verbs:
        for name in grant.names or ("",):
            yield AccessQuestion(verb, grant.group, resource, grant.namespace, name, subresource)


def _resource(question: AccessQuestion) -> str:
    path = f"{question.resource}/{question.subresource}" if question.subresource else question.resource
    return f"{path}.{question.group}" if question.group else path


def _on_records(
    record: RecordName, environment: Environment, connection: Connection, watcher: Watcher, sheet: _Sheet
) -> None:
    from gitops_push.cluster.history_store import read_history
    from gitops_push.cluster.inventory_store import read_inventory
    from gitops_push.cluster.lease_store import read_lease

    api = connection.api
    inventory = sheet.needed(
        "inventory", lambda: read_inventory(api, environment.project, environment.name, environment.namespace)
    )
    known = f"{len(inventory.entries)} objects, of commit {inventory.commit[:12]}" if inventory.entries else "empty yet"
    sheet.note("inventory", State.OK, known)
    history = sheet.needed("history", lambda: read_history(api, record))
    try:
        check_not_held(history, environment.name, watcher.now())
    except NotNowError as error:
        sheet.findings.extend(findings_of("hold", error))
    lease = sheet.needed("lock", lambda: read_lease(api, record.namespace, record.name))
    if lease is None or lease.holder is None:
        sheet.note("lock", State.OK, "free")
    else:
        sheet.note("lock", State.WARNING, f"held by {lease.holder}", f"see `gitops-push unlock {environment.name}`")
