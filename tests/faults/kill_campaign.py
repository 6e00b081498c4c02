"""One fault at every request of a deployment, then one clean run: does it end as if nothing had been?"""

from __future__ import annotations

import re
import signal
import uuid
from collections import Counter
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.cluster.connecting import connected
from tests.controlplane.access import RequestError
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.waiting import eventually
from tests.e2e.program import Finished, Program, new_program
from tests.faults.actions import lose_reply, refusing, reset_before, signalling_after, signalling_before
from tests.faults.final_state import faults_of_record, final_state, held_locks
from tests.faults.proxy import Action, FaultProxy, Rule
from tests.faults.scenarios import VANISHING, Scenario, group_of
from tests.faults.warm import LEASE_SECONDS, WarmProgram

FAULTS: Final[dict[str, Action]] = {
    "connection reset before": reset_before,
    "reply lost after": lose_reply,
    "503": refusing(503, "ServiceUnavailable", "the server is shutting down", Retry_After="1"),
    "SIGTERM before": signalling_before(signal.SIGTERM),
    "SIGTERM after": signalling_after(signal.SIGTERM),
    "SIGKILL before": signalling_before(signal.SIGKILL),
    "SIGKILL after": signalling_after(signal.SIGKILL),
}
PASSING: Final = frozenset({"connection reset before", "reply lost after", "503"})
"""Faults that pass by themselves: the run that meets one ends well all the same."""

APPLY: Final = ("apply", "test", "--yes", "--concurrency", "1")
_LOCK_WAIT: Final = {"GITOPS_PUSH_LOCK_WAIT": "2m"}
_UNTOUCHED: Final = frozenset({*range(10, 18), 130, 143})
_OF_THE_LOCK: Final = re.compile("/leases")


@dataclass(frozen=True, slots=True)
class Case:
    """The fault at the `number`-th request of a scenario."""

    scenario: Scenario
    fault: str
    number: int

    def __str__(self) -> str:
        return f"{self.scenario.name}, {self.fault} at request {self.number}"


@dataclass(slots=True)
class Tally:
    """Cases by fault: how many there were, in how many the fault happened, and what went wrong."""

    cases: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    recovered: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, case: Case, problems: list[str], *, met: bool) -> None:
        """Count a case with what is wrong with it."""
        self.cases[case.fault] += 1
        self.met[case.fault] += met
        self.recovered[case.fault] += not problems
        self.failures += [f"{case}: {problem}" for problem in problems]

    def __str__(self) -> str:
        rows = [
            f"{fault}: {self.recovered[fault]} of {count} recovered, {self.met[fault]} met the fault"
            for fault, count in self.cases.items()
        ]
        return "\n".join([*rows, f"all: {self.recovered.total()} of {self.cases.total()}"])


@dataclass(slots=True)
class Campaign:
    """Runs cases, each in a namespace of its own. `kubeconfig` goes through `proxy`."""

    plane: ControlPlane
    proxy: FaultProxy
    kubeconfig: str
    warm: WarmProgram
    folder: Path
    wanted: dict[str, dict[str, str]] = field(default_factory=dict)

    def record(self, scenario: Scenario) -> int:
        """Run a scenario without a fault, remember how it ends, and return how many requests it makes."""
        namespace = self._fresh()
        program = self._prepared(scenario, namespace)
        self.proxy.begin()
        done = self._apply(program)
        count = len(self.proxy.requests)
        problems = self._judge_clean(scenario, namespace, done, known=False)
        assert not problems, problems
        self.wanted[scenario.name] = final_state(self.plane, namespace)
        self._clear(namespace)
        return count

    def run(self, case: Case) -> tuple[list[str], bool]:
        """Return what is wrong after a fault and one clean run, and whether the fault happened at all."""
        namespace = self._fresh()
        program = self._prepared(case.scenario, namespace)
        self.proxy.begin(Rule(FAULTS[case.fault], nth=case.number))
        done = self._apply(program)
        met = len(self.proxy.requests) >= case.number
        problems = self._judge_faulty(case, namespace, done, met=met)
        self.proxy.begin()
        problems += self._judge_clean(case.scenario, namespace, self._apply(program), known=True)
        self._clear(namespace)
        return problems, met

    def _prepared(self, scenario: Scenario, namespace: str) -> Program:
        """Make the config repo, and bring the cluster to where the scenario begins."""
        program = new_program(self.folder / namespace, self.kubeconfig).having(**_LOCK_WAIT)
        scenario.prepare(self.plane, namespace)
        self.proxy.begin()
        if scenario.before is not None:
            scenario.write(program, namespace, scenario.before(namespace))
            done = self._apply(program)
            assert done.code == 0, done
        scenario.write(program, namespace, scenario.after(namespace))
        return program

    def _apply(self, program: Program) -> Finished:
        """One request at a time, so that the k-th request of a run is that of every other run."""
        self.proxy.process = self.warm.start(program, *APPLY)
        return self.warm.finish()

    def _judge_faulty(self, case: Case, namespace: str, done: Finished, *, met: bool) -> list[str]:
        """What is true at once: the exit code, and that every object is on the record."""
        problems = self._faults_of_record(namespace, done=False)
        written = [write for write in self.proxy.writes if not _OF_THE_LOCK.search(write.target)]
        if "Traceback" in done.err or done.code in {1, 2}:
            problems.append(f"a bug: {done}")
        if (case.fault in PASSING or not met) and done.code != 0:
            problems.append(f"a fault that passes was not survived: {done}")
        if done.code == 0 and (found := self._differences(case.scenario, namespace)):
            problems.append(f"exit code 0, but {found}")
        if done.code in _UNTOUCHED and written:
            problems.append(f"exit code {done.code}, but written were {[str(write) for write in written]}")
        if done.code == 20 and not written:
            problems.append(f"exit code 20, but nothing was written: {done}")
        if done.code not in {0, 20, -signal.SIGKILL} | _UNTOUCHED:
            problems.append(f"exit code {done.code}: {done}")
        return problems

    def _judge_clean(self, scenario: Scenario, namespace: str, done: Finished, *, known: bool) -> list[str]:
        """What is true after the next run: everything is as after a deployment without a fault."""
        if done.code != 0:
            return [f"the clean run ended with {done}"]
        problems = self._differences(scenario, namespace) if known else []
        problems += self._faults_of_record(namespace, done=True)
        try:
            eventually(lambda: held_locks(self.plane, namespace), lambda names: not names, 2 * LEASE_SECONDS)
        except ControlPlaneError as held:
            problems.append(f"a lock does not end: {held}")
        return problems

    def _differences(self, scenario: Scenario, namespace: str) -> list[str]:
        found, wanted = final_state(self.plane, namespace), self.wanted[scenario.name]
        # A hook that was to be deleted when its run was killed stays until the next change: nothing else is left to do.
        left_over = {f"{kind} {name}" for kind, name in VANISHING}
        return [
            f"{name}: {found.get(name, 'not there')}\nwanted: {wanted.get(name, 'not there')}"
            for name in sorted(found.keys() | wanted.keys())
            if found.get(name) != wanted.get(name) and (name in wanted or name not in left_over)
        ]

    def _faults_of_record(self, namespace: str, *, done: bool) -> list[str]:
        with closing(connected(self.plane.kubeconfig, read_only=True)) as api:
            return faults_of_record(self.plane, api, namespace, done=done)

    def _fresh(self) -> str:
        return f"fault-{uuid.uuid4().hex[:8]}"

    def _clear(self, namespace: str) -> None:
        paths = (
            f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/parts.{group_of(namespace)}",
            f"/api/v1/namespaces/{namespace}",
        )
        for path in paths:
            with suppress(RequestError):
                self.plane.request("DELETE", path)


def run_cases(campaign: Campaign, cases: Iterable[Case]) -> Tally:
    """Run cases one after the other; print what goes wrong as it happens."""
    tally = Tally()
    for case in cases:
        problems, met = campaign.run(case)
        tally.add(case, problems, met=met)
        for problem in problems:
            print(f"{case}: {problem}", flush=True)
    return tally
