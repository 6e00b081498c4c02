"""What git says about the order of two commits. Reads only, without the network: what is not cloned is not known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gitops_push.core.checkout import Checkout
from gitops_push.core.commit_order import MOST_ANCESTORS, Relation, shortened
from gitops_push.repo.git_program import Git
from gitops_push.system.process import ProcessError

_YES, _NO = 0, 1


def relation_of(checkout: Checkout, deployed: str, environ: Mapping[str, str], commit: str = "") -> Relation:
    """Return how `commit` (the one that is checked out) stands to the deployed one.

    In a shallow clone an answer of "no" proves nothing, as the way between the two may be cut off.
    """
    commit = commit or checkout.commit
    if not commit or not deployed:
        return Relation.UNKNOWN
    git = Git(Path(checkout.root), environ)
    try:
        before, after = _is_ancestor(git, deployed, commit), _is_ancestor(git, commit, deployed)
        if before == _YES:
            return Relation.FORWARD
        if after == _YES:
            return Relation.CONTAINED
        if (before, after) == (_NO, _NO) and not _is_shallow(git):
            return Relation.APART
    except ProcessError:
        return Relation.UNKNOWN
    return Relation.UNKNOWN


def ancestors_of(checkout: Checkout, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the commits before the one that is checked out, the latest first, as an inventory keeps them."""
    if not checkout.commit:
        return ()
    arguments = ("rev-list", "--topo-order", "--skip=1", f"--max-count={MOST_ANCESTORS}", checkout.commit, "--")
    try:
        done = Git(Path(checkout.root), environ).run(*arguments)
    except ProcessError:
        return ()
    return shortened(done.stdout.decode("ascii", "replace").split()) if done.returncode == 0 else ()


def _is_ancestor(git: Git, earlier: str, later: str) -> int:
    return git.run("merge-base", "--is-ancestor", earlier, later).returncode


def _is_shallow(git: Git) -> bool:
    return git.run("rev-parse", "--is-shallow-repository").stdout.strip() != b"false"
