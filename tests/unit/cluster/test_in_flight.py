from __future__ import annotations

import threading
import time

from gitops_push.cluster.in_flight import InFlight


def test_overload_halves_the_limit_down_to_one_and_good_answers_raise_it_again() -> None:
    limit = InFlight(16, time.monotonic)
    for expected in (8, 4, 2, 1, 1):
        limit.overloaded()
        assert limit.limit == expected
    for expected, answers in ((2, 1), (3, 2), (4, 3)):
        for _ in range(answers):
            limit.succeeded()
        assert limit.limit == expected
    for _ in range(1000):
        limit.succeeded()
    assert limit.limit == 16


def test_never_more_than_the_limit_run_at_once() -> None:
    limit = InFlight(4, time.monotonic)
    running, most = [0], [0]
    lock = threading.Lock()

    def work() -> None:
        for _ in range(20):
            with limit.slot(time.monotonic() + 10) as free:
                assert free
                with lock:
                    running[0] += 1
                    most[0] = max(most[0], running[0])
                time.sleep(0.0005)
                with lock:
                    running[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 2 <= most[0] <= 4


def test_who_finds_no_slot_before_the_deadline_gets_none_and_takes_none() -> None:
    limit = InFlight(1, time.monotonic)
    with limit.slot(time.monotonic() + 1) as first, limit.slot(time.monotonic() + 0.02) as second:
        assert (first, second) == (True, False)
    with limit.slot(time.monotonic() + 1) as third:
        assert third


def test_a_slot_is_given_back_when_its_work_fails() -> None:
    limit = InFlight(1, time.monotonic)
    for _ in range(3):
        try:
            with limit.slot(time.monotonic() + 1) as free:
                assert free
                raise LookupError
        except LookupError:
            continue


def test_in_a_pause_nobody_begins_and_the_longest_one_counts() -> None:
    limit = InFlight(4, time.monotonic)
    began = time.monotonic()
    limit.pause(0.1)
    limit.pause(0.02)
    with limit.slot(began + 0.05) as free:
        assert not free
    with limit.slot(began + 10) as free:
        assert free
        assert time.monotonic() - began >= 0.1
