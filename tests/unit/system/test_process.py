from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from gitops_push.system.process import (
    Completed,
    ProcessError,
    ProcessOutputError,
    ProcessTimeoutError,
    ProgramMissingError,
    run,
)

PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


def run_python(
    code: str, cwd: Path, environment: Mapping[str, str] = PATH, timeout_seconds: float = 30, limit: int = 100_000
) -> Completed:
    return run(
        [sys.executable, "-I", "-c", code],
        cwd=cwd,
        environment=environment,
        timeout_seconds=timeout_seconds,
        output_limit_bytes=limit,
    )


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def wait_until_dead(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(pid)


def test_output_and_exit_status_come_back_as_bytes(tmp_path: Path) -> None:
    code = "import sys; print('out'); sys.stderr.buffer.write(b'\\xff'); sys.exit(3)"
    done = run_python(code, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\n", b"\xff")


def test_the_result_does_not_show_output_in_its_repr(tmp_path: Path) -> None:
    assert "secret" not in repr(run_python("print('secret')", tmp_path))


def test_a_signal_that_ends_the_program_is_a_negative_status(tmp_path: Path) -> None:
    assert run_python("import os; os.abort()", tmp_path).returncode == -signal.SIGABRT


def test_the_program_gets_the_given_environment_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "a secret")
    done = run(["env"], cwd=tmp_path, environment={**PATH, "A": "b"}, timeout_seconds=30, output_limit_bytes=1000)
    assert sorted(done.stdout.decode().split()) == sorted(["A=b", f"PATH={PATH['PATH']}"])


def test_the_program_has_no_standard_input_and_its_own_group_and_folder(tmp_path: Path) -> None:
    code = "import os, sys; print(repr(sys.stdin.read()), os.getpid() == os.getpgid(0) == os.getsid(0), os.getcwd())"
    assert run_python(code, tmp_path).stdout.decode() == f"'' True {tmp_path.resolve()}\n"


def test_the_program_inherits_no_file_descriptor(tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        code = f"import os\ntry: os.fstat({file.fileno()}); print('inherited')\nexcept OSError: print('closed')"
        assert run_python(code, tmp_path).stdout == b"closed\n"


def test_arguments_are_not_read_by_a_shell(tmp_path: Path) -> None:
    done = run(
        ["printf", "%s", "$(id); `id` ; *"],
        cwd=tmp_path,
        environment=PATH,
        timeout_seconds=30,
        output_limit_bytes=1000,
    )
    assert done.stdout == b"$(id); `id` ; *"


def test_a_missing_program_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ProgramMissingError) as caught:
        run(["no-such-program"], cwd=tmp_path, environment=PATH, timeout_seconds=1, output_limit_bytes=1)
    assert caught.value.program == "no-such-program"


@pytest.mark.parametrize("path", ["", ".", "tools", "::"])
def test_a_program_of_the_checkout_is_never_found(tmp_path: Path, path: str) -> None:
    (tmp_path / "tools").mkdir()
    for program in (tmp_path / "git", tmp_path / "tools" / "git"):
        program.write_text("#!/bin/sh\necho planted\n")
        program.chmod(0o755)
    with pytest.raises(ProgramMissingError):
        run(["git"], cwd=tmp_path, environment={"PATH": path}, timeout_seconds=5, output_limit_bytes=1000)


def test_a_file_that_is_no_program_and_a_folder_that_is_not_there_are_errors(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    (tmp_path / "text").chmod(0o755)
    with pytest.raises(ProcessError, match="cannot be started"):
        run([str(tmp_path / "text")], cwd=tmp_path, environment=PATH, timeout_seconds=5, output_limit_bytes=1)
    with pytest.raises(ProcessError, match="cannot be started"):
        run(["true"], cwd=tmp_path / "nope", environment=PATH, timeout_seconds=5, output_limit_bytes=1)
    with pytest.raises(ProcessError, match="cannot be started"):
        run(["true", "a\0b"], cwd=tmp_path, environment=PATH, timeout_seconds=5, output_limit_bytes=1)


def test_a_program_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    code = (
        "import pathlib, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '100'])\n"
        "pathlib.Path('pid').write_text(str(child.pid))\n"
        "time.sleep(100)"
    )
    started = time.monotonic()
    with pytest.raises(ProcessTimeoutError, match="too long"):
        run_python(code, tmp_path, timeout_seconds=1)
    assert time.monotonic() - started < 10
    assert wait_until_dead(int((tmp_path / "pid").read_text()))


def test_a_program_that_ignores_signals_and_closes_its_output_is_killed(tmp_path: Path) -> None:
    code = "import os, signal, time; signal.signal(15, signal.SIG_IGN); os.close(1); os.close(2); time.sleep(100)"
    with pytest.raises(ProcessTimeoutError):
        run_python(code, tmp_path, timeout_seconds=0.5)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_program_that_writes_too_much_is_killed(tmp_path: Path, stream: str) -> None:
    code = f"import sys\nwhile True: sys.{stream}.write('x' * 1000)"
    with pytest.raises(ProcessOutputError, match="too much"):
        run_python(code, tmp_path, limit=10_000)


def test_output_up_to_the_limit_comes_back_whole(tmp_path: Path) -> None:
    done = run_python("print('x' * 999_999)", tmp_path, limit=1_000_000)
    assert len(done.stdout) == 1_000_000


def test_a_child_that_keeps_the_pipes_open_does_not_hold_up_the_result_and_is_killed(tmp_path: Path) -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '100']).pid)"
    started = time.monotonic()
    done = run_python(code, tmp_path)
    assert time.monotonic() - started < 10
    assert wait_until_dead(int(done.stdout))


def test_a_run_leaves_no_open_pipe_and_no_zombie(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(5):
        run(["true"], cwd=tmp_path, environment=PATH, timeout_seconds=5, output_limit_bytes=10)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    assert not zombies_of_this_process()


def zombies_of_this_process() -> list[str]:
    """Return the children that ended and were not waited for; a control plane of the tests may be a living child."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [child for child in children if state_of(child) == "Z"]


def state_of(process: str) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_program_can_read_what_it_is_given_however_much_it_is(tmp_path: Path) -> None:
    content = b"x" * 5_000_000
    code = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
    done = run(
        [sys.executable, "-I", "-c", code],
        cwd=tmp_path,
        environment=PATH,
        timeout_seconds=30,
        output_limit_bytes=6_000_000,
        stdin=content,
    )
    assert done.stdout == content


@pytest.mark.skipif(sys.platform != "linux", reason="memory can be limited on Linux only")
def test_a_program_that_takes_too_much_memory_fails(tmp_path: Path) -> None:
    code = "import time; time.sleep(0.2); b'x' * 500_000_000"
    done = run(
        [sys.executable, "-I", "-c", code],
        cwd=tmp_path,
        environment=PATH,
        timeout_seconds=30,
        output_limit_bytes=10_000,
        memory_limit_bytes=200_000_000,
    )
    assert b"MemoryError" in done.stderr
