"""What an apply did, as text, whole screens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gitops_push.core.deployment import Deployment, Outcome, Result
from gitops_push.core.objects import ObjectRef
from gitops_push.core.plan import Action, Plan
from gitops_push.reports.deployment_text import deployment_lines

NOW = datetime(2026, 11, 20, 10, 41, tzinfo=UTC)
WEB = ObjectRef("apps", "Deployment", "shop", "web")
ENV = ObjectRef("", "ConfigMap", "shop", "web-env")


def text_of(*outcomes: Outcome, wrote: bool = True, interrupted: bool = False) -> list[str]:
    plan = Plan("prod", "shop", "1a2b3c4d", "id", "digest", NOW, (), 0.8)
    deployment = Deployment(plan, outcomes, NOW, NOW + timedelta(seconds=2), wrote, interrupted)
    return [line.text for line in deployment_lines(deployment)]


def test_what_is_not_ready_comes_first_with_all_its_reasons_below_it() -> None:
    reason = "1 of 2 pods available\npod web-1: container web: back-off\nlast event: BackOff"
    assert text_of(Outcome(ENV, Action.CREATE, Result.DONE), Outcome(WEB, Action.UPDATE, Result.NOT_READY, reason)) == [
        "not ready  update  apps/Deployment shop/web   1 of 2 pods available",
        "    pod web-1: container web: back-off",
        "    last event: BackOff",
        "done       create  v1/ConfigMap shop/web-env",
        "NOT HEALTHY prod: 1 done, 1 not ready (2.0 s); everything was applied",
    ]


def test_a_run_that_changed_nothing_says_so_in_one_line() -> None:
    unchanged = [Outcome(ref, Action.UNCHANGED, Result.DONE) for ref in (WEB, ENV)]
    assert text_of(*unchanged, wrote=False) == ["IN SYNC prod: 2 objects unchanged (2.0 s); nothing was written"]
    assert text_of(unchanged[0], wrote=False) == ["IN SYNC prod: 1 object unchanged (2.0 s); nothing was written"]


@pytest.mark.parametrize(
    ("wrote", "tail"), [(True, "run the same command again to finish"), (False, "nothing was written")]
)
def test_an_interrupted_run_says_what_to_do(wrote: bool, tail: str) -> None:
    assert text_of(Outcome(WEB, Action.UPDATE, Result.NOT_REACHED), wrote=wrote, interrupted=True)[-1].endswith(tail)
