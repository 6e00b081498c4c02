"""The one place that starts programs: an argv list, a given environment, no terminal, limits on time and output.

The program runs in a process group of its own, which is killed as a whole when a limit is passed or when we are
interrupted. No shell is involved, and the caller's environment is not inherited. Nothing is logged: the output may hold
secrets, and so may the environment.
"""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

_MEMORY: Final = "/dev/shm"  # noqa: S108 - memory, not disk
_CHUNK_BYTES: Final = 64 * 1024
_POLL_SECONDS: Final = 0.02
_END_POLL_SECONDS: Final = 0.001


@dataclass(frozen=True, slots=True)
class Completed:
    """A program that ended by itself. `returncode` is negative when a signal ended it (-9: SIGKILL)."""

    returncode: int
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)


class ProcessError(Exception):
    """A program did not run to its end; the caller says what that means. `program` is the name from argv."""

    def __init__(self, program: str, reason: str) -> None:
        self.program = program
        self.reason = reason
        super().__init__(f"{program}: {reason}")


class ProgramMissingError(ProcessError):
    """There is no such program on the given PATH, or it may not be executed."""


class ProcessTimeoutError(ProcessError):
    """The program took too long and was killed."""


class ProcessOutputError(ProcessError):
    """The program wrote more than it may and was killed."""


def run(
    argv: Sequence[str],
    *,
    cwd: PurePath,
    environment: Mapping[str, str],
    timeout_seconds: float,
    output_limit_bytes: int,
    memory_limit_bytes: int | None = None,
    stdin: bytes | None = None,
) -> Completed:
    """Run a program to its end and return its exit status and output.

    `environment` is all that the program gets; its PATH is where the program is looked for. `output_limit_bytes`
    holds for standard output and standard error each, `memory_limit_bytes` for the address space of the program where
    the system can limit that (Linux). `stdin` is given to the program in a file that is in memory where there is such
    a place, and unlinked in any case. Raises `ProcessError`; writes nothing itself.
    """
    program = find_program(argv[0], environment.get("PATH", ""))
    with _input_of(stdin) as source:
        process = _start([program, *argv[1:]], argv[0], cwd, environment, source)
    if memory_limit_bytes is not None and sys.platform == "linux":
        resource.prlimit(process.pid, resource.RLIMIT_AS, (memory_limit_bytes, memory_limit_bytes))
    with process:
        try:
            stdout, stderr = _collect(process, argv[0], time.monotonic() + timeout_seconds, output_limit_bytes)
        finally:
            _kill_group(process)
    return Completed(process.returncode, stdout, stderr)


@contextlib.contextmanager
def _input_of(content: bytes | None) -> Iterator[int]:
    """Give a descriptor to read the content from: an unlinked file, because a full pipe could block both sides."""
    if content is None:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile(dir=_MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else None) as file:
        file.write(content)
        file.seek(0)
        yield file.fileno()


def _start(
    argv: Sequence[str], name: str, cwd: PurePath, environment: Mapping[str, str], stdin: int
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - an argv list, never a shell
            argv,
            cwd=cwd,
            env=dict(environment),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            close_fds=True,
        )
    except (OSError, ValueError) as error:
        raise ProcessError(name, "cannot be started") from error


def find_program(name: str, path: str) -> str:
    """Return the program's file. Only absolute folders of PATH count, so that a checkout cannot bring its own git.

    Raises `ProgramMissingError`.
    """
    if "/" in name:
        candidates = [name]
    else:
        candidates = [f"{folder}/{name}" for folder in path.split(os.pathsep) if folder.startswith("/")]
    for candidate in candidates:
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):  # noqa: PTH113
            return candidate
    raise ProgramMissingError(name, "there is no such program on the PATH")


def _collect(process: subprocess.Popen[bytes], program: str, deadline: float, limit_bytes: int) -> tuple[bytes, bytes]:
    """Read both pipes until they close, or until the program has ended (a child of it may still hold them)."""
    stdout, stderr = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for pipe, output in ((process.stdout, stdout), (process.stderr, stderr)):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, output)
        while True:
            ended = _has_ended(process)
            pause = _POLL_SECONDS if selector.get_map() else _END_POLL_SECONDS
            ready = selector.select(0 if ended else pause)
            if ended and not ready:
                return bytes(stdout), bytes(stderr)
            if time.monotonic() > deadline:
                raise ProcessTimeoutError(program, "it took too long and was stopped")
            for key, _ in ready:
                piece = os.read(key.fd, _CHUNK_BYTES)
                if not piece:
                    selector.unregister(key.fileobj)
                key.data.extend(piece)
                if len(key.data) > limit_bytes:
                    raise ProcessOutputError(program, "it wrote too much and was stopped")


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Return whether the program has ended, leaving it unreaped so that its group id cannot be given to another."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the program and of its children, then reap it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
