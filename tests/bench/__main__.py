"""`make bench`: gitops-push against kustomize and kubectl on the same inputs; prints ratios.

Runs are interleaved (A B A B ...) and the median of the pairs' ratios is quoted, because a machine's speed drifts. The
outputs are compared before a time is believed. One part alone: `python -m tests.bench build` (or `cluster`); sizes and
repetitions: `--sizes 100,1000 --runs 3`; how far away the cluster is: `--latency 0,5` (added round trip in ms).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.bench.build_bench import BuildBench
from tests.bench.cluster_bench import ClusterBench
from tests.controlplane.cluster import open_control_plane

SIZES = {"build": "100,1000,5000", "cluster": "10,100,1000"}


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of {', '.join(SIZES)}; all without any")
    parser.add_argument("--sizes", help="numbers of objects, with commas between them")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--latency", default="0,5", help="added round trips to the cluster in ms, with commas between")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(SIZES):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(SIZES)}")
    with tempfile.TemporaryDirectory(prefix="gitops-push-bench-") as folder:
        for part in options.parts or SIZES:
            sizes = [int(size) for size in (options.sizes or SIZES[part]).split(",")]
            _run(part, Path(folder), sizes, options)
    return 0


def _run(part: str, folder: Path, sizes: list[int], options: argparse.Namespace) -> None:
    if part == "build":
        BuildBench(folder, options.runs).run(sizes)
        return
    with open_control_plane(os.environ) as plane:
        ClusterBench(plane, folder, options.runs).run(sizes, [float(ms) for ms in options.latency.split(",")])


if __name__ == "__main__":
    sys.exit(main())
