"""The command line without its start-up time: each run is forked from a process that has imported everything.

`python -m tests.faults.warm` is that process. Each line on its input is a JSON object with arguments, folder, environ,
out and err; it answers with a line for the id of the run's process, and one for how it ended
(`os.waitstatus_to_exitcode`). One run at a time; it ends with its input.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.program import Finished, Program

LEASE_SECONDS = 6  # a request about the lock gets a third of it, and a 503 asks to wait for one
LEASE_VARIABLE = "GITOPS_PUSH_LEASE_SECONDS"
ROOT = Path(__file__).parents[2]
IMPORTED_TOO = ("kubernetes.client", "urllib3", "rich.console", "yaml", "gc", "secrets")


@dataclass(frozen=True, slots=True)
class WarmProgram:
    """Runs the command line of a `Program` in forked processes."""

    process: subprocess.Popen[str] = field(repr=False)
    folder: Path

    def start(self, program: Program, *arguments: str) -> int:
        """Start a run, and return the id of its process; to be followed by `finish`."""
        self._tell(
            arguments=arguments,
            folder=str(program.folder),
            environ={**program.full_environ, LEASE_VARIABLE: str(LEASE_SECONDS)},
            out=str(self.folder / "out"),
            err=str(self.folder / "err"),
        )
        return int(self._answer())

    def finish(self) -> Finished:
        """Wait for the end of the run that was started. A negative exit code is the signal that ended it."""
        code = int(self._answer())
        return Finished(code, (self.folder / "out").read_text(), (self.folder / "err").read_text())

    def __call__(self, program: Program, *arguments: str) -> Finished:
        """Run to the end."""
        self.start(program, *arguments)
        return self.finish()

    def _tell(self, **run: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(run) + "\n")
        self.process.stdin.flush()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@contextmanager
def warm_program(folder: Path) -> Iterator[WarmProgram]:
    """Give a process from which runs are forked; `folder` is for what they print."""
    folder.mkdir(parents=True, exist_ok=True)
    command = (sys.executable, "-m", __name__)
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield WarmProgram(process, folder)
        assert process.stdin is not None
        process.stdin.close()


def import_everything() -> None:
    """Import what a run may import."""
    package = importlib.import_module("gitops_push")
    found = (module.name for module in pkgutil.walk_packages(package.__path__, "gitops_push."))
    for name in (*found, *IMPORTED_TOO):
        if not name.endswith("__main__"):
            importlib.import_module(name)


def _serve() -> None:
    import_everything()
    for line in sys.stdin:
        run = json.loads(line)
        child = os.fork()
        if child == 0:
            become(run)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def become(run: dict[str, Any]) -> None:
    """Be the program in every way that it can see, and never return."""
    for number, path in ((1, run["out"]), (2, run["err"])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(run["folder"])
    os.environ.clear()
    os.environ.update(run["environ"])
    sys.argv = ["gitops-push", *run["arguments"]]
    code: Any = 1
    try:
        importlib.import_module("gitops_push.__main__").main()
    except SystemExit as exit_:
        code = exit_.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    _serve()
