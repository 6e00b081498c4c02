"""The errors of gitops-push, each with its exit code.

    GitopsPushError
    ├── UsageError            2   wrong command line
    ├── ConfigError          10   gitops-push.yaml, unknown environment, unusable checkout
    ├── CredentialError      11   no usable credential
    ├── BuildError           12   the manifest set cannot be built
    │   └── DocumentError    12   a YAML or JSON text cannot be read; other phases turn it into their own error
    ├── ClusterError         13   API server unreachable, or refuses to be read
    ├── PlanError            14   the dry run was rejected
    ├── RefusedError         15   a rule forbids it: policy, prune limit, ownership
    │   └── SupersededError  15   there is a newer deployment; 0 unless --on-superseded fail
    ├── NotNowError          16   locked, or on hold
    └── StalePlanError       17   what was reviewed is not what would happen

An error says "this did not happen, and nothing was written"; what happened after the first write is told by the
outcomes of a `Deployment` (exit codes 20 and 21), never by an exception. An error carries one or many problems: a phase
collects all it finds before it fails. The exit codes are those of docs/reference/exit-codes.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from gitops_push.core.codes import Code
from gitops_push.core.objects import ObjectRef
from gitops_push.core.origin import Origin


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    `message` is one line in plain words and holds no secret value; `hint` says what to do; `origin` is the place in the
    config repo that it is about and `ref` the object, where there are such.
    """

    code: Code
    message: str
    origin: Origin | None = None
    ref: ObjectRef | None = None
    hint: str | None = None


class GitopsPushError(Exception):
    """Base of all expected errors: nothing was written to a cluster."""

    exit_code: ClassVar[int]

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("; ".join(problem.message for problem in self.problems))


class UsageError(GitopsPushError):
    """The command line asks for something that makes no sense."""

    exit_code = 2


class ConfigError(GitopsPushError):
    """gitops-push.yaml is wrong, the environment is unknown, or the checkout cannot be used."""

    exit_code = 10


class CredentialError(GitopsPushError):
    """There is no usable credential."""

    exit_code = 11


class BuildError(GitopsPushError):
    """The manifest set cannot be built."""

    exit_code = 12


class DocumentError(BuildError):
    """A YAML or JSON text cannot be read. Config and credentials re-raise its problems as their own error."""


class ClusterError(GitopsPushError):
    """The API server cannot be reached, or refuses to be read."""

    exit_code = 13


class PlanError(GitopsPushError):
    """The API server rejected the dry run of some objects, or cannot serve them."""

    exit_code = 14


class RefusedError(GitopsPushError):
    """A rule forbids what was asked for."""

    exit_code = 15


class SupersededError(RefusedError):
    """What is deployed already contains this commit, or a newer one that waits goes first."""


class NotNowError(GitopsPushError):
    """The environment is locked or on hold; a retry may help."""

    exit_code = 16


class StalePlanError(GitopsPushError):
    """What was reviewed is not what would happen."""

    exit_code = 17
