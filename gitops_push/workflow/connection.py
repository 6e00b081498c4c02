"""The opened cluster: its credential is found, read and forgotten; its identity is checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gitops_push.ci.trust import foreign_code
from gitops_push.core.checkout import Checkout
from gitops_push.core.codes import Code
from gitops_push.core.environment import Environment
from gitops_push.core.errors import Problem, RefusedError
from gitops_push.core.redaction import Redactor
from gitops_push.repo.checkout import is_tracked
from gitops_push.workflow.settings import Settings, Watcher

if TYPE_CHECKING:
    from gitops_push.cluster.http_api import HttpApi
    from gitops_push.core.credential import Credential


@dataclass(frozen=True, slots=True)
class Connection:
    """A cluster that answers to a credential; `api` refuses to write, `redactor` also knows the credential."""

    credential: Credential = field(repr=False)
    api: HttpApi
    cluster_id: str
    redactor: Redactor

    def check_still_same(self, environment: Environment) -> None:
        """Make sure that this is still the cluster that the plan is about, by one request before the first write.

        Between the two may lie minutes, in which a name came to stand for another cluster. Updates and deletions hold
        for uids, which no other cluster has; creations do not. Raises `RefusedError`.
        """
        from gitops_push.cluster.identity import cluster_identity

        server = self.credential.server
        found = cluster_identity(self.api, server, environment.namespace)
        if found != self.cluster_id:
            text = f"{server} is another cluster than when the plan was made: its id is {found}, not {self.cluster_id}"
            hint = "find out what the name of the server stands for, and make a new plan"
            raise RefusedError(Problem(Code.WRONG_CLUSTER, text, hint=hint))


@contextmanager
def connected(
    settings: Settings, checkout: Checkout, environment: Environment, watcher: Watcher, redactor: Redactor
) -> Iterator[Connection]:
    """Find the credential, open a connection that refuses to write, and make sure that it is the right cluster.

    Raises `CredentialError`, `ClusterError`, and `RefusedError` for another cluster than the config pins.
    """
    from gitops_push.cluster.identity import cluster_identity

    credential = _find_credential(settings, checkout, environment)
    for warning in credential.warnings:
        watcher.warning(warning)
    redactor = redactor.with_values(secret.reveal() for secret in credential.secrets)
    watcher.secrets(redactor)
    with open_api(settings, credential) as api:
        with watcher.working(f"connecting to {credential.server}"):
            cluster_id = cluster_identity(api, credential.server, environment.namespace)
        _check_cluster(environment, credential, cluster_id)
        yield Connection(credential, api, cluster_id, redactor)


def _find_credential(settings: Settings, checkout: Checkout, environment: Environment) -> Credential:
    """Read the credential, then forget the variables that held it, and close the process to others.

    Raises `RefusedError` where code of others is checked out that could have written what we deploy with it.
    """
    from gitops_push.credentials.sources import CredentialOptions, credential_variables, find_credential

    _check_trust(settings, checkout)
    options = CredentialOptions(
        now=lambda: datetime.now(UTC),
        kubeconfig=settings.kubeconfig,
        context=settings.context,
        in_ci=settings.in_ci,
        allow_exec=settings.allow_exec,
        checkout_root=Path(checkout.root),
        is_tracked=lambda path: is_tracked(checkout, path, settings.environ),
    )
    credential = find_credential(environment.cluster, options, settings.environ)
    settings.forget(credential_variables(environment.cluster))
    return credential


def _check_trust(settings: Settings, checkout: Checkout) -> None:
    foreign = foreign_code(settings.environ, checkout.commit, lambda path: Path(path).read_bytes())
    if foreign and not settings.trust_checkout:
        hint = (
            "plan such a request with `diff --base`, without a credential; or say --trust-checkout if you know better"
        )
        raise RefusedError(Problem(Code.UNTRUSTED_EVENT, f"no credential is read: {foreign}", hint=hint))


def open_api(settings: Settings, credential: Credential) -> HttpApi:
    """Return the API server; sends nothing yet. Its transport refuses every write."""
    from gitops_push.cluster.client import ConnectionOptions, connect

    options = ConnectionOptions(
        read_only=True,
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
