"""Waits for objects of a deployment, as its options say."""

from __future__ import annotations

from collections.abc import Mapping

from gitops_push.cluster.course import Course
from gitops_push.cluster.targets import Target
from gitops_push.cluster.waiter import Waited, WaitRequest, wait_until_ready
from gitops_push.core.objects import ObjectRef
from gitops_push.core.readiness.jobs import vanishes_when_done


def await_targets(
    course: Course, targets: Mapping[ObjectRef, Target], hooks: Mapping[ObjectRef, Target], seconds: float
) -> tuple[Waited, ...]:
    """Return how waiting for objects to be healthy, and for hooks to end, has ended. Reads only."""
    every = {**targets, **hooks}
    options = course.options
    request = WaitRequest(
        targets={ref: target.kind for ref, target in every.items() if target.kind is not None},
        deadline=options.clock() + seconds,
        vanishing=frozenset(ref for ref, target in every.items() if vanishes_when_done(target.body)),
        hooks=frozenset(hooks),
        should_stop=options.should_stop,
        progress=options.progress,
        clock=options.clock,
    )
    return wait_until_ready(course.writer, request)
