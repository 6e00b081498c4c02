"""The supervisor ends what it started when it is told to, and nothing outlives it when it is killed itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.processes import Processes, start_supervisor
from tests.controlplane.waiting import eventually


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    folder = tmp_path / "folder"
    folder.mkdir()
    started = start_supervisor(folder)
    yield started
    started.stop()


def test_stop_ends_the_programs_and_removes_the_folder(processes: Processes) -> None:
    processes.start("first", ["sleep", "600"])
    processes.start("second", ["sleep", "600"])
    assert all(map(_runs, processes.pids.values()))
    processes.stop()
    assert not any(map(_runs, processes.pids.values()))
    assert not processes.folder.exists()


def test_a_program_that_started_others_ends_with_them(processes: Processes) -> None:
    child = processes.folder / "child"
    processes.start("parent", ["sh", "-c", f"sleep 600 & echo $! > {child}; wait"])
    eventually(lambda: child.exists() and child.read_text(encoding="ascii").strip() != "")
    pid = int(child.read_text(encoding="ascii"))
    processes.stop()
    eventually(lambda: not _runs(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process die with its parent")
def test_no_program_outlives_a_killed_supervisor(processes: Processes) -> None:
    processes.start("first", ["sleep", "600"])
    processes.supervisor.kill()
    eventually(lambda: not _runs(processes.pids["first"]))


def test_a_program_that_ended_is_named_with_its_exit_code_and_log(processes: Processes) -> None:
    processes.start("first", ["sh", "-c", "echo no room; exit 3"])
    note = processes.folder / "first.exit"
    eventually(note.exists)
    with pytest.raises(ControlPlaneError, match=r"(?s)first ended with exit code 3.*no room"):
        processes.raise_if_any_ended()


def _runs(pid: int) -> bool:
    """Returns whether the process is there and not only waiting to be reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z")
