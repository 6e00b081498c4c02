"""`make bench`: gitops-push against kubectl on the same inputs and the same control plane; prints ratios.

Runs are interleaved (A B A B ...) and the median of the pairs' ratios is quoted, because a machine's speed drifts. The
outputs are compared before a time is believed. Sizes and repetitions: `--sizes 100,1000 --runs 3`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.generate_overlay import generate_overlay
from tests.bench.objects import write_objects
from tests.controlplane.cluster import ControlPlane, open_control_plane

KUBECTL = Path(sys.executable).parent / "kubectl"
GITOPS_PUSH = (sys.executable, "-m", "gitops_push")


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process: seconds on the clock, seconds of CPU, its standard output."""

    wall_seconds: float
    cpu_seconds: float
    output: bytes


def timed(arguments: tuple[str, ...], environ: Mapping[str, str], expected: tuple[int, ...] = (0,)) -> Run:
    """Run a command to its end; raises RuntimeError on an unexpected exit code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    done = subprocess.run(arguments, env=dict(environ), capture_output=True, check=False, stdin=subprocess.DEVNULL)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in expected:
        raise RuntimeError(f"{' '.join(arguments)}: exit code {done.returncode}\n{done.stderr.decode()[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(wall, cpu, done.stdout)


def compare(title: str, ours: Callable[[], Run], theirs: Callable[[], Run], runs: int) -> None:
    """Run both in turn and print medians and the median ratio (how many times faster we are)."""
    pairs = [(ours(), theirs()) for _ in range(runs)]
    mine = statistics.median(a.wall_seconds for a, _ in pairs)
    other = statistics.median(b.wall_seconds for _, b in pairs)
    cpu = statistics.median(b.cpu_seconds / a.cpu_seconds for a, b in pairs)
    ratio = statistics.median(b.wall_seconds / a.wall_seconds for a, b in pairs)
    print(f"{title:<44} {mine:8.2f} s {other:8.2f} s {ratio:7.1f}x {cpu:9.1f}x", flush=True)


def bench_build(size: int, runs: int, folder: Path) -> None:
    """`build` of a generated overlay against `kubectl kustomize`."""
    repo = folder / f"overlay-{size}"
    overlay = generate_overlay(repo, size)
    subprocess.run(["git", "init", "-q"], cwd=repo, check=True)
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    ours = (*GITOPS_PUSH, "build", str(repo / overlay))
    theirs = (str(KUBECTL), "kustomize", str(repo / overlay))
    if timed(ours, environ).output != timed(theirs, environ).output:
        raise RuntimeError(f"the outputs differ at {size} objects")
    compare(f"build, {size} objects", lambda: timed(ours, environ), lambda: timed(theirs, environ), runs)


class ClusterBench:
    """Diff and apply of plain objects in one file, on a real control plane."""

    def __init__(self, plane: ControlPlane, folder: Path, runs: int) -> None:
        self._folder = folder
        self._runs = runs
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(plane.kubeconfig)
        kubeconfig.chmod(0o600)
        self._environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "KUBECONFIG": str(kubeconfig)}
        self._plane = plane

    def run(self, size: int) -> None:
        """All comparisons at one size; both tools deploy the same objects into namespaces of their own."""
        ours, theirs = self._prepared("gitops-push", size), self._prepared("kubectl", size)
        apply_ours = (*GITOPS_PUSH, "apply", str(ours), "--yes", "--no-wait", "-n", ours.name)
        diff_ours = (*GITOPS_PUSH, "diff", str(ours), "-n", ours.name, "-o", "json")
        apply_theirs = (str(KUBECTL), "apply", "--server-side", "--force-conflicts", "-f", str(theirs))
        diff_theirs = (str(KUBECTL), "diff", "--server-side", "--force-conflicts", "-f", str(theirs))
        a, b = self._timed(apply_ours), self._timed(apply_theirs)
        self._line(f"apply, {size} new objects", a, b)
        compare(
            f"diff, {size} objects, nothing changed",
            lambda: self._timed(diff_ours),
            lambda: self._timed(diff_theirs, (0, 1)),
            self._runs,
        )
        unchanged = json.loads(self._timed(diff_ours).output)["counts"].get("unchanged")
        if unchanged != size:
            raise RuntimeError(f"{unchanged} of {size} objects are unchanged after the apply")
        for version in range(1, self._runs + 1):
            write_objects(ours / "objects.yaml", size, ours.name, version)
            write_objects(theirs / "objects.yaml", size, theirs.name, version)
            a, b = self._timed(diff_ours), self._timed(diff_theirs, (0, 1))
            c, d = self._timed(apply_ours), self._timed(apply_theirs)
            self._line(f"diff and apply, {size} changed, run {version}", _sum(a, c), _sum(b, d))

    def _prepared(self, tool: str, size: int) -> Path:
        namespace = f"bench-{tool}-{size}"
        self._plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        directory = self._folder / namespace
        directory.mkdir()
        write_objects(directory / "objects.yaml", size, namespace, 0)
        return directory

    def _timed(self, arguments: tuple[str, ...], expected: tuple[int, ...] = (0,)) -> Run:
        return timed(arguments, self._environ, expected)

    def _line(self, title: str, ours: Run, theirs: Run) -> None:
        ratio, cpu = theirs.wall_seconds / ours.wall_seconds, theirs.cpu_seconds / ours.cpu_seconds
        print(
            f"{title:<44} {ours.wall_seconds:8.2f} s {theirs.wall_seconds:8.2f} s {ratio:7.1f}x {cpu:9.1f}x", flush=True
        )


def _sum(a: Run, b: Run) -> Run:
    return Run(a.wall_seconds + b.wall_seconds, a.cpu_seconds + b.cpu_seconds, b"")


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="100,1000")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    print(f"{'medians of interleaved runs':<44} {'gitops-push':>10} {'kubectl':>10} {'faster':>8} {'less CPU':>10}")
    with tempfile.TemporaryDirectory(prefix="gitops-push-bench-") as folder:
        for size in sizes:
            bench_build(size, options.runs, Path(folder))
        with open_control_plane(os.environ) as plane:
            cluster = ClusterBench(plane, Path(folder), options.runs)
            for size in sizes:
                cluster.run(size)
    return 0


if __name__ == "__main__":
    sys.exit(main())
