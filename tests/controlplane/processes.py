"""Starts the programs of one control plane below a supervisor, and ends them all."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.waiting import eventually

STOP_SECONDS = 20.0
LINES_OF_A_LOG = 25


@dataclass(frozen=True, slots=True)
class Processes:
    """The supervisor of one control plane and the ids of the programs that it started, by name."""

    folder: Path
    supervisor: subprocess.Popen[str] = field(repr=False)
    pids: dict[str, int] = field(default_factory=dict)
    commands: dict[str, list[str]] = field(default_factory=dict, repr=False)

    def start(self, name: str, command: list[str]) -> None:
        """Starts one program; its output goes to `NAME.log` in the folder."""
        if self.supervisor.stdin is None or self.supervisor.stdout is None:
            raise ControlPlaneError("the supervisor has no pipes")
        self.supervisor.stdin.write(json.dumps([name, *command]) + "\n")
        self.supervisor.stdin.flush()
        answer = self.supervisor.stdout.readline()
        if not answer:
            raise ControlPlaneError(f"{name} could not be started: {' '.join(command)}")
        self.pids[name] = int(answer)
        self.commands[name] = command

    def kill(self, name: str) -> None:
        """Ends one program with SIGKILL; returns when it is gone. `restart` brings it back."""
        os.kill(self.pids[name], signal.SIGKILL)
        note = self.folder / f"{name}.exit"
        eventually(note.exists, within_seconds=STOP_SECONDS)
        note.unlink()

    def restart(self, name: str) -> None:
        """Starts a program that was killed with the command that it had."""
        self.start(name, self.commands[name])

    @contextmanager
    def paused(self, name: str) -> Iterator[None]:
        """Stops one program (SIGSTOP) for the time of the block."""
        os.kill(self.pids[name], signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pids[name], signal.SIGCONT)

    def raise_if_any_ended(self) -> None:
        """Raises ControlPlaneError with the end of the log of the first program that ended by itself."""
        for name in self.pids:
            note = self.folder / f"{name}.exit"
            if note.exists():
                code = note.read_text(encoding="ascii")
                raise ControlPlaneError(f"{name} ended with exit code {code}. Its log ends with:\n{self.log_end(name)}")

    def log_end(self, name: str) -> str:
        """Returns the last lines of a program's log."""
        log = self.folder / f"{name}.log"
        if not log.exists():
            return f"(there is no {log})"
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LINES_OF_A_LOG:])

    def stop(self) -> None:
        """Ends every program and removes the folder; a second call does nothing."""
        if self.supervisor.stdin is None or self.supervisor.stdout is None or self.supervisor.stdin.closed:
            return
        self.supervisor.stdin.close()
        self.supervisor.stdout.close()
        self.supervisor.wait(STOP_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)


def start_supervisor(folder: Path) -> Processes:
    """Returns a supervisor for `folder`, which it removes when it ends, also when this process is killed."""
    script = Path(__file__).with_name("supervisor.py")
    supervisor = subprocess.Popen(
        [sys.executable, "-I", str(script), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return Processes(folder, supervisor)
