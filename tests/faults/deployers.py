"""Rounds of many deployers at once, and what the API server says of each: its audit log, and its objects.

A round has an environment of its own and three commits, one after the other. Each deployer has one of them and, in the
audit log, a name of its own. What must hold whatever happens:

- the writes of two runs to the environment never interleave, and commits only go forward;
- the newest commit is what is there in the end, and the inventory names exactly the objects that are there;
- a run ends with what it says: deployed or superseded (0), or told who holds the lock (16).
"""

from __future__ import annotations

import itertools
import random
import shutil
import subprocess
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from tests.cluster.connecting import connected
from tests.controlplane.access import RequestError
from tests.controlplane.audit import AuditEvent, AuditMark
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.waiting import eventually
from tests.e2e.judging import writes_since
from tests.e2e.program import VARIABLE, Finished, Program, config, config_map, new_program
from tests.faults.crowd import Crowd, Start
from tests.faults.final_state import faults_of_record, held_locks

COMMITS: Final = 3
SIZES: Final = (2, 2, 3, 3, 4, 5, 6, 8, 12, 20)
"""How many deployers a round may have: up to twenty, and mostly few, as in life."""

LOCK_SECONDS: Final = 10
"""More than a lock of a `Program` holds."""

_APPLY: Final = ("apply", "test", "--yes")
_WAITING: Final = (*_APPLY, "--lock-wait", "5m")
_SPREAD_SECONDS: Final = 1.0
_SHARED: Final = ("one", "two", "three")
_SIGKILL: Final = -9
_ENDS: Final = frozenset({0, 16})


@dataclass(frozen=True, slots=True)
class Deployer:
    """One run: its commit (0 the oldest), when it starts, whether it waits for the lock, and when it is killed."""

    commit: int
    after_seconds: float = 0.0
    waits: bool = True
    killed_after: float | None = None


@dataclass(frozen=True, slots=True)
class Crew:
    """The deployers of a round; `on_record`: whether the environment was deployed before, from the oldest commit."""

    deployers: tuple[Deployer, ...]
    on_record: bool = True

    def __str__(self) -> str:
        told = " ".join(
            f"c{one.commit}@{one.after_seconds:.2f}{'w' if one.waits else ''}"
            f"{'' if one.killed_after is None else f'!{one.killed_after:.2f}'}"
            for one in self.deployers
        )
        return f"{'over a deployment' if self.on_record else 'a first deployment'}: {told}"


@dataclass(slots=True)
class Figures:
    """What happened in all rounds."""

    rounds: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    writes: int = 0
    writers: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        rows = [
            f"{self.rounds} rounds, {self.runs.total()} runs, {self.writes} writes",
            "runs: " + ", ".join(f"{count} {name}" for name, count in self.runs.most_common()),
            "runs that wrote, in a round: " + ", ".join(f"{n}: {self.writers[n]}" for n in sorted(self.writers)),
            f"wrong: {len(self.failures)}",
        ]
        return "\n".join(rows)


def some_crews(chance: random.Random, count: int) -> Iterator[Crew]:
    """Give crews: commits in every order, first deployments too, some that do not wait, some that are killed."""
    for number in range(count):
        size = chance.choice(SIZES)
        commits = [COMMITS - 1, *(chance.randrange(COMMITS) for _ in range(size - 1))]
        chance.shuffle(commits)
        newest = commits.index(COMMITS - 1)
        deployers = tuple(
            Deployer(
                commit,
                chance.choice((0.0, chance.uniform(0, _SPREAD_SECONDS))),
                place == newest or chance.random() < 0.7,
                chance.uniform(0.2, 2.0) if place != newest and chance.random() < 0.1 else None,
            )
            for place, commit in enumerate(commits)
        )
        yield Crew(deployers, on_record=number % 3 != 0)


def every_order() -> Iterator[Crew]:
    """Give three deployers, whose commits come in every order."""
    for order in itertools.permutations(range(COMMITS)):
        yield Crew(tuple(Deployer(commit, place * 0.15) for place, commit in enumerate(order)))


@dataclass(slots=True)
class Rounds:
    """Plays rounds on a control plane."""

    plane: ControlPlane
    crowd: Crowd
    folder: Path
    figures: Figures = field(default_factory=Figures)

    def play(self, crews: Iterable[Crew]) -> Figures:
        """Play a round for each crew, and print what goes wrong as it happens."""
        for crew in crews:
            for failure in self._round(crew):
                self.figures.failures.append(f"{crew}: {failure}")
                print(f"{crew}: {failure}", flush=True)
            self.figures.rounds += 1
        return self.figures

    def _round(self, crew: Crew) -> list[str]:
        namespace = f"crowd-{uuid.uuid4().hex[:8]}"
        self.plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        checkouts = self._checkouts(namespace)
        if crew.on_record:
            (first,) = self.crowd([Start(self._named(checkouts[0], namespace, "first"), _APPLY)])
            assert first.code == 0, first
        mark = self.plane.audit_mark()
        starts = [
            Start(
                self._named(checkouts[one.commit], namespace, str(number)),
                _WAITING if one.waits else _APPLY,
                one.after_seconds,
                one.killed_after,
            )
            for number, one in enumerate(crew.deployers)
        ]
        ends = self.crowd(starts)
        failures = [*self._of_runs(crew, ends), *self._of_writes(crew, namespace, mark), *self._of_state(namespace)]
        with suppress(RequestError):
            self.plane.request("DELETE", f"/api/v1/namespaces/{namespace}")
        shutil.rmtree(self.folder / namespace)
        return failures

    def _checkouts(self, namespace: str) -> tuple[Program, ...]:
        """Return a checkout of each commit; each clone has the history up to its commit and no further."""
        folder = self.folder / namespace
        origin = new_program(folder / "origin", self.plane.kubeconfig)
        origin.write("gitops-push.yaml", config(namespace))
        made = []
        for commit in range(COMMITS):
            for name in _SHARED:
                origin.write(f"app/{name}.yaml", config_map(name, str(commit)))
            for path in (origin.folder / "app").glob("only-*"):
                path.unlink()
            origin.write(f"app/only-{commit}.yaml", config_map(f"only-{commit}"))
            origin.commit(f"Commit {commit}")
            clone = folder / str(commit)
            command = ["git", "clone", "-q", str(origin.folder), str(clone)]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
            made.append(Program(clone, origin.environ))
        return tuple(made)

    def _named(self, program: Program, namespace: str, name: str) -> Program:
        """Return the program as a user of its own in the audit log."""
        kubeconfig = yaml.safe_load(self.plane.kubeconfig)
        user = kubeconfig["users"][0]["user"]
        user |= {"as": f"{namespace}:{name}", "as-groups": ["system:masters"]}
        return program.having(**{VARIABLE: yaml.safe_dump(kubeconfig)})

    def _of_runs(self, crew: Crew, ends: tuple[Finished, ...]) -> Iterator[str]:
        for one, end in zip(crew.deployers, ends, strict=True):
            self.figures.runs[_ended(end)] += 1
            allowed = _ENDS | ({_SIGKILL} if one.killed_after is not None else set())
            if end.code not in allowed or "Traceback" in end.err:
                yield f"a run of commit {one.commit} ended with {end}"
            if one.waits and end.code == 16:
                yield f"a run of commit {one.commit} did not wait: {end}"

    def _of_writes(self, crew: Crew, namespace: str, mark: AuditMark) -> Iterator[str]:
        events = sorted(
            (event for event in writes_since(self.plane, mark) if event.user.startswith(f"{namespace}:")),
            key=lambda event: event.received_at,
        )
        self.figures.writes += len(events)
        self.figures.writers[len({event.user for event in events})] += 1
        yield from faults_of_turns(events, [one.commit for one in crew.deployers])

    def _of_state(self, namespace: str) -> Iterator[str]:
        listed = self.plane.request("GET", f"/api/v1/namespaces/{namespace}/configmaps")["items"]
        found = {item["metadata"]["name"]: item.get("data", {}).get("key") for item in listed}
        newest = str(COMMITS - 1)
        wanted = dict.fromkeys(_SHARED, newest) | {f"only-{newest}": "1"}
        kept = {name: value for name, value in found.items() if not name.startswith(("gitops-push-", "kube-root-ca"))}
        if kept != wanted:
            yield f"the newest commit is not what is there: {kept}"
        with closing(connected(self.plane.kubeconfig, read_only=True)) as api:
            yield from faults_of_record(self.plane, api, namespace, done=True)
        try:
            eventually(lambda: held_locks(self.plane, namespace), lambda names: not names, LOCK_SECONDS)
        except ControlPlaneError as held:
            yield f"a lock does not end: {held}"


def faults_of_turns(events: Sequence[AuditEvent], commits: Sequence[int]) -> Iterator[str]:
    """Give what is wrong with writes, the first one first, of users whose names end in `:` and a place in `commits`."""
    turns = [user for user, _ in itertools.groupby(event.user for event in events)]
    if len(turns) != len(set(turns)):
        yield "interleaved writes: " + "; ".join(map(_told, events))
    written = [commits[int(user.rpartition(":")[2])] for user in turns]
    if written != sorted(written):
        yield f"an older commit was written after a newer one: {written}"


def _ended(end: Finished) -> str:
    if end.code == 0 and "SUPERSEDED" in end.out:
        return "superseded"
    return {0: "deployed", 16: "told who holds the lock", _SIGKILL: "killed"}.get(end.code, f"ended with {end.code}")


def _told(event: AuditEvent) -> str:
    user = event.user.rpartition(":")[2]
    return f"{event.received_at:%M:%S.%f} {user} {event.verb} {event.resource}/{event.name} {event.code}"
