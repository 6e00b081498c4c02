"""The plan is exact: live, our predicted changes and the server's own give the applied object; nothing else differs."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from gitops_push.cluster.drift import report_drift
from gitops_push.cluster.http_api import HttpApi
from gitops_push.cluster.planner import make_plan
from gitops_push.core.plan import Action
from tests.cluster.exactness.campaign import Figures, play
from tests.cluster.many_kinds import many_kinds
from tests.cluster.planning import apply_all, request_for
from tests.controlplane.cluster import ControlPlane

SEED = "exactness-1"
BATCH = 300


def test_a_sample_of_random_plans_is_exact(
    control_plane: ControlPlane, api: HttpApi, namespace: str, group: str
) -> None:
    figures = play(control_plane, api, namespace, group, Random(SEED), 70)
    assert len(figures.judged) >= 60
    assert [(verdict.pair.ref, verdict.missed) for verdict in figures.misses] == []


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_two_thousand_random_plans_are_exact(
    control_plane: ControlPlane, api: HttpApi, namespace: str, group: str
) -> None:
    whole = Figures([], Counter())
    rng = Random(SEED)
    while len(whole.judged) < 2000:
        whole.add(play(control_plane, api, namespace, group, rng, BATCH, prefix=f"b{len(whole.verdicts)}"))
    print("\n" + "\n".join(whole.lines()))
    assert len({verdict.pair.place.kind.kind for verdict in whole.judged}) >= 12
    assert len(whole.misses) <= len(whole.judged) / 1000


def _false_alarms(api: HttpApi, namespace: str, runs: int) -> list[object]:
    """Plan and look for drift again and again, while controllers work; returns whatever was found."""
    wanted = request_for(namespace, *many_kinds(namespace))
    apply_all(wanted, api)
    found: list[object] = []
    for _ in range(runs):
        found += (change for change in make_plan(wanted, api).changes if change.action is not Action.UNCHANGED)
        found += report_drift(wanted, api).drifted
    return found


def test_a_clean_set_gives_no_alarm_while_controllers_work(api: HttpApi, namespace: str) -> None:
    assert _false_alarms(api, namespace, 3) == []


@pytest.mark.prove
@pytest.mark.timeout(900)
def test_a_clean_set_gives_no_alarm_in_a_hundred_runs(api: HttpApi, namespace: str) -> None:
    assert _false_alarms(api, namespace, 100) == []
    print("\nclean sets: 0 changes and 0 drift in 100 runs of a plan and a drift report")
