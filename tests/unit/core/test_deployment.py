from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gitops_push.core.deployment import Deployment, Outcome, Result
from gitops_push.core.objects import ObjectRef
from gitops_push.core.plan import Action, Plan

NOW = datetime(2026, 1, 1, tzinfo=UTC)

CODES = {
    "nothing to do": ([], 0),
    "all done": ([Result.DONE, Result.DONE], 0),
    "one not ready": ([Result.DONE, Result.NOT_READY], 21),
    "one failed": ([Result.DONE, Result.FAILED], 20),
    "one not reached": ([Result.NOT_REACHED], 20),
    "one unknown": ([Result.UNKNOWN], 20),
    "a failure outweighs what is not ready": ([Result.NOT_READY, Result.FAILED], 20),
}


def deployment(results: list[Result], *, interrupted: bool = False) -> Deployment:
    refs = [ObjectRef("", "ConfigMap", "shop", f"env-{number}") for number in range(len(results))]
    outcomes = tuple(Outcome(ref, Action.CREATE, result) for ref, result in zip(refs, results, strict=True))
    plan = Plan("prod", "shop", "c0ffee", "cluster-1", "digest", NOW, ())
    return Deployment(plan, outcomes, NOW, NOW, wrote=True, interrupted=interrupted)


@pytest.mark.parametrize(("results", "code"), CODES.values(), ids=CODES.keys())
def test_the_exit_code_tells_whether_to_look_at_the_cluster(results: list[Result], code: int) -> None:
    assert deployment(results).exit_code == code


def test_an_interrupted_run_is_never_green() -> None:
    assert deployment([Result.DONE], interrupted=True).exit_code == 20
