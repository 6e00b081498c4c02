"""What a deployment does when the machine it runs on is the trouble: output, disk, file descriptors, memory."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.e2e.judging import inventory, labelled
from tests.e2e.program import PYTHON, Finished, Program, config_map
from tests.faults.warm import WarmProgram

NAMES = tuple(f"item-{number:02}" for number in range(20))
APPLY = ("apply", "test", "--yes", "--max-prune", "100%")


@pytest.fixture
def program(program: Program) -> Program:
    program.write("app/all.yaml", "---\n".join(map(config_map, NAMES)))
    program.commit()
    return program


def assert_deployed(kubectl: Kubectl, namespace: str) -> None:
    assert {name for _, name in labelled(kubectl, namespace, "configmaps")} == set(NAMES)
    assert inventory(kubectl, namespace, namespace)["state"] == "done"


def run_limited(program: Program, limit: Callable[[], None], *arguments: str) -> Finished:
    done = subprocess.run(
        [*PYTHON, *arguments],
        cwd=program.folder,
        env=program.full_environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=limit,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_reader_that_went_away_does_not_end_a_deployment(
    program: Program, kubectl: Kubectl, namespace: str, closed: str
) -> None:
    process = program.start(*APPLY)
    stream = process.stdout if closed == "stdout" else process.stderr
    assert stream is not None
    stream.close()
    assert process.wait(120) == 0
    for other in (process.stdout, process.stderr):
        assert other is not None
        assert other.closed or "Traceback" not in other.read()
        other.close()
    assert_deployed(kubectl, namespace)


def test_a_full_disk_costs_the_report_and_not_the_deployment(
    program: Program, kubectl: Kubectl, namespace: str
) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here")
    done = program(*APPLY, "-o", f"json={full}")
    assert "Traceback" not in done.err
    assert done.code != 0, done
    assert str(full) in done.err, done
    assert_deployed(kubectl, namespace)


def test_a_folder_that_may_not_be_written_and_no_home_do_not_matter(
    program: Program, kubectl: Kubectl, namespace: str
) -> None:
    bare = Program(program.folder, {**program.environ, "HOME": "/nonexistent", "TMPDIR": "/nonexistent"})
    assert bare(*APPLY).code == 0
    assert_deployed(kubectl, namespace)


LIMITS = {
    "12 open files": (resource.RLIMIT_NOFILE, 12),
    "90 MB of memory": (resource.RLIMIT_AS, 90 << 20),
}


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS.keys())
def test_a_limit_of_the_machine_ends_a_run_cleanly_and_the_next_one_finishes(
    program: Program, warm: WarmProgram, kubectl: Kubectl, namespace: str, limit: tuple[int, int]
) -> None:
    which, most = limit
    done = run_limited(program, lambda: resource.setrlimit(which, (most, most)), *APPLY)
    assert "Traceback" not in done.err
    if done.code == 1:
        assert ("error[GP0003]" in done.err, "nothing was written" in done.err) == (True, True), done
    assert done.code in {0, 1, 13, 20}, done
    assert warm(program, *APPLY).code == 0
    assert_deployed(kubectl, namespace)


def test_the_process_leaves_nothing_behind_in_the_folder_for_temporary_files(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    assert program.having(TMPDIR=str(folder))(*APPLY).code == 0
    assert list(folder.iterdir()) == []
