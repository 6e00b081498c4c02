"""Every seeded edit is found with its cause, and clean sets show no drift: a sample here, all of it in `make prove`."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from random import Random

import pytest

from gitops_push.cluster.client import HttpApi
from gitops_push.cluster.drift import report_drift
from gitops_push.core.drift import Cause, Deployed, DriftReport
from gitops_push.core.fieldpath import format_field_path
from tests.cluster.drift_scenarios import Scenario, patch_of, random_scenario
from tests.cluster.many_kinds import many_kinds
from tests.cluster.planning import apply_all, request_for
from tests.controlplane.kubectl import Kubectl

SEED = 5


@dataclass
class Tally:
    """What a campaign has seen."""

    fields: int = 0
    edits: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        told = ", ".join(f"{number} {cause}" for cause, number in sorted(self.causes.items()))
        return f"{self.fields} fields, {self.edits} edits: {told}; {len(self.wrong)} wrong"


def causes_of(report: DriftReport) -> dict[tuple[str, str], Cause]:
    return {
        (drift.ref.kind, format_field_path(one.change.path)): one.cause
        for drift in report.drifted
        for one in drift.fields
    }


def edit(kubectl: Kubectl, scenario: Scenario) -> None:
    """Make all edits of a scenario, each as its own manager."""
    for move in scenario.edits():
        kind = move.field.kind.lower()
        live = kubectl.get(kind, f"{kind}-{scenario.suffix}", "-n", scenario.namespace)
        kubectl(
            *("patch", kind, f"{kind}-{scenario.suffix}", "-n", scenario.namespace, "--type=json"),
            *(f"--field-manager={move.manager}", "-p", patch_of(live, move)),
        )


def play(scenario: Scenario, api: HttpApi, readers: dict[str, HttpApi], kubectl: Kubectl, tally: Tally) -> None:
    first = request_for(scenario.namespace, *scenario.deployed())
    owned = apply_all(first, api)
    edit(kubectl, scenario)
    wanted = request_for(scenario.namespace, *scenario.desired(), owned=owned)
    deployed = Deployed(replace(first.manifests, digest="deployed"), first.environment)
    expected = scenario.expected()
    tally.fields += len(scenario.moves)
    tally.edits += len(tuple(scenario.edits()))
    tally.causes.update(cause.value for cause in expected.values())
    for who, reader in readers.items():
        found = causes_of(report_drift(replace(wanted, dry_run=who == "dry run"), reader, deployed))
        for place in sorted(found.keys() | expected.keys()):
            if found.get(place) is not expected.get(place):
                said, true = found.get(place), expected.get(place)
                move = next((m for m in scenario.moves if m.place == place), None)
                tally.wrong.append(f"{who}, {place}: said {said}, is {true} ({move})")


def campaign(number: int, namespace: str, api: HttpApi, readers: dict[str, HttpApi], kubectl: Kubectl) -> Tally:
    random, tally = Random(SEED), Tally()
    for index in range(number):
        play(random_scenario(random, namespace, f"s{index}"), api, readers, kubectl, tally)
    return tally


def test_a_sample_of_random_drift_has_the_right_causes(
    api: HttpApi, reader: HttpApi, viewer: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    tally = campaign(2, namespace, api, {"dry run": reader, "read only": viewer}, kubectl)
    assert tally.wrong == []


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_all_random_drift_has_the_right_causes(
    api: HttpApi, reader: HttpApi, viewer: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    tally = campaign(60, namespace, api, {"dry run": reader, "read only": viewer}, kubectl)
    print(f"\ndrift by cause, 60 random sets, each with and without a dry run: {tally}")
    assert not tally.wrong, "\n".join(tally.wrong)


def clean_runs(number: int, namespace: str, api: HttpApi, readers: dict[str, HttpApi]) -> tuple[int, list[str]]:
    """Deploy random sets and look at once and once more; return how many objects were looked at, and what was shown."""
    random, shown, objects = Random(SEED), [], 0
    for index in range(number):
        scenario = random_scenario(random, namespace, f"c{index % 5}")
        bodies = [*scenario.desired(), *(body for body in many_kinds(namespace) if "namespace" in body["metadata"])]
        wanted = request_for(namespace, *bodies)
        apply_all(wanted, api)
        for who, reader in readers.items():
            report = report_drift(replace(wanted, dry_run=who == "dry run"), reader, Deployed(wanted.manifests))
            objects += report.in_sync
            shown += [f"{who}: {drift.ref} {drift.cause}" for drift in report.drifted]
    return objects, shown


def test_clean_sets_show_no_drift(api: HttpApi, reader: HttpApi, viewer: HttpApi, namespace: str) -> None:
    _, shown = clean_runs(3, namespace, api, {"dry run": reader, "read only": viewer})
    assert shown == []


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_a_hundred_clean_sets_show_no_drift(api: HttpApi, reader: HttpApi, viewer: HttpApi, namespace: str) -> None:
    started = time.monotonic()
    objects, shown = clean_runs(100, namespace, api, {"dry run": reader, "read only": viewer})
    seconds = time.monotonic() - started
    print(f"\nclean sets: 100 runs, by dry run and by reading: {objects} objects, {len(shown)} drift; {seconds:.0f} s")
    assert shown == []
