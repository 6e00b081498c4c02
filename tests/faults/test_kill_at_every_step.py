"""Kill at every step: one fault at each request of a real deployment, through the real command line.

`make prove` runs all of them and prints the figures; `make test` runs a seeded sample.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.faults.kill_campaign import FAULTS, Campaign, Case, run_cases
from tests.faults.proxy import FaultProxy
from tests.faults.scenarios import SCENARIOS, UPDATE, Scenario
from tests.faults.warm import WarmProgram

SEED = 20261125
SAMPLED = 3


@pytest.fixture
def campaign(
    control_plane: ControlPlane, proxied: tuple[FaultProxy, str], warm: WarmProgram, tmp_path: Path
) -> Campaign:
    return Campaign(control_plane, *proxied, warm, tmp_path)


def test_after_a_fault_at_some_request_the_next_run_finishes(campaign: Campaign) -> None:
    chance = random.Random(SEED)
    count = campaign.record(UPDATE)
    every = [Case(UPDATE, fault, number) for fault in FAULTS for number in range(1, count + 1)]
    tally = run_cases(campaign, chance.sample(every, SAMPLED))
    assert not tally.failures, "\n".join(tally.failures)


@pytest.mark.prove
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_after_a_fault_at_every_request_the_next_run_finishes(campaign: Campaign, scenario: Scenario) -> None:
    count = campaign.record(scenario)
    print(f"\n{scenario.name}: {count} requests")
    cases = [Case(scenario, fault, number) for fault in FAULTS for number in range(1, count + 1)]
    tally = run_cases(campaign, cases)
    print(tally)
    assert not tally.failures, "\n".join(tally.failures)
