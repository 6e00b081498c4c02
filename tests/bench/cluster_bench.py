"""Diff and apply against kubectl, of the same plain objects on the same real control plane."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.latency import delayed
from tests.bench.measuring import GITOPS_PUSH, Run, print_head, print_line, timed
from tests.bench.objects import write_objects, write_split
from tests.controlplane.cluster import ControlPlane

KUBECTL = (str(Path(sys.executable).parent / "kubectl"),)
SERVER_SIDE = ("--server-side", "--force-conflicts", "-f")
DIFF = (*KUBECTL, "diff", *SERVER_SIDE)
APPLY = (*KUBECTL, "apply", *SERVER_SIDE)
BEST_DIFF = (*KUBECTL, "diff", "--concurrency", "32", *SERVER_SIDE)
OUR_DIFF = (*GITOPS_PUSH, "diff", "-o", "json", "-n")
OUR_APPLY = (*GITOPS_PUSH, "apply", "--yes", "--no-wait", "-n")

ONCE_FROM = 1000
"""From this many objects on what changes them runs only once: it takes minutes."""


class ClusterBench:
    """Diff and apply of plain objects, with an added round trip to the server; folders and namespaces of its own."""

    def __init__(self, plane: ControlPlane, folder: Path, runs: int) -> None:
        self._folder = folder
        self._runs = runs
        self._plane = plane
        self._kubeconfig = folder / "kubeconfig"
        self._environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "KUBECONFIG": str(self._kubeconfig)}

    def run(self, sizes: list[int], round_trips_ms: list[float]) -> None:
        """Print a table for each round trip."""
        _print_commands()
        for round_trip_ms in round_trips_ms:
            with delayed(self._plane.kubeconfig, round_trip_ms) as kubeconfig:
                self._kubeconfig.touch(0o600)
                self._kubeconfig.write_text(kubeconfig)
                print_head("kubectl", f"{round_trip_ms:g} ms of round trip added; medians")
                for size in sizes:
                    self._compare(size, f"{size}-{round_trip_ms:g}".replace(".", "-"))

    def _compare(self, size: int, name: str) -> None:
        """Print all comparisons at one size; both tools deploy the same objects into namespaces of their own."""
        ours, theirs = self._prepared(f"gitops-push-{name}"), self._prepared(f"kubectl-{name}")
        runs = 1 if size >= ONCE_FROM else self._runs
        self._write(ours, theirs, size, 0)
        print_line(f"apply, {size} new", [(self._ours(OUR_APPLY, ours), self._theirs(APPLY, theirs))])
        self._compare_diffs(ours, theirs, size, "unchanged", self._runs)
        alone: list[tuple[Run, Run]] = []
        after_diff: list[tuple[Run, Run]] = []
        for version in range(1, 2 * runs + 1):
            self._write(ours, theirs, size, version)
            if version == 1:
                self._compare_diffs(ours, theirs, size, "update", runs)
            with_diff = version % 2 == 0
            diffed = (self._ours(OUR_DIFF, ours),) if with_diff else ()
            mine = sum(diffed, self._ours(OUR_APPLY, ours))
            both = self._theirs(DIFF, theirs, 1) + self._theirs(APPLY, theirs)
            (after_diff if with_diff else alone).append((mine, both))
        print_line(f"apply, {size} changed, against diff and apply", alone)
        print_line(f"diff and apply, {size} changed", after_diff)

    def _compare_diffs(self, ours: Path, theirs: Path, size: int, action: str, runs: int) -> None:
        """Print our diff, which must find this action for all objects, against both of kubectl's."""
        code = 0 if action == "unchanged" else 1
        split = theirs.with_name(f"{theirs.name}-split")
        jobs: tuple[Callable[[], Run], ...] = (
            lambda: self._ours(OUR_DIFF, ours),
            lambda: self._theirs(DIFF, theirs, code),
            lambda: self._theirs(BEST_DIFF, split, code),
            lambda: self._ours((*OUR_DIFF[:-1], "--verify", "changed", "-n"), ours),
        )
        rounds = [tuple(job() for job in jobs) for _ in range(runs)]
        for mine in (run for one in rounds for run in (one[0], one[3])):
            if (counts := json.loads(mine.output)["counts"]) != {action: size}:
                raise RuntimeError(f"{counts}, not {size} times {action}")
        title = f"diff, {size} {'unchanged' if code == 0 else 'changed'}"
        print_line(title, [(one[0], one[1]) for one in rounds])
        print_line(f"{title}, kubectl's best", [(one[0], one[2]) for one in rounds])
        print_line(f"{title}, --verify changed", [(one[3], one[1]) for one in rounds])

    def _prepared(self, namespace: str) -> Path:
        self._plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": f"bench-{namespace}"}})
        directory = self._folder / f"bench-{namespace}"
        directory.mkdir()
        return directory

    def _write(self, ours: Path, theirs: Path, size: int, version: int) -> None:
        write_objects(ours / "objects.yaml", size, ours.name, version)
        write_objects(theirs / "objects.yaml", size, theirs.name, version)
        write_split(theirs.with_name(f"{theirs.name}-split"), size, theirs.name, version)

    def _ours(self, command: tuple[str, ...], directory: Path) -> Run:
        return timed((*command, directory.name, str(directory)), self._environ)

    def _theirs(self, command: tuple[str, ...], directory: Path, code: int = 0) -> Run:
        return timed((*command, str(directory)), self._environ, (code,))


def _print_commands() -> None:
    print("\nwhat is run; the objects of a row are in one file, for kubectl's best in a file each:")
    for arguments in (OUR_DIFF[len(GITOPS_PUSH) :], OUR_APPLY[len(GITOPS_PUSH) :]):
        print(f"  gitops-push {shlex.join(arguments)} NAMESPACE FOLDER")
    for arguments in (DIFF[1:], BEST_DIFF[1:], APPLY[1:]):
        print(f"  kubectl {shlex.join(arguments)} FOLDER")
