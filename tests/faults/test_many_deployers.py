"""Two to twenty deployers at once, and three commits in every order: one writes at a time, and the newest commit wins.

`make prove` plays all rounds and prints the figures; `make test` plays a seeded sample.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.controlplane.audit import AuditEvent
from tests.controlplane.cluster import ControlPlane
from tests.faults.crowd import open_crowd
from tests.faults.deployers import Crew, Deployer, Rounds, every_order, faults_of_turns, some_crews

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


@pytest.mark.parametrize(
    ("users", "commits", "told"),
    [
        pytest.param([0, 0, 1, 1], [1, 2], [], id="one after the other"),
        pytest.param([0, 1, 0], [2, 2], ["interleaved writes"], id="interleaved"),
        pytest.param([0, 1], [2, 1], ["an older commit"], id="back"),
    ],
)
def test_the_judge_sees_what_must_not_be(users: list[int], commits: list[int], told: list[str]) -> None:
    events = [_write(user, second) for second, user in enumerate(users)]
    found = list(faults_of_turns(events, commits))
    assert [text[: len(start)] for text, start in zip(found, told, strict=True)] == told


def _write(user: int, second: int) -> AuditEvent:
    at = datetime(2026, 11, 25, tzinfo=UTC) + timedelta(seconds=second)
    return AuditEvent("patch", "/", f"shop:{user}", "gitops-push/1", "", "configmaps", "", "shop", "one", 200, at)


@pytest.mark.prove
@pytest.mark.timeout(4 * 3600)
def test_many_deployers_at_once_write_one_after_the_other_and_the_newest_commit_wins(rounds: Rounds) -> None:
    figures = rounds.play([*some_crews(random.Random(SEED), ROUNDS), *ORDERS_PLAYED * list(every_order())])
    print(f"\n{figures}")
    assert not figures.failures, "\n".join(figures.failures)


def test_twenty_first_deployments_of_the_same_commit_write_once(rounds: Rounds) -> None:
    figures = rounds.play([Crew(tuple(Deployer(2) for _ in range(20)), on_record=False)])
    assert not figures.failures, "\n".join(figures.failures)
    assert dict(figures.writers) == {1: 1}
