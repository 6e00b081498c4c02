"""`rbac`: the role of an environment, worked out from its build. Reads files only."""

from __future__ import annotations

import re
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem, UsageError
from gitops_push.core.inventory import new_inventory
from gitops_push.core.roles import Identity, Purpose, dry_run_only, rights_for, role_documents
from gitops_push.documents.writer import yaml_stream
from gitops_push.workflow.commands import build
from gitops_push.workflow.settings import Settings, Watcher

_NAME: Final = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
_ABOUT: Final = {
    Purpose.DEPLOY: "gitops-push apply, status, history, hold, rollback",
    Purpose.DIFF: "gitops-push diff (dry runs; a policy denies real writes, Kubernetes 1.30 or later)",
    Purpose.DRIFT: "gitops-push drift --no-dry-run, diff --no-dry-run (reads only)",
}


def print_roles(settings: Settings, name: str, purpose: Purpose, account: str, watcher: Watcher) -> str:
    """Return the objects that give a ServiceAccount what the environment needs, as YAML for kubectl.

    Raises what a build raises, and `UsageError` for an account that is none.
    """
    built = build(settings, name, watcher)
    environment = built.environment
    who = _identity(account, environment.namespace, f"gitops-push-{environment.name}-{purpose}")
    record = new_inventory(environment.project, environment.name, environment.namespace).place
    rights = rights_for(purpose, built.manifests.manifests, record, environment.prune.kinds)
    for kind in rights.guessed:
        watcher.warning(f"nothing in the set defines {kind}: the name of its resource is a guess, check the role")
    unique = f"gitops-push-{environment.namespace}-{environment.name}-{purpose}"
    documents = [*role_documents(rights, who, unique)]
    if purpose is Purpose.DIFF:
        documents += dry_run_only(who, unique)
    head = f"# The least that is needed for: {_ABOUT[purpose]}\n# Environment {environment.name}, as of this commit.\n"
    return head + yaml_stream(documents)


def _identity(account: str, namespace: str, default: str) -> Identity:
    if not account:
        return Identity(namespace, default)
    place, slash, name = account.partition("/")
    if not (slash and _NAME.fullmatch(place) and _NAME.fullmatch(name)):
        raise UsageError(Problem(Code.USAGE, f"{account!r:.100} is no ServiceAccount: write NAMESPACE/NAME"))
    return Identity(place, name)
