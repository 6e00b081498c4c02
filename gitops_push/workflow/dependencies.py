"""The environments that must be deployed before one: built here, and compared with what their clusters have.

Requests: the inventory of each, one GET where it is small; for one in another cluster, a connection of its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from gitops_push.core.dependency_state import dependency_problem
from gitops_push.core.environment import Environment
from gitops_push.core.errors import BuildError, ClusterError, CredentialError, NotNowError, Problem, RefusedError
from gitops_push.core.redaction import Redactor
from gitops_push.repo.build import build_manifests
from gitops_push.workflow.settings import Settings, Watcher
from gitops_push.workflow.workspace import Workspace, dependencies_of

if TYPE_CHECKING:
    from gitops_push.cluster.api import ApiReader
    from gitops_push.workflow.connection import Connection


def check_dependencies(
    settings: Settings, workspace: Workspace, environment: Environment, connection: Connection, watcher: Watcher
) -> None:
    """Raise `NotNowError` with every dependency that is not deployed as this checkout has it, unless none is asked."""
    if settings.ignore_dependencies:
        return
    problems = _problems(settings, workspace, environment, connection, watcher)
    if problems:
        raise NotNowError(problems)


def dependency_warnings(
    settings: Settings, workspace: Workspace, environment: Environment, connection: Connection, watcher: Watcher
) -> tuple[str, ...]:
    """Return why an apply would be refused, or why that cannot be told; for a plan it is no matter."""
    try:
        problems = _problems(settings, workspace, environment, connection, watcher)
    except (BuildError, ClusterError, CredentialError, RefusedError) as error:
        return tuple(f"what {environment.name} depends on cannot be looked at: {p.message}" for p in error.problems)
    return tuple(f"apply would be refused: {problem.message}" for problem in problems)


def _problems(
    settings: Settings, workspace: Workspace, environment: Environment, connection: Connection, watcher: Watcher
) -> tuple[Problem, ...]:
    """Return a problem for each dependency that is not deployed as this checkout has it. Reads only."""
    from gitops_push.cluster.inventory_store import read_inventory

    problems = []
    for dependency, needed in dependencies_of(workspace, settings, environment):
        with watcher.working(f"looking at {needed.name}, which {environment.name} depends on"):
            digest = build_manifests(workspace.checkout, workspace.files, needed, settings.environ).digest
            with _reader(settings, workspace, (environment, needed), connection, watcher) as reader:
                inventory = read_inventory(reader, needed.project, needed.name, needed.namespace)
        problems.append(dependency_problem(dependency, inventory, digest))
    return tuple(problem for problem in problems if problem is not None)


@contextmanager
def _reader(
    settings: Settings,
    workspace: Workspace,
    pair: tuple[Environment, Environment],
    connection: Connection,
    watcher: Watcher,
) -> Iterator[ApiReader]:
    """Open the cluster of the second environment: that of the first, or one with a credential of its own."""
    from gitops_push.workflow.connection import connected

    environment, needed = pair
    if needed.cluster == environment.cluster:
        yield connection.api
        return
    elsewhere = replace(settings, kubeconfig="", context="")  # the flags are about the environment that is asked for
    redactor = Redactor(secrets.token_bytes(32))
    with connected(elsewhere, workspace.checkout, needed, watcher, redactor) as other:
        yield other.api
