"""Runs that are stopped, killed, or race with each other: nothing is orphaned, and the next run finishes the job."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.judging import inventory, labelled, recorded
from tests.e2e.program import VARIABLE, Program, config, config_map, deployment, new_program
from tests.faults.actions import signalling_after, signalling_before
from tests.faults.proxy import Rule, fault_proxy

STOPPED_WITHIN_SECONDS = 7.0
WAIT_SECONDS = 60.0
MANY = 150
KILLS = 4
SEED = 20261123


def config_maps(names: set[str]) -> str:
    return "---\n".join(config_map(name) for name in sorted(names))


def numbered(prefix: str, count: int) -> set[str]:
    return {f"{prefix}-{number:03}" for number in range(count)}


def members(plane: ControlPlane, namespace: str) -> set[str]:
    """The names of the ConfigMaps there that carry the label of an inventory."""
    path = f"/api/v1/namespaces/{namespace}/configmaps?labelSelector=applyset.kubernetes.io/part-of"
    return {item["metadata"]["name"] for item in plane.request("GET", path)["items"]}


def wait_until(happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait for it as long as the run goes on; a run that ended before is for the caller to judge."""
    deadline = time.monotonic() + WAIT_SECONDS
    while process.poll() is None and not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def assert_nothing_is_orphaned(kubectl: Kubectl, namespace: str) -> None:
    live = labelled(kubectl, namespace, "configmaps", "deployments")
    assert live <= recorded(kubectl, namespace)


def assert_exactly(kubectl: Kubectl, namespace: str, names: set[str]) -> None:
    wanted = {("ConfigMap", name) for name in names}
    assert labelled(kubectl, namespace, "configmaps", "deployments") == recorded(kubectl, namespace) == wanted
    assert inventory(kubectl, namespace, namespace)["state"] == "done"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_apply_that_is_stopped_midway_reports_what_it_did_and_the_same_command_finishes(
    program: Program, control_plane: ControlPlane, kubectl: Kubectl, namespace: str, number: signal.Signals
) -> None:
    names = numbered("item", MANY)
    program.write("app/settings.yaml", config_maps(names))
    process = program.start("apply", "test", "--yes", "--concurrency", "2")
    wait_until(lambda: len(members(control_plane, namespace)) >= 20, process)
    process.send_signal(number)
    began = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - began < STOPPED_WITHIN_SECONDS
    assert process.returncode == 20, out + err
    assert "stopping" in err
    assert "INTERRUPTED test" in out
    live = members(control_plane, namespace)
    assert 20 <= len(live) < MANY
    for name in names:
        (line,) = [line for line in out.splitlines() if f"/{name}" in line]
        assert line.startswith("done" if name in live else "not reached"), line
    assert_nothing_is_orphaned(kubectl, namespace)
    assert program("apply", "test", "--yes").code == 0
    assert_exactly(kubectl, namespace, names)


def test_an_apply_that_is_stopped_while_it_waits_says_so_and_keeps_its_record(
    program: Program, control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    program.write("app/web.yaml", deployment("web", annotations="gitops-push.test/chaos: never-ready"))
    process = program.start("apply", "test", "--yes", "--timeout", "2m")
    pods = f"/api/v1/namespaces/{namespace}/pods"
    wait_until(lambda: bool(control_plane.request("GET", pods)["items"]), process)
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - began < STOPPED_WITHIN_SECONDS
    assert process.returncode == 20, out + err
    assert "INTERRUPTED test" in out
    assert recorded(kubectl, namespace) == {("ConfigMap", "settings"), ("Deployment", "web")}


def test_a_second_signal_ends_an_apply_at_once(
    program: Program, control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    program.write("app/settings.yaml", config_maps(numbered("item", MANY)))
    process = program.start("apply", "test", "--yes", "--concurrency", "2")
    wait_until(lambda: len(members(control_plane, namespace)) >= 20, process)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    process.communicate(timeout=60)
    assert time.monotonic() - began < 2
    assert process.returncode == 20
    assert_nothing_is_orphaned(kubectl, namespace)
    assert program("apply", "test", "--yes").code == 0


def test_a_run_that_is_killed_anywhere_is_finished_by_the_next_and_what_left_the_config_goes(
    program: Program, control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    """Each round replaces all objects by others, and is killed at a random one of the writes to them."""
    chance = random.Random(SEED)
    count = 30
    old: set[str] = {"settings"}
    for round_ in range(KILLS):
        new = numbered(f"round{round_}", count)
        program.write("app/settings.yaml", config_maps(new))
        kill = chance.choice([signalling_before, signalling_after])(signal.SIGKILL)
        at = Rule(kill, chance.randint(1, count + len(old)), path=f"/configmaps/({'|'.join(new | old)})", writes=True)
        with fault_proxy(control_plane.kubeconfig) as (proxy, kubeconfig):
            proxy.begin(at)
            killed = Program(program.folder, {**program.environ, VARIABLE: kubeconfig})
            process = killed.start("apply", "test", "--yes", "--max-prune", "100%", "--concurrency", "2")
            proxy.process = process.pid
            _, err = process.communicate(timeout=WAIT_SECONDS)
        assert process.returncode == -signal.SIGKILL, f"round {round_} was not killed at {at.nth}: {err}"
        assert_nothing_is_orphaned(kubectl, namespace)
        if round_ % 2:  # the set that was killed is deployed; otherwise the next round replaces what there is of it
            done = program("apply", "test", "--yes", "--max-prune", "100%")
            assert done.code == 0, done
            assert_exactly(kubectl, namespace, new)
        old = members(control_plane, namespace)
    program.write("app/settings.yaml", config_map("settings"))
    done = program("apply", "test", "--yes", "--max-prune", "100%")
    assert done.code == 0, done
    assert_exactly(kubectl, namespace, {"settings"})


def test_two_applies_at_once_lose_no_entry_of_the_inventory(
    control_plane: ControlPlane, kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    sets = {side: numbered("shared", 10) | numbered(side, 30) for side in ("left", "right")}
    programs = {side: prepared(tmp_path / side, control_plane, namespace, names) for side, names in sets.items()}
    for round_ in range(2):
        for side, program in programs.items():
            text = config_maps(sets[side]).replace("key: '1'", f"key: '{side}-{round_}'")
            program.write("app/settings.yaml", text)
        running = [program.start("apply", "test", "--yes", "--max-prune", "100%") for program in programs.values()]
        ends = [(process.communicate(timeout=120), process.returncode) for process in running]
        assert {code for _, code in ends} <= {0, 16, 20}, ends
        for (_, err), code in ends:
            assert "Traceback" not in err
            assert ("nothing was written" in err) == (code == 16), err
        assert_nothing_is_orphaned(kubectl, namespace)
    for side in ("left", "right"):
        done = programs[side]("apply", "test", "--yes", "--max-prune", "100%")
        assert done.code == 0, done
        assert_exactly(kubectl, namespace, sets[side])


def prepared(folder: Path, plane: ControlPlane, namespace: str, names: set[str]) -> Program:
    program = new_program(folder, plane.kubeconfig)
    program.write("gitops-push.yaml", config(namespace, "    commitOrder: off\n"))
    program.write("app/settings.yaml", config_maps(names))
    program.commit()
    return program
