"""What the last deploy sent: built again from the commit that the inventory records, and proven by the digest there."""

from __future__ import annotations

from gitops_push.core.drift import Deployed
from gitops_push.core.errors import BuildError, ConfigError, UsageError
from gitops_push.core.inventory import UNFINISHED, Inventory
from gitops_push.core.objects import ManifestSet
from gitops_push.workflow.history import workspace_at
from gitops_push.workflow.settings import Settings
from gitops_push.workflow.workspace import Workspace


def deployed_set(
    settings: Settings, name: str, workspace: Workspace, inventory: Inventory, desired: ManifestSet
) -> Deployed:
    """Return the set of the last deploy. Reads files and asks git; no network, and no request.

    The digest in the inventory decides: a set that has it is what was deployed, whatever the commit, and one that has
    not (the checkout was dirty, or other flags built it) is not. So most runs need no second build.
    """
    if not inventory.resource_version:
        return Deployed(ManifestSet(desired.environment, "", (), ""))
    if inventory.state in UNFINISHED:
        return Deployed(unknown="the last deploy did not finish")
    if inventory.is_of(desired.digest):
        return Deployed(desired)
    if not inventory.commit:
        return Deployed(unknown="the last deploy was not made from a git commit")
    if not workspace.checkout.commit:
        return Deployed(unknown=f"{inventory.commit[:12]} was deployed, and there is no git here to build it again")
    return _built_again(settings, name, workspace, inventory)


def _built_again(settings: Settings, name: str, workspace: Workspace, inventory: Inventory) -> Deployed:
    try:
        with workspace_at(workspace, inventory.commit, settings) as past:
            environment = past.environment(settings, name)
            manifests = past.build(settings, environment)
    except (ConfigError, BuildError, UsageError) as error:
        return Deployed(unknown=f"{inventory.commit[:12]} was deployed and cannot be built again: {_first(error)}")
    if inventory.records(manifests.digest):
        return Deployed(manifests, environment)
    why = past.notes[0] if past.notes else "its checkout had changes that were not committed, or other flags built it"
    return Deployed(unknown=f"{inventory.commit[:12]} was deployed and is built differently now: {why}")


def _first(error: ConfigError | BuildError | UsageError) -> str:
    problem = error.problems[0]
    return f"{problem.message} ({problem.hint})" if problem.hint else problem.message
