"""Runs `go build` and says every ten seconds how far it is."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.sources import GoProgram

HEARTBEAT_SECONDS = 10.0
LINES_OF_A_FAILURE = 30


def compile_program(go: Path, program: GoProgram, target: Path, say: Callable[[str], None]) -> None:
    """Links `program` to the file `target`, with a line of progress every ten seconds.

    Go's own caches and the settings GOFLAGS and GOPROXY of the environment are respected. Go prints each package that
    it compiles and is silent about those in its cache. Raises ControlPlaneError with the end of Go's output.
    """
    total = _count_packages(go, program)
    flags = ["-v", "-trimpath", "-ldflags", program.linker_flags, "-o", str(target)]
    lines: list[str] = []
    process = subprocess.Popen(
        [str(go), "build", *flags, program.package],
        cwd=program.module,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        _follow(process, program.name, total, lines, say)
    finally:
        _end(process)
    if process.returncode != 0:
        raise ControlPlaneError(_failure(program, lines))


def _environment() -> dict[str, str]:
    """The programs are static: no C compiler is needed, and they run on any Linux."""
    return {**os.environ, "CGO_ENABLED": "0"}


def _count_packages(go: Path, program: GoProgram) -> int:
    """Returns how many packages the program is made of. Downloads the modules when they are missing."""
    command = [str(go), "list", "-deps", program.package]
    answer = subprocess.run(
        command, cwd=program.module, env=_environment(), capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        raise ControlPlaneError(_failure(program, answer.stderr.splitlines()))
    return len(answer.stdout.splitlines())


def _follow(
    process: subprocess.Popen[str], name: str, total: int, lines: list[str], say: Callable[[str], None]
) -> None:
    reader = threading.Thread(target=_collect, args=(process, lines), daemon=True)
    reader.start()
    started_at = time.monotonic()
    while True:
        reader.join(HEARTBEAT_SECONDS)
        if not reader.is_alive():
            process.wait()
            return
        say(_progress(name, time.monotonic() - started_at, lines, total))


def _collect(process: subprocess.Popen[str], lines: list[str]) -> None:
    if process.stdout is None:
        return
    with process.stdout as stream:
        lines.extend(line.rstrip("\n") for line in stream)


def _progress(name: str, elapsed_seconds: float, lines: list[str], total: int) -> str:
    compiled = [line for line in lines if not line.startswith("go: downloading")]
    if not compiled:
        return f"{name}: {elapsed_seconds:.0f} s, nothing compiled yet; what Go has in its cache is not compiled again"
    return f"{name}: {elapsed_seconds:.0f} s, compiled {len(compiled)} of at most {total} packages, last {compiled[-1]}"


def _end(process: subprocess.Popen[str]) -> None:
    """Ends Go and its compilers when the build was interrupted."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _failure(program: GoProgram, lines: list[str]) -> str:
    end = "\n".join(lines[-LINES_OF_A_FAILURE:])
    return (
        f"Go could not build {program.name} in {program.module}:\n{end}\n"
        "Check that Go reaches its module proxy (GOPROXY), or set KUBEBUILDER_ASSETS to a folder that has the programs."
    )
