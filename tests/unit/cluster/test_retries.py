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


def test_a_webhook_that_cannot_be_called_has_kept_the_request_from_being_carried_out() -> None:
    text = b'Internal error occurred: failed calling webhook "w.example.com": context deadline exceeded'
    assert trouble_of(500, text) is Trouble.NOT_ADMITTED
    assert trouble_of(500, b"conversion webhook for example.com/v1, Kind=Part failed") is Trouble.BROKEN


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
    state = retries(Clock())
    pauses = [state.pause(attempt, Trouble.BROKEN, 1e9) for attempt in range(1, 9)]
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, None, None, None]


@pytest.mark.parametrize("trouble", [Trouble.NOT_SENT, Trouble.OVERLOADED])
def test_a_server_that_restarts_is_waited_for_until_the_deadline_and_outside_of_the_budget(trouble: Trouble) -> None:
    clock = Clock()
    state = retries(clock, budget_floor=3)
    attempt, deadline = 1, clock.now + 120
    while (pause := state.pause(attempt, trouble, deadline)) is not None:
        clock.sleep(pause)
        attempt += 1
    assert deadline - 8 <= clock.now < deadline
    assert (attempt, state.counts.retries) == (20, 19)
    assert state.pause(1, Trouble.BROKEN, 1e9) is not None


def test_an_attempt_of_any_number_has_a_pause() -> None:
    assert retries(Clock()).pause(100_000, Trouble.OVERLOADED, 1e9) == 8.0


@pytest.mark.parametrize("trouble", Trouble)
def test_until_the_server_has_answered_well_once_silence_gets_few_attempts(trouble: Trouble) -> None:
    state = Retries(RetryRules(), chance=lambda: 0.0)
    pauses = [state.pause(attempt, trouble, 1e9) for attempt in range(1, 9)]
    attempts = 3 if trouble in {Trouble.NOT_SENT, Trouble.LOST} else 6
    assert pauses == [0.0] * (attempts - 1) + [None] * (9 - attempts)


@given(st.floats(0, 1), st.integers(1, 5))
def test_the_wait_is_anything_between_nothing_and_its_bound(chance: float, attempt: int) -> None:
    pause = retries(Clock(), lambda: chance).pause(attempt, Trouble.LOST, 1e9)
    assert pause is not None
    assert 0 <= pause <= min(8.0, 0.25 * 2 ** (attempt - 1))


def test_what_the_server_asks_for_comes_on_top() -> None:
    assert retries(Clock(), lambda: 0.0).pause(1, Trouble.OVERLOADED, 1e9, "7") == 7.0


def test_nothing_is_waited_for_beyond_the_deadline() -> None:
    clock = Clock()
    state = retries(clock)
    assert state.pause(1, Trouble.OVERLOADED, clock.now + 5, "7") is None
    assert state.counts.retries == 0


def test_the_budget_is_a_fifth_of_the_requests_but_at_least_its_floor() -> None:
    state = retries(Clock(), lambda: 0.0, budget_floor=3)

    def allowed(tries: int) -> int:
        return sum(state.pause(1, Trouble.LOST, 1e9) is not None for _ in range(tries))

    assert allowed(5) == 3
    for _ in range(50):
        state.sending()
    assert allowed(20) == 7
    assert (state.counts.requests, state.counts.retries) == (50, 10)
