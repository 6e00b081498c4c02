"""The lock of an environment on a real API server."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from gitops_push.cluster.api import ApiWriter
from gitops_push.cluster.lease_store import read_lease, write_lease
from gitops_push.cluster.lock import Lock, LockLostError, LockOptions
from gitops_push.cluster.lock_wait import YieldedError
from gitops_push.core.errors import ClusterError, NotNowError
from gitops_push.core.lease import LeaseState, LockHolder
from gitops_push.core.run_identity import RunIdentity
from tests.controlplane.waiting import eventually

NAME = "gitops-push-shop-prod"
SECONDS = 2


def lock(api: ApiWriter, namespace: str, name: str = "a", *, commit: str = "", **options: Any) -> Lock:
    identity = RunIdentity(run_url=f"https://ci.example.com/{name}", actor="ann", commit=commit)
    return Lock(api, namespace, NAME, LockHolder(name, identity), LockOptions(duration_seconds=SECONDS, **options))


def state(api: ApiWriter, namespace: str) -> LeaseState:
    found = read_lease(api, namespace, NAME)
    assert found is not None
    return found


def stopped(one: Lock) -> None:
    """Stop a run as SIGKILL does: nobody renews the lock any more, and nobody releases it."""
    one.abandon()


def test_a_lock_names_who_holds_it_is_kept_and_is_given_back(api: ApiWriter, namespace: str) -> None:
    one = lock(api, namespace, commit="c0ffee1234")
    assert one.take()
    found = state(api, namespace)
    assert found.holder is not None
    assert found.holder.identity == RunIdentity("https://ci.example.com/a", "ann", "c0ffee1234")
    time.sleep(SECONDS + 1)
    one.guard()
    assert state(api, namespace).renewed > found.renewed
    one.release()
    assert state(api, namespace).holder is None
    with pytest.raises(LockLostError):
        one.guard()


def test_a_living_holder_is_told_at_once_and_waited_for_when_asked(api: ApiWriter, namespace: str) -> None:
    one = lock(api, namespace)
    assert one.take()
    began_at = time.monotonic()
    with pytest.raises(NotNowError, match=r"https://ci\.example\.com/a \(ann\), since 20"):
        lock(api, namespace, "b").take()
    assert time.monotonic() - began_at < SECONDS
    threading.Timer(1.0, one.release).start()
    two = lock(api, namespace, "b", wait_seconds=20)
    assert two.take()
    assert state(api, namespace).taken == 2
    assert state(api, namespace).waiting == ()
    two.release()


def test_where_there_is_no_namespace_there_is_no_lock_and_nobody_waits_for_it(api: ApiWriter, namespace: str) -> None:
    with pytest.raises(ClusterError, match=f'namespaces "{namespace}-x" not found'):
        lock(api, f"{namespace}-x", wait_seconds=60).take()


def test_a_silent_holder_loses_the_lock_after_its_time_and_writes_no_more(api: ApiWriter, namespace: str) -> None:
    dead = lock(api, namespace)
    assert dead.take()
    stopped(dead)
    began_at = time.monotonic()
    two = lock(api, namespace, "b")
    assert two.take()
    assert SECONDS <= time.monotonic() - began_at < SECONDS + 3
    two.release()


def test_who_was_away_goes_on_if_nobody_took_the_lock_and_stops_if_somebody_did(api: ApiWriter, namespace: str) -> None:
    away = lock(api, namespace)
    assert away.take()
    away._valid_until = 0.0  # as if no renewal had gone through for the whole time
    away.guard()
    thief = LockHolder("thief", RunIdentity(actor="mallory"))
    taken = replace(state(api, namespace), holder=thief)
    while write_lease(api, taken) is None:
        taken = replace(state(api, namespace), holder=thief)
    away._valid_until = 0.0
    with pytest.raises(LockLostError, match="held by mallory"):
        away.guard()
    away.release()
    found = state(api, namespace).holder
    assert found is not None
    assert found.id == "thief"


def test_a_wish_to_stop_ends_the_waiting_and_leaves_no_trace(api: ApiWriter, namespace: str) -> None:
    one = lock(api, namespace)
    assert one.take()
    wish = threading.Event()
    threading.Timer(1.0, wish.set).start()
    assert not lock(api, namespace, "b", wait_seconds=60, should_stop=wish.is_set).take()
    assert state(api, namespace).waiting == ()
    one.release()


def test_of_those_that_wait_the_newest_commit_goes_first_and_older_ones_are_not_needed(
    api: ApiWriter, namespace: str
) -> None:
    order = ["aaaaaaa1", "bbbbbbb2", "ccccccc3"]
    one = lock(api, namespace, "deploys", commit=order[0])
    assert one.take()
    ended: dict[str, str] = {}

    def wait_for_it(commit: str) -> None:
        newer = order[order.index(commit) + 1 :]
        mine = lock(api, namespace, commit, commit=commit, wait_seconds=60, should_yield=newer.__contains__)
        try:
            ended[commit] = "took" if mine.take() else "stopped"
            mine.release()
        except YieldedError as error:
            ended[commit] = f"yielded to {error.to.identity.commit}"

    threads = [threading.Thread(target=wait_for_it, args=(commit,)) for commit in order[1:]]
    for thread in threads:
        thread.start()
    eventually(lambda: len(state(api, namespace).waiting) == 2)
    time.sleep(SECONDS / 2)  # until each has looked once more
    one.release()
    for thread in threads:
        thread.join(30)
    assert ended == {"bbbbbbb2": "yielded to ccccccc3", "ccccccc3": "took"}


def test_a_run_that_waited_and_died_lets_older_commits_go_after_its_time(api: ApiWriter, namespace: str) -> None:
    one = lock(api, namespace, "deploys")
    assert one.take()
    dead = LockHolder("dead", RunIdentity(actor="bob", commit="ccccccc3"), beat=3)
    while write_lease(api, state(api, namespace).with_waiting(dead)) is None:
        pass
    threading.Timer(SECONDS + 1.5, one.release).start()
    two = lock(api, namespace, "b", commit="bbbbbbb2", wait_seconds=60, should_yield=lambda commit: True)
    assert two.take()
    two.release()
