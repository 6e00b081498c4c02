"""The process that owns the programs of one control plane, and ends with whoever started it.

It runs on its own (`python -I supervisor.py FOLDER`), with nothing but the standard library. Each line on its input is
a JSON array `[name, program, argument, …]` to start; each line on its output is the id of the process. When its input
ends (the tests finished, were interrupted, or were killed) it kills what it started and removes FOLDER. In FOLDER,
`NAME.log` has what a program said, and `NAME.exit` appears when one ends.

A pipe and not a signal handler: the end of a pipe cannot be missed, and Ctrl-C in the terminal does not reach this
process, which has a session of its own.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h
CHECK_SECONDS = 0.2


def supervise(folder: Path) -> None:
    """Serves the input until it ends; then no program is left, and no folder."""
    programs: dict[str, subprocess.Popen[bytes]] = {}
    try:
        buffer = b""
        while True:
            _note_exits(folder, programs)
            readable, _, _ = select.select([0], [], [], CHECK_SECONDS)
            if not readable:
                continue
            received = os.read(0, 65536)
            if not received:
                return
            *lines, buffer = (buffer + received).split(b"\n")
            for line in lines:
                name, *command = json.loads(line)
                programs[name] = _start(folder, name, command)
                print(programs[name].pid, flush=True)
    finally:
        _kill(programs)
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, name: str, command: list[str]) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one thread only
        )


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _note_exits(folder: Path, programs: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, program in programs.items():
        note = folder / f"{name}.exit"
        if program.poll() is not None and not note.exists():
            unfinished = note.with_suffix(".exiting")
            unfinished.write_text(str(program.returncode), encoding="ascii")
            unfinished.rename(note)  # so that who sees the note can read the code


def _kill(programs: dict[str, subprocess.Popen[bytes]]) -> None:
    """Kills at once: the data goes away with the folder, so there is nothing to flush."""
    for program in programs.values():
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)
    for program in programs.values():
        program.wait()


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    supervise(Path(sys.argv[1]))
