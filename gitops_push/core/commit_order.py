"""Whether a commit may be deployed over another one: history only goes forward. Pure: git is asked elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem, RefusedError, SupersededError
from gitops_push.core.inventory import Inventory

MOST_ANCESTORS: Final = 64
_SHORT: Final = 12


class Relation(StrEnum):
    """How our commit stands to the deployed one, as far as the clone can tell."""

    FORWARD = "forward"
    CONTAINED = "contained"
    APART = "apart"
    UNKNOWN = "unknown"


def shortened(commits: Iterable[str]) -> tuple[str, ...]:
    """Return commits as an inventory keeps them."""
    return tuple(commit[:_SHORT] for commit in commits)[:MOST_ANCESTORS]


def is_recorded_before(commit: str, inventory: Inventory) -> bool:
    """Return whether the record knows this commit as one before the deployed one."""
    return len(commit) >= _SHORT and commit[:_SHORT] in inventory.ancestors


def check_order(commit: str, inventory: Inventory, relation: Relation) -> None:
    """Raise `SupersededError` where the deployed commit contains ours, `RefusedError` where it is not before ours.

    Nothing is asked of a first deployment, of one whose commit is not known, or of the same commit again.
    """
    deployed = inventory.commit
    if not deployed or deployed == commit or relation is Relation.FORWARD:
        return
    when = f" ({inventory.deployed_at:%Y-%m-%d %H:%MZ})" if inventory.deployed_at else ""
    name = inventory.environment
    if relation is Relation.CONTAINED or (commit and is_recorded_before(commit, inventory)):
        message = f"superseded by {deployed[:7]}{when}, which is deployed in {name} and contains {commit[:7]}"
        hint = "to go back on purpose: --allow-rollback, or gitops-push rollback"
        raise SupersededError(Problem(Code.SUPERSEDED, message, hint=hint))
    if relation is Relation.APART:
        message = f"the deployed commit {deployed[:7]}{when} of {name} is not before {commit[:7]}: they are apart"
        hint = "merge or rebase onto what is deployed; to deploy another line of history on purpose: --allow-rollback"
        raise RefusedError(Problem(Code.COMMIT_ORDER, message, hint=hint))
    ours = f"whether {commit[:7]} comes after it" if commit else "what is checked out has no commit to compare"
    message = f"{name} was deployed from {deployed[:7]}{when}, and this clone does not tell {ours}"
    raise RefusedError(Problem(Code.COMMIT_ORDER, message, hint=_FETCH))


_FETCH: Final = (
    "fetch the whole history: `fetch-depth: 0` for actions/checkout, `GIT_DEPTH: 0` in GitLab, no shallow clone in "
    "Jenkins, or `git fetch --unshallow`; to deploy all the same: --allow-rollback, or `commitOrder: off` in the config"
)
