"""Whole processes, timed: seconds on the clock, seconds of CPU, peak memory; and two of them compared in turn."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

GITOPS_PUSH = (sys.executable, "-m", "gitops_push")


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process: seconds on the clock, seconds of CPU, peak memory in MiB, its standard output."""

    wall_seconds: float
    cpu_seconds: float
    peak_mib: float
    output: bytes = field(repr=False)

    def __add__(self, other: Run) -> Run:
        """Return two processes as one, one after the other."""
        return Run(
            self.wall_seconds + other.wall_seconds,
            self.cpu_seconds + other.cpu_seconds,
            max(self.peak_mib, other.peak_mib),
            b"",
        )


def timed(arguments: Sequence[str], environ: Mapping[str, str], expected: tuple[int, ...] = (0,)) -> Run:
    """Run a command to its end, by the kernel's account of that one process; RuntimeError on an unexpected exit code.

    The bytecode of our modules may be written, as pip does when it installs a package.
    """
    variables = {name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.monotonic()
        process = subprocess.Popen(arguments, env=variables, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode not in expected:
            message = err.read().decode()[-2000:]
            raise RuntimeError(f"{' '.join(arguments)}: exit code {process.returncode}\n{message}")
        return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out.read())


def compare(title: str, ours: Callable[[], Run], theirs: Callable[[], Run], runs: int, *, same: bool = False) -> None:
    """Run both in turn and print medians and the median ratio; with `same`, only if they print the same bytes."""
    pairs = [(ours(), theirs()) for _ in range(runs)]
    if same and any(a.output != b.output for a, b in pairs):
        raise RuntimeError(f"{title}: the outputs differ")
    print_line(title, pairs)


def print_line(title: str, pairs: Sequence[tuple[Run, Run]]) -> None:
    """Print the medians of pairs (ours, theirs), the median ratios, and the largest memory of both."""
    mine = statistics.median(a.wall_seconds for a, _ in pairs)
    other = statistics.median(b.wall_seconds for _, b in pairs)
    cpu = statistics.median(b.cpu_seconds / a.cpu_seconds for a, b in pairs)
    ratio = statistics.median(b.wall_seconds / a.wall_seconds for a, b in pairs)
    memory = (max(a.peak_mib for a, _ in pairs), max(b.peak_mib for _, b in pairs))
    print(
        f"{title:<50} {mine:8.2f} s {other:8.2f} s {ratio:7.1f}x {cpu:8.1f}x {memory[0]:6.0f} {memory[1]:6.0f} MiB",
        flush=True,
    )


def print_head(other: str, title: str = "medians of interleaved runs") -> None:
    """Print the head of a table against another tool."""
    print(
        f"\n{title:<50} {'gitops-push':>10} {other:>10} {'faster':>8} {'less CPU':>9} {'peak memory':>17}",
        flush=True,
    )
