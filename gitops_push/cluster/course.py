"""The course of one deployment: what all of its phases share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from gitops_push.cluster.api import ApiWriter
from gitops_push.cluster.crew import Crew
from gitops_push.cluster.deploy_request import DeployOptions, DeployRequest
from gitops_push.cluster.ledger import Ledger
from gitops_push.cluster.pruner import Patience

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Course:
    """What is asked for, who writes it, and the record of what became of it."""

    request: DeployRequest
    writer: ApiWriter
    ledger: Ledger

    @property
    def options(self) -> DeployOptions:
        """Return how to deploy."""
        return self.request.options

    def may_go_on(self) -> bool:
        """Return whether nothing has failed and nobody wants to stop; notes in the record that somebody does."""
        if self.options.should_stop():
            self.ledger.interrupted = True
        return not (self.ledger.interrupted or self.ledger.has_failed())

    def crew(
        self, work: Callable[[T], R], fate_of_bug: Callable[[str], R], is_last: Callable[[R], bool] = lambda _: False
    ) -> Crew[T, R]:
        """Return who does `work` on many objects at the same time, and begins no more after a result that `is_last`.

        A bug must not take the other objects with it, nor hide that a request may have been sent: whatever is raised
        in a thread becomes the result that `fate_of_bug` makes of its text.
        """

        def carried(task: T) -> R:
            try:
                return work(task)
            except Exception as bug:
                return fate_of_bug(f"a bug in gitops-push: {type(bug).__name__}: {bug}")

        options = self.options
        return Crew(carried, options.concurrency, options.should_stop, options.stop_seconds, options.clock, is_last)

    def patience(self) -> Patience:
        """Return how long to wait for something to be gone, counted from now."""
        options = self.options
        return Patience(options.clock() + options.timeout_seconds, options.clock, options.sleep, options.should_stop)
