"""`build` against the real kustomize on generated roots; the outputs must be the same bytes before a time counts."""

from __future__ import annotations

import math
import os
import statistics
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from tests.bench.generate_crds import generate_crds
from tests.bench.generate_overlay import generate_overlay
from tests.bench.measuring import GITOPS_PUSH, Run, compare, print_head, timed
from tests.controlplane.programs import kustomize

ONCE_FROM: Final = 2000
"""From this many objects on the pair runs only once: kustomize takes minutes, as its time grows with the square."""

CRD_MEGABYTES: Final = 12
GROWTH: Final = (10, 1000, 4000)


class BuildBench:
    """Builds of generated roots, each in a git repository of its own beneath `folder`."""

    def __init__(self, folder: Path, runs: int) -> None:
        self._folder = folder
        self._runs = runs
        self._environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}

    def run(self, sizes: list[int]) -> None:
        """Print all comparisons with kustomize, then what is measured alone."""
        judge = str(kustomize())
        self._ours(self._overlay(10))  # once uncounted: the first run compiles our modules
        print_head("kustomize")
        for size in sizes:
            self._compare(f"build, {size} objects", self._overlay(size), judge, 1 if size >= ONCE_FROM else self._runs)
        crds = self._made("crds", lambda root: generate_crds(root, CRD_MEGABYTES))
        self._compare(f"build, {CRD_MEGABYTES} MB of CRDs", crds, judge, self._runs)
        self._print_start_up()
        self._print_growth()

    def _compare(self, title: str, root: Path, judge: str, runs: int) -> None:
        theirs = (judge, "build", str(root))
        compare(title, lambda: self._ours(root), lambda: timed(theirs, self._environ), runs, same=True)

    def _print_start_up(self) -> None:
        help_ms = self._cpu_seconds(lambda: timed((*GITOPS_PUSH, "--help"), self._environ)) * 1000
        build_ms = self._cpu_seconds(lambda: self._ours(self._overlay(10))) * 1000
        print(f"start-up: --help {help_ms:.0f} ms of CPU, build of 10 objects {build_ms:.0f} ms")

    def _print_growth(self) -> None:
        """Print how CPU time grows, start-up taken off: t(4000) / t(1000) = 4 ^ exponent."""
        start, small, large = (self._cpu_seconds(partial(self._ours, self._overlay(size))) for size in GROWTH)
        exponent = math.log((large - start) / (small - start)) / math.log(GROWTH[2] / GROWTH[1])
        print(f"growth exponent, {GROWTH[1]:,} to {GROWTH[2]:,} objects: {exponent:.2f}")

    def _cpu_seconds(self, job: Callable[[], Run]) -> float:
        return statistics.median(job().cpu_seconds for _ in range(max(self._runs, 3)))

    def _ours(self, root: Path) -> Run:
        return timed((*GITOPS_PUSH, "build", str(root)), self._environ)

    def _overlay(self, size: int) -> Path:
        return self._made(f"overlay-{size}", lambda root: generate_overlay(root, size))

    def _made(self, name: str, generate: Callable[[Path], str]) -> Path:
        """Return the directory to build, generated when it is first asked for."""
        repo = self._folder / name
        if not repo.exists():
            repo.mkdir()
            subprocess.run(["git", "init", "-q"], cwd=repo, check=True)
            (repo / ".built").write_text(generate(repo))
        return repo / (repo / ".built").read_text()
