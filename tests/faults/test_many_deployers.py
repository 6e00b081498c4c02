"""Two to twenty deployers at once, and three commits in every order: one writes at a time, and the newest commit wins.

`make prove` plays all rounds and prints the figures; `make test` plays a seeded sample.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.faults.crowd import open_crowd
from tests.faults.deployers import Crew, Deployer, Rounds, every_order, some_crews

SEED = 20261125
ROUNDS = 200
ORDERS_PLAYED = 5
SAMPLED = 3


@pytest.fixture
def rounds(own_control_plane: ControlPlane, tmp_path: Path) -> Iterator[Rounds]:
    with open_crowd(tmp_path / "crowd") as crowd:
        yield Rounds(own_control_plane, crowd, tmp_path)


def test_some_deployers_at_once_write_one_after_the_other_and_the_newest_commit_wins(rounds: Rounds) -> None:
    orders = list(every_order())
    figures = rounds.play([*some_crews(random.Random(SEED), SAMPLED), orders[0], orders[-1]])
    print(figures)
    assert not figures.failures, "\n".join(figures.failures)


@pytest.mark.prove
@pytest.mark.timeout(4 * 3600)
def test_many_deployers_at_once_write_one_after_the_other_and_the_newest_commit_wins(rounds: Rounds) -> None:
    figures = rounds.play([*some_crews(random.Random(SEED), ROUNDS), *ORDERS_PLAYED * list(every_order())])
    print(f"\n{figures}")
    assert not figures.failures, "\n".join(figures.failures)


def test_twenty_deployers_of_the_same_commit_write_once(rounds: Rounds) -> None:
    figures = rounds.play([Crew(tuple(Deployer(2) for _ in range(20)))])
    assert not figures.failures, "\n".join(figures.failures)
    assert dict(figures.writers) == {1: 1}
