"""Whether an environment that others depend on is deployed as they need it."""

from __future__ import annotations

from collections.abc import Iterator

from gitops_push.core.codes import Code
from gitops_push.core.environment import Dependency
from gitops_push.core.errors import Problem
from gitops_push.core.inventory import Inventory, InventoryState


def dependency_problem(dependency: Dependency, inventory: Inventory, manifest_digest: str) -> Problem | None:
    """Return why what an environment depends on is not there, or None.

    It has to be deployed, healthy, and as this checkout has it: the digest of the set counts, and not the commit, so
    that a change elsewhere in the repo does not make it fall behind.
    """
    why = next(_faults(inventory, manifest_digest), "")
    if not why:
        return None
    hint = f"deploy it first: gitops-push apply {dependency.name}; --ignore-dependencies goes on without"
    message = f"{dependency.name}, which must be deployed before, {why}"
    return Problem(Code.DEPENDENCY_BEHIND, message, dependency.origin, inventory.ref, hint)


def _faults(inventory: Inventory, manifest_digest: str) -> Iterator[str]:
    if not inventory.resource_version:
        yield "was never deployed"
    elif inventory.state is not InventoryState.DONE:
        yield f"is not finished: its last deployment ended as {inventory.state.value!r}"
    elif not inventory.records(manifest_digest):
        commit = f", but as of commit {inventory.commit[:7]}" if inventory.commit else ""
        yield f"is not deployed as this checkout has it{commit}"
