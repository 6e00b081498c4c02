"""Events of the cluster: what controllers, the scheduler and kubelets said about an object, told once each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from gitops_push.core.managed_fields import read_time
from gitops_push.core.objects import Body

_COMBINED: Final = "(combined from similar events): "
_VARYING: Final = re.compile(r"[a-z0-9.-]+-[a-z0-9]{5,10}\b|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b[0-9]+(?:\.[0-9]+)*\b")
"""Names of pods, uids and numbers: what differs between two messages that say the same."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was said about an object, `count` times, the last time at `at`."""

    kind: str
    name: str
    reason: str
    message: str
    count: int = 1
    at: datetime | None = None


def event_of(body: Body) -> Event:
    """Return an event as it is read; every part of it may be missing."""
    about, series = _mapping(body.get("involvedObject")), _mapping(body.get("series"))
    times = (series.get("lastObservedTime"), body.get("lastTimestamp"), body.get("eventTime"))
    counts = (series.get("count"), body.get("count"))
    return Event(
        str(about.get("kind") or ""),
        str(about.get("name") or ""),
        str(body.get("reason") or ""),
        str(body.get("message") or "").strip().removeprefix(_COMBINED),
        next((count for count in counts if isinstance(count, int)), 1),
        next((found for text in times if (found := read_time(text))), None),
    )


def distinct(events: Iterable[Event]) -> tuple[Event, ...]:
    """Return the events oldest first; those that say the same of different pods become their last, counted together."""
    found: dict[tuple[str, str, str], Event] = {}
    for event in sorted(events, key=_when):
        key = (event.kind, event.reason, _shape(event.message))
        earlier = found.pop(key, None)
        found[key] = replace(event, count=event.count + earlier.count) if earlier else event
    return tuple(found.values())


def repeats(event: Event, words: str) -> bool:
    """Return whether an event says what is said already, be it of another pod."""
    said, told = _shape(event.message), _shape(words)
    return bool(told) and (said in told or told in said)


def is_since(event: Event, moment: datetime | None) -> bool:
    """Return whether it was said at or after a moment; one of unknown time counts."""
    return moment is None or event.at is None or event.at >= moment


def _shape(message: str) -> str:
    return _VARYING.sub("_", message)


def _when(event: Event) -> datetime:
    return event.at or datetime.min.replace(tzinfo=UTC)


def _mapping(found: Any) -> Body:
    return found if isinstance(found, dict) else {}
