"""Diff and apply against kubectl, of the same plain objects on the same real control plane."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.bench.measuring import GITOPS_PUSH, Run, compare, print_line, timed
from tests.bench.objects import write_objects
from tests.controlplane.cluster import ControlPlane

KUBECTL = Path(sys.executable).parent / "kubectl"


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
        print_line(f"apply, {size} new objects", [(a, b)])
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
            print_line(f"diff and apply, {size} changed, run {version}", [(a + c, b + d)])

    def _prepared(self, tool: str, size: int) -> Path:
        namespace = f"bench-{tool}-{size}"
        self._plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        directory = self._folder / namespace
        directory.mkdir()
        write_objects(directory / "objects.yaml", size, namespace, 0)
        return directory

    def _timed(self, arguments: tuple[str, ...], expected: tuple[int, ...] = (0,)) -> Run:
        return timed(arguments, self._environ, expected)
