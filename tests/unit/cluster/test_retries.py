from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.cluster.request import Effect
from gitops_push.cluster.retries import Retries, RetryRules, Trouble, Verdict, seconds_asked, trouble_of, verdict

WRITES = {Effect.APPLY, Effect.PATCH, Effect.CREATE, Effect.REPLACE, Effect.DELETE}


@pytest.mark.parametrize(("effect", "trouble"), list(itertools.product(Effect, Trouble)))
def test_only_a_write_that_may_have_happened_is_ambiguous(effect: Effect, trouble: Trouble) -> None:
    ambiguous = effect in WRITES and trouble in {Trouble.LOST, Trouble.BROKEN}
    assert verdict(effect, trouble) is (Verdict.AMBIGUOUS if ambiguous else Verdict.AGAIN)


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (429, Trouble.OVERLOADED),
        (503, Trouble.OVERLOADED),
        (500, Trouble.BROKEN),
        (502, Trouble.BROKEN),
        (504, Trouble.BROKEN),
        *((status, None) for status in (200, 201, 301, 400, 401, 403, 404, 409, 410, 413, 422, 501)),
    ],
)
def test_the_trouble_of_a_status(status: int, trouble: Trouble | None) -> None:
    assert trouble_of(status, b"") is trouble


def test_an_unknown_field_is_the_users_mistake_and_no_trouble() -> None:
    assert trouble_of(500, b"failed to create typed patch object (x): .spec.y: field not declared in schema") is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0),
        ("1", 1),
        ("30", 30),
        ("3600", 30),
        ("-1", 0),
        ("1.5", 0),
        ("nan", 0),
        ("9" * 400, 0),
        ("\u0663", 0),
        (" 2 ", 2),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 0),
        ("soon", 0),
    ],
)
def test_retry_after_is_honoured_up_to_its_cap(header: str, seconds: float) -> None:
    assert seconds_asked(header, 30.0) == seconds


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def retries(clock: Clock, chance: Callable[[], float] = lambda: 1.0, **rules: float) -> Retries:
    made = Retries(RetryRules(**rules), lambda: clock.now, clock.sleep, chance)  # type: ignore[arg-type]
    made.answered()
    return made


def test_waits_double_up_to_a_cap_and_stop_after_the_last_attempt() -> None:
    clock = Clock()
    state = retries(clock)
    waited = [state.wait(attempt, 1e9) for attempt in range(1, 9)]
    assert waited == [True] * 5 + [False] * 3
    assert clock.slept == [0.25, 0.5, 1.0, 2.0, 4.0]


def test_until_the_server_has_answered_once_there_are_fewer_attempts() -> None:
    clock = Clock()
    state = Retries(RetryRules(), lambda: clock.now, clock.sleep, lambda: 0.0)
    assert [state.wait(attempt, 1e9) for attempt in (1, 2, 3)] == [True, True, False]


@given(st.floats(0, 1), st.integers(1, 5))
def test_the_wait_is_anything_between_nothing_and_its_bound(chance: float, attempt: int) -> None:
    clock = Clock()
    assert retries(clock, lambda: chance).wait(attempt, 1e9)
    assert 0 <= clock.slept[0] <= min(8.0, 0.25 * 2 ** (attempt - 1))


def test_what_the_server_asks_for_comes_on_top() -> None:
    clock = Clock()
    assert retries(clock, lambda: 0.0).wait(1, 1e9, "7")
    assert clock.slept == [7.0]


def test_nothing_is_waited_for_beyond_the_deadline() -> None:
    clock = Clock()
    state = retries(clock)
    assert not state.wait(1, clock.now + 5, "7")
    assert clock.slept == []
    assert state.counts.retries == 0


def test_the_budget_is_a_fifth_of_the_requests_but_at_least_its_floor() -> None:
    clock = Clock()
    state = retries(clock, budget_floor=3)
    assert [state.wait(1, 1e9) for _ in range(5)] == [True, True, True, False, False]
    for _ in range(50):
        state.sending()
    assert sum(state.wait(1, 1e9) for _ in range(20)) == 7
    assert (state.counts.requests, state.counts.retries) == (50, 10)
