"""How fast documents are read and written, against PyYAML's C loader and dumper, in MB of YAML a second of CPU.

Run with `python -m tests.bench.bench_documents [folder]`: the manifests of the folder, repeated to at least 1 MB. The
runs of both sides are interleaved and the best of each is quoted, because other work on the machine only adds time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import yaml

from gitops_push.core.errors import DocumentError
from gitops_push.documents.budgets import Budget
from gitops_push.documents.reader import Dialect, read_documents
from gitops_push.documents.writer import yaml_stream

FOLDER: Final = Path(__file__).parents[2].parent / "shared" / "real-repos"
UNLIMITED: Final = Budget(file_nodes=10**8, total_nodes=10**8, total_expanded_nodes=10**8, total_objects=10**6)
AT_LEAST_BYTES: Final = 1_000_000
RUNS: Final = 7


def manifests_of(folder: Path) -> list[Any]:
    """Return the objects of all YAML files below a folder that are plain manifests."""
    found: list[Any] = []
    for path in sorted(folder.rglob("*.yaml")):
        try:
            documents = read_documents(path.read_bytes(), str(path), Dialect.KUBECTL)
        except DocumentError:
            continue
        found += [document.value for document in documents if isinstance(document.value, dict)]
    return [value for value in found if "apiVersion" in value and "metadata" in value]


def megabytes_a_second(size_bytes: int, *jobs: Callable[[], object]) -> list[float]:
    """Return the best speed of each job over interleaved runs."""
    best = [float("inf")] * len(jobs)
    for _ in range(RUNS):
        for number, job in enumerate(jobs):
            started = time.process_time()
            job()
            best[number] = min(best[number], time.process_time() - started)
    return [size_bytes / 1e6 / seconds for seconds in best]


def main(folder: Path) -> None:
    """Print the speeds and their ratios."""
    values = manifests_of(folder)
    values *= AT_LEAST_BYTES // len(yaml_stream(values)) + 1
    text = yaml_stream(values).encode()
    plain = list(yaml.load_all(text, yaml.CSafeLoader))
    print(f"{len(values)} objects, {len(text) / 1e6:.2f} MB")
    jobs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "read (CSafeLoader)": (
            lambda: read_documents(text, "all.yaml", Dialect.KUBECTL, UNLIMITED),
            lambda: list(yaml.load_all(text, yaml.CSafeLoader)),
        ),
        "write (CSafeDumper)": (
            lambda: yaml_stream(values),
            lambda: yaml.dump_all(plain, Dumper=yaml.CSafeDumper),
        ),
    }
    for title, (ours, theirs) in jobs.items():
        mine, other = megabytes_a_second(len(text), ours, theirs)
        print(f"{title:<20} {mine:6.1f} MB/s {other:6.1f} MB/s {mine / other:5.1f}x", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
