"""A control plane comes and goes whole: no process and no folder is left, whatever ends it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.controlplane.cluster import ControlPlane, start_control_plane
from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.programs import find_programs
from tests.controlplane.sources import PROGRAM_NAMES
from tests.controlplane.waiting import eventually

ROOT = Path(__file__).parents[2]


def test_a_second_control_plane_runs_beside_the_first_and_leaves_nothing(own_control_plane: ControlPlane) -> None:
    second = start_control_plane(find_programs(os.environ), nodes=1)
    assert second.own is not None
    processes = second.own.processes
    try:
        assert len(second.request("GET", "/api/v1/nodes")["items"]) == 1
        assert second.server_url != own_control_plane.server_url
        assert all(map(_runs, processes.pids.values()))
        assert processes.folder.stat().st_mode & 0o777 == 0o700
    finally:
        second.stop()
    assert not any(map(_runs, processes.pids.values()))
    assert not processes.folder.exists()
    assert own_control_plane.request("GET", "/readyz") == "ok"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_nothing_is_left_when_the_starting_process_ends(
    own_control_plane: ControlPlane, tmp_path: Path, number: signal.Signals
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    command = [sys.executable, "-m", "tests.controlplane", "up", "--nodes", "1", "--kubeconfig-out", str(kubeconfig)]
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert len(_processes_below(temporary)) >= len(PROGRAM_NAMES)
        finally:
            process.send_signal(number)
    assert re.search(r"The control plane is at https://127\.0\.0\.1:\d+\.", said)
    eventually(lambda: not _processes_below(temporary))
    eventually(lambda: not list(temporary.glob("gitops-push-*")))


def test_a_program_that_does_not_start_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    for name in PROGRAM_NAMES:
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {name} has a bad day >&2\nexit 7\n", encoding="utf-8")
        program.chmod(0o700)
    with pytest.raises(ControlPlaneError, match=r"(?s)ended with exit code 7.*has a bad day"):
        start_control_plane(tmp_path)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _processes_below(folder: Path) -> list[str]:
    """Returns the command lines that name a file in `folder`: each program of a control plane does."""
    answer = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in answer.stdout.splitlines() if str(folder) in line and " up " not in line]
