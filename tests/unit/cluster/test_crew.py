from __future__ import annotations

import threading
import time

import pytest

from gitops_push.cluster.crew import Crew, Untold


def test_every_task_gets_its_result() -> None:
    crew: Crew[int, int] = Crew(lambda number: number * 2, 4)
    assert sorted(crew.run(range(50))) == [(number, number * 2) for number in range(50)]


def test_no_more_run_at_once_than_asked_for() -> None:
    running, most = 0, 0
    lock = threading.Lock()

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1
        return number

    assert len(list(Crew(work, 3).run(range(30)))) == 30
    assert most == 3


def test_a_halt_lets_the_running_finish_and_begins_nothing_more() -> None:
    def work(number: int) -> int:
        time.sleep(0.02)
        return number

    crew: Crew[int, int] = Crew(work, 1)
    results: list[tuple[int, int | Untold]] = []
    for task, result in crew.run(range(20)):
        results.append((task, result))
        crew.halt()
    told = [task for task, result in results if not isinstance(result, Untold)]
    untold = [task for task, result in results if result is Untold.NOT_BEGUN]
    assert told == list(range(len(told)))
    assert sorted(told + untold) == list(range(20))
    assert len(untold) >= 10


def test_after_a_result_that_is_the_last_its_own_thread_begins_nothing_more() -> None:
    crew: Crew[int, int] = Crew(lambda number: number, 1, is_last=lambda number: number == 3)
    results = dict(crew.run(range(20)))
    assert [task for task, result in results.items() if not isinstance(result, Untold)] == [0, 1, 2, 3]
    assert list(results.values())[4:] == [Untold.NOT_BEGUN] * 16


def test_what_is_in_flight_at_a_stop_gets_its_grace_and_no_more() -> None:
    release = threading.Event()
    began_at = time.monotonic()
    crew: Crew[str, bool] = Crew(lambda _: release.wait(20), 2, lambda: True, 0.3)
    results = dict(crew.run("abcd"))
    release.set()
    assert time.monotonic() - began_at < 5
    assert sorted(results.values(), key=str) == [Untold.NOT_BEGUN] * 2 + [Untold.NO_ANSWER] * 2


def test_work_that_breaks_is_no_answer_instead_of_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: broken.set())

    def work(task: str) -> str:
        raise LookupError(task)

    assert list(Crew(work, 1).run("a")) == [("a", Untold.NO_ANSWER)]
    assert broken.wait(5)
