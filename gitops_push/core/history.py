"""What was deployed when, by whom, and how it ended; and whether an environment is on hold. Pure values.

Kept beside the inventory in a ConfigMap of its own, so that a failure to write it never costs the inventory.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from gitops_push.core.deployment import WELL, Deployment, Result
from gitops_push.core.inventory import Inventory, InventoryState, RecordName
from gitops_push.core.objects import Body
from gitops_push.core.plan_digest import plan_digest
from gitops_push.core.run_identity import NOBODY, RunIdentity, identity_data, identity_from
from gitops_push.core.untrusted import clean_line

KEPT: Final = 50
_MOST_TEXT: Final = 300
_SCHEMA_VERSION: Final = "1"
_SUFFIX: Final = "-history"
_LABELS: Final = {"app.kubernetes.io/managed-by": "gitops-push"}


class Ending(StrEnum):
    """How a deployment ended; `LOST`: its run never said so, it was killed or lost its machine."""

    HEALTHY = "healthy"
    NOT_WAITED = "not waited for"
    UNHEALTHY = "not healthy"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One deployment that wrote. `counts` are objects by what was done to them, `why` the first thing that was wrong.

    `digest` is that of the plan, "" of a deployment whose run was lost; `number` counts up and is never used again.
    """

    number: int
    ending: Ending
    commit: str
    finished_at: datetime
    started_at: datetime | None = None
    by: RunIdentity = NOBODY
    digest: str = ""
    counts: tuple[tuple[str, int], ...] = ()
    why: str = ""
    rolled_back_from: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why nothing may be deployed: who said so and until when, None for until somebody resumes it."""

    reason: str
    by: RunIdentity
    since: datetime
    until: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Return whether its time is up."""
        return self.until is not None and now >= self.until

    def __str__(self) -> str:
        """Return who, since when, until when and why, on one line."""
        until = f", until {self.until:%Y-%m-%d %H:%MZ}" if self.until else ""
        return f"by {self.by} since {self.since:%Y-%m-%d %H:%MZ}{until}: {self.reason}"


@dataclass(frozen=True, slots=True)
class History:
    """The record: entries with the newest last. `version` "" means that it does not exist yet."""

    namespace: str
    name: str
    entries: tuple[HistoryEntry, ...] = ()
    hold: Hold | None = None
    version: str = ""
    uid: str = field(default="", compare=False)

    def with_entry(self, entry: HistoryEntry) -> History:
        """Return the record with one entry more, numbered, and without the oldest where there are too many."""
        last = self.entries[-1].number if self.entries else 0
        return replace(self, entries=(*self.entries, replace(entry, number=last + 1))[-KEPT:])

    def last_healthy_before(self, commit: str) -> HistoryEntry | None:
        """Return the newest deployment of another commit that ended well, None if there is none."""
        good = (e for e in reversed(self.entries) if e.ending is Ending.HEALTHY and e.commit and e.commit != commit)
        return next(good, None)


def history_of(place: RecordName) -> History:
    """Return the empty record that belongs to an inventory."""
    return History(place.namespace, f"{place.name}{_SUFFIX}")


def entry_of(deployment: Deployment, by: RunIdentity, *, waited: bool, rolled_back_from: str = "") -> HistoryEntry:
    """Return what is recorded of a deployment that wrote."""
    deeds = Counter(outcome.deed for outcome in deployment.outcomes if outcome.result in WELL)
    deeds.pop("unchanged", None)
    bad = Counter(outcome.result.value for outcome in deployment.outcomes if outcome.result not in WELL)
    return HistoryEntry(
        number=0,
        ending=_ending(deployment, waited=waited),
        commit=deployment.plan.commit,
        finished_at=deployment.finished_at,
        started_at=deployment.started_at,
        by=by,
        digest=plan_digest(deployment.plan),
        counts=tuple(sorted((deeds + bad).items())),
        why=_why(deployment),
        rolled_back_from=rolled_back_from,
    )


def lost_entry(inventory: Inventory) -> HistoryEntry | None:
    """Return what is known of a deployment that began and never told its end, None if the last one did."""
    if inventory.state is not InventoryState.APPLYING or inventory.deployed_at is None:
        return None
    by = inventory.deployed_by
    return HistoryEntry(
        0, Ending.LOST, inventory.commit, inventory.deployed_at, by=by, why="its run never told its end"
    )


def _ending(deployment: Deployment, *, waited: bool) -> Ending:
    if deployment.interrupted:
        return Ending.INTERRUPTED
    if deployment.exit_code == 0:
        return Ending.HEALTHY if waited else Ending.NOT_WAITED
    return Ending.UNHEALTHY if deployment.exit_code == 21 else Ending.FAILED


def _why(deployment: Deployment) -> str:
    order = (Result.FAILED, Result.UNKNOWN, Result.NOT_READY)
    bad = (o for result in order for o in deployment.outcomes if o.result is result)
    first = next(bad, None)
    if first is None:
        return ""
    code = f"{first.cause.code.value}: " if first.cause else ""
    return clean_line(f"{first.ref}: {code}{first.message.partition(chr(10))[0]}")[:_MOST_TEXT]


def to_body(history: History) -> dict[str, Any]:
    """Return the ConfigMap to send."""
    entries = ",\n".join(json.dumps(_entry_data(entry), ensure_ascii=False) for entry in history.entries)
    data = {"schemaVersion": _SCHEMA_VERSION, "history": f"[\n{entries}\n]\n"}
    if history.hold is not None:
        data["hold"] = json.dumps(_hold_data(history.hold), ensure_ascii=False)
    metadata: dict[str, Any] = {"name": history.name, "namespace": history.namespace, "labels": _LABELS}
    metadata |= {"resourceVersion": history.version} if history.version else {}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def from_body(body: Body) -> History:
    """Return the record. Raises `ValueError` for one that somebody has damaged."""
    metadata, data = body["metadata"], body.get("data") or {}
    try:
        entries = json.loads(data.get("history") or "[]")
        hold = json.loads(data["hold"]) if data.get("hold") else None
        return History(
            namespace=str(metadata.get("namespace", "")),
            name=str(metadata["name"]),
            entries=tuple(map(_entry, entries)),
            hold=_hold(hold) if hold is not None else None,
            version=str(metadata.get("resourceVersion", "")),
            uid=str(metadata.get("uid", "")),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _entry_data(entry: HistoryEntry) -> dict[str, Any]:
    optional = {
        "startedAt": entry.started_at and entry.started_at.isoformat(),
        "digest": entry.digest,
        "why": entry.why,
        "rolledBackFrom": entry.rolled_back_from,
        "counts": dict(entry.counts),
    }
    told = {key: value for key, value in optional.items() if value}
    return {
        "number": entry.number,
        "ending": entry.ending.value,
        "commit": entry.commit,
        "finishedAt": entry.finished_at.isoformat(),
        "by": identity_data(entry.by),
        **told,
    }


def _entry(data: Mapping[str, Any]) -> HistoryEntry:
    started = data.get("startedAt")
    return HistoryEntry(
        number=int(data["number"]),
        ending=Ending(data["ending"]),
        commit=str(data["commit"]),
        finished_at=datetime.fromisoformat(data["finishedAt"]),
        started_at=datetime.fromisoformat(started) if started else None,
        by=identity_from(data.get("by") or {}),
        digest=str(data.get("digest", "")),
        counts=tuple((str(key), int(value)) for key, value in (data.get("counts") or {}).items()),
        why=clean_line(str(data.get("why", "")))[:_MOST_TEXT],
        rolled_back_from=str(data.get("rolledBackFrom", "")),
    )


def _hold_data(hold: Hold) -> dict[str, Any]:
    until = {"until": hold.until.isoformat()} if hold.until else {}
    return {"reason": hold.reason, "by": identity_data(hold.by), "since": hold.since.isoformat(), **until}


def _hold(data: Mapping[str, Any]) -> Hold:
    until = data.get("until")
    return Hold(
        reason=clean_line(str(data["reason"]))[:_MOST_TEXT],
        by=identity_from(data.get("by") or {}),
        since=datetime.fromisoformat(data["since"]).astimezone(UTC),
        until=datetime.fromisoformat(until).astimezone(UTC) if until else None,
    )


def counts_text(counts: Iterable[tuple[str, int]]) -> str:
    """Return counts for people: `2 create, 1 update`."""
    return ", ".join(f"{number} {deed}" for deed, number in counts)
