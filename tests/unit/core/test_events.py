from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.events import Event, distinct, event_of, is_since

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def event(
    reason: str, message: str, minute: int = 0, kind: str = "Pod", name: str = "web-1-x", count: int = 1
) -> Event:
    return Event(kind, name, reason, message, count, NOON + timedelta(minutes=minute))


def test_an_event_is_read_in_its_old_and_its_new_form() -> None:
    about = {"kind": "Pod", "name": "web-1-x"}
    old = {
        "involvedObject": about,
        "reason": "BackOff",
        "message": " m\n",
        "count": 4,
        "lastTimestamp": "2026-01-01T12:00:00Z",
    }
    new = {
        "involvedObject": about,
        "reason": "BackOff",
        "message": "m",
        "eventTime": "2026-01-01T11:00:00.000000Z",
        "series": {"count": 4, "lastObservedTime": "2026-01-01T12:00:00.000000Z"},
    }
    assert event_of(old) == event_of(new) == Event("Pod", "web-1-x", "BackOff", "m", 4, NOON)


ODD: list[dict[str, Any]] = [
    {},
    {"involvedObject": None, "count": None, "lastTimestamp": None, "message": None},
    {"involvedObject": [], "series": "x", "count": "many", "lastTimestamp": "soon"},
]


@pytest.mark.parametrize("body", ODD)
def test_an_event_with_parts_missing_is_still_one(body: dict[str, Any]) -> None:
    found = event_of(body)
    assert (found.count, found.at) == (1, None)


def test_what_is_said_of_one_pod_after_another_is_told_once_with_its_last_words() -> None:
    said = [event("FailedCreate", f'pods "web-6c5d{n}-abcd{n}" is forbidden: exceeded quota: q', n) for n in range(3)]
    (found,) = distinct(reversed(said))
    assert (found.count, found.message) == (3, said[2].message)


def test_what_the_server_itself_has_combined_is_said_in_the_same_words() -> None:
    once = {"involvedObject": {}, "reason": "BackOff", "message": "again", "count": 9}
    combined = {**once, "message": "(combined from similar events): again"}
    (found,) = distinct([event_of(once), event_of(combined)])
    assert (found.count, found.message) == (18, "again")


def test_different_words_stay_apart_oldest_first() -> None:
    later, earlier = event("FailedMount", "no such Secret", 2), event("BackOff", "again", 1)
    assert distinct([later, earlier]) == (earlier, later)


def test_an_event_of_before_does_not_count_and_one_of_unknown_time_does() -> None:
    assert not is_since(event("BackOff", "m"), NOON + timedelta(seconds=1))
    assert is_since(event("BackOff", "m"), NOON)
    assert is_since(Event("Pod", "x", "BackOff", "m"), NOON)
    assert is_since(event("BackOff", "m"), None)


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.text(max_size=20), st.integers(0, 59))))
def test_no_event_is_lost_in_the_count(said: list[tuple[str, str, int]]) -> None:
    events = [event(reason, message, minute) for reason, message, minute in said]
    found = distinct(events)
    assert sum(one.count for one in found) == len(events)
    assert {one.reason for one in found} == {one.reason for one in events}
