"""Many runs of the command line at once: all are forked from one process that has imported everything.

`python -m tests.faults.crowd` is that process. Each line on its input is a JSON list of runs (`warm`), each with the
seconds after which it starts and, if any, after which it is killed; it answers with the list of how they ended.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.program import Finished, Program
from tests.faults.warm import ROOT, become, import_everything


@dataclass(frozen=True, slots=True)
class Start:
    """One run of a crowd: it begins after `after_seconds`, and gets SIGKILL `killed_after` seconds later."""

    program: Program
    arguments: tuple[str, ...]
    after_seconds: float = 0.0
    killed_after: float | None = None


@dataclass(frozen=True, slots=True)
class Crowd:
    """Runs the command line of many `Program`s at the same time."""

    process: subprocess.Popen[str] = field(repr=False)
    folder: Path

    def __call__(self, starts: Sequence[Start]) -> tuple[Finished, ...]:
        """Run all to their ends. A negative exit code is the signal that ended a run."""
        runs = [self._run(number, start) for number, start in enumerate(starts)]
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(runs) + "\n")
        self.process.stdin.flush()
        codes: list[int] = json.loads(self.process.stdout.readline())
        return tuple(
            Finished(code, Path(run["out"]).read_text(), Path(run["err"]).read_text())
            for code, run in zip(codes, runs, strict=True)
        )

    def _run(self, number: int, start: Start) -> dict[str, Any]:
        return {
            "arguments": start.arguments,
            "folder": str(start.program.folder),
            "environ": start.program.full_environ,
            "out": str(self.folder / f"{number}.out"),
            "err": str(self.folder / f"{number}.err"),
            "after": start.after_seconds,
            "killed_after": start.killed_after,
        }


@contextmanager
def open_crowd(folder: Path) -> Iterator[Crowd]:
    """Give a process from which runs are forked; `folder` is for what they print."""
    folder.mkdir(parents=True, exist_ok=True)
    command = (sys.executable, "-m", __name__)
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Crowd(process, folder)
        assert process.stdin is not None
        process.stdin.close()


def _serve() -> None:
    import_everything()
    for line in sys.stdin:
        print(json.dumps(_together(json.loads(line))), flush=True)


def _together(runs: list[dict[str, Any]]) -> list[int]:
    """Fork every run before the first one begins, and return how they ended."""
    children = []
    for run in runs:
        child = os.fork()
        if child == 0:
            time.sleep(run["after"])
            become(run)
        children.append(child)
    killers = [
        threading.Timer(run["after"] + run["killed_after"], _kill, [child])
        for run, child in zip(runs, children, strict=True)
        if run["killed_after"] is not None
    ]
    for killer in killers:
        killer.start()
    # Nothing is reaped before every killer is done, so that no id is that of another process by then.
    for killer in killers:
        killer.join()
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def _kill(child: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    _serve()
