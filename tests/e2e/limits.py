"""The program with a limit on its memory and time, for input that was made to use up both."""

from __future__ import annotations

import resource
import subprocess

from tests.e2e.program import PYTHON, Finished, Program

MEMORY_BYTES = 1 << 30


def limited(program: Program, *arguments: str, timeout_seconds: float = 30) -> Finished:
    """Run with a limit on memory and time; a signal or a hang is a failure of the test."""
    done = subprocess.run(
        [*PYTHON, *arguments],
        cwd=program.folder,
        env=program.full_environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout_seconds,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES)),
    )
    finished = Finished(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert finished.code not in {1, -6, -9, -11}, finished
    assert "Traceback" not in finished.err
    return finished
