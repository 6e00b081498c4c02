"""A plan that was approved: by a file, by its digest, or by both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.environment import Environment
from gitops_push.core.errors import Problem, StalePlanError, UsageError
from gitops_push.core.plan import Plan
from gitops_push.core.plan_approval import done_already, moves
from gitops_push.core.plan_digest import bound, digest_of
from gitops_push.reports.plan_file import LARGEST_BYTES, SavedPlan, read_plan_file
from gitops_push.reports.stale_plan import place_problems, stale_problems
from gitops_push.system.private_file import read_small_file

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_FLAGS: Final = (
    "apply takes the flags that diff was given (--prune, --force-conflict, …), or they are part of what moved"
)


@dataclass(frozen=True, slots=True)
class Approval:
    """What was approved; `saved` is None where only the digest is known. `replans` allows another plan to be shown."""

    digest: str
    saved: SavedPlan | None = None
    replans: bool = False

    @property
    def keyed(self) -> bool:
        """Return whether the plan has to be made with secret values in its tags, as far as that can be known."""
        return self.saved is None or self.saved.plan.keyed

    def check_place(self, environment: Environment, cluster_id: str) -> None:
        """Raise `StalePlanError` when the plan was made for another environment, project, namespace or cluster."""
        if self.saved is None:
            return
        then = self.saved.plan
        pairs = (
            ("project", then.project, environment.project),
            ("environment", then.environment, environment.name),
            ("namespace", then.namespace, environment.namespace),
            ("cluster", then.cluster_id, cluster_id),
        )
        if problems := place_problems(pairs):
            raise StalePlanError(problems)

    def judge(self, plan: Plan) -> tuple[Problem, ...]:
        """Return why the plan is not what was approved; () if it is, or is what an earlier run of it has left over."""
        now = bound(plan)
        if self.saved is not None:
            return tuple(_with_help(stale_problems(moves(self.saved.plan, now), self.saved.made)))
        return () if digest_of(now) == self.digest else (_other_digest(digest_of(now), self.digest),)

    def done_already(self, plan: Plan) -> int:
        """Return how many approved changes an earlier run has made."""
        return done_already(self.saved.plan, bound(plan)) if self.saved is not None else 0


def read_approval(file: str, digest: str, *, replans: bool) -> Approval | None:
    """Return what the command line says is approved, None for nothing. Raises `UsageError`."""
    if digest and not _DIGEST.fullmatch(digest):
        hint = "`gitops-push diff` prints it: sha256: and 64 hex digits"
        raise UsageError(Problem(Code.USAGE, f"{digest!r:.80} is no digest of a plan", hint=hint))
    if not file:
        return Approval(digest, None, replans) if digest else None
    saved = read_plan_file(_text_of(file), file)
    if digest and digest != saved.digest:
        message = f"the plan file {file} is not the plan that was approved: its digest is {saved.digest}"
        raise StalePlanError(Problem(Code.PLAN_STALE, message, hint="give the file of the approved plan"))
    return Approval(saved.digest, saved, replans)


def _text_of(file: str) -> str:
    try:
        text = read_small_file(Path(file), LARGEST_BYTES)
    except OSError as error:
        raise UsageError(Problem(Code.USAGE, f"the plan file {file} cannot be read: {error.strerror}")) from error
    except ValueError as error:
        raise UsageError(Problem(Code.USAGE, f"the plan file {file} is no text in UTF-8")) from error
    if text is None:
        mib = LARGEST_BYTES // (1024 * 1024)
        raise UsageError(Problem(Code.USAGE, f"the plan file {file} is larger than {mib} MiB"))
    return text


def _other_digest(now: str, approved: str) -> Problem:
    message = f"what would happen is not what was approved:\nits digest is {now},\napproved was  {approved}"
    return Problem(Code.PLAN_STALE, message, hint=f"a plan file (--plan) would tell what moved; {_FLAGS}")


def _with_help(problems: tuple[Problem, ...]) -> Iterator[Problem]:
    """Yield the problems, the last with what to do."""
    yield from problems[:-1]
    hint = f"review and approve a new plan, or let it be shown with --on-stale replan;\n{_FLAGS}"
    yield from (replace(last, hint=hint) for last in problems[-1:])
