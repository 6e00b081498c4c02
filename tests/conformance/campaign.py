"""The differential campaign: many random trees, in several processes, with a line on progress each minute."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.conformance.builders import Answer, known_difference, ours, theirs
from tests.conformance.random_overlays import Overlays

PROCESSES = 2
_TREES_A_TASK = 100
_SECONDS_BETWEEN_LINES = 60


@dataclass(slots=True)
class Comparison:
    """How many trees gave the same bytes, were refused by both, or differ in a known way; and the seeds of others."""

    counts: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)

    def add(self, other: Comparison) -> None:
        self.counts.update(other.counts)
        self.unexplained.extend(other.unexplained)

    def __str__(self) -> str:
        answers = [f"{number} {answer}" for answer, number in self.counts.most_common()]
        return ", ".join([*answers, f"{len(self.unexplained)} unexplained"])


def compare(
    make: Callable[[int], Overlays],
    folder: Path,
    seeds: range,
    known: Callable[[Answer, Answer], str] = known_difference,
) -> Comparison:
    """Build the tree of each seed in both ways, and go on after a difference. Writes below `folder`.

    `known` says what is known of a difference, "" if nothing.
    """
    result = Comparison()
    for seed in seeds:
        root = folder / str(seed)
        path = make(seed).write(root)
        mine, other = ours(root, path), theirs(root / path)
        if mine.output == other.output:
            result.counts["same" if mine.output is not None else "refused by both"] += 1
        elif reason := known(mine, other):
            result.counts[reason] += 1
        else:
            result.unexplained.append(f"seed {seed}: {mine.reason or other.reason or 'other bytes'}")
        shutil.rmtree(root)
    return result


def run(make: Callable[[int], Overlays], folder: Path, seeds: range) -> Comparison:
    """Compare the trees of all seeds in `PROCESSES` processes; prints how far it is."""
    total, started, said = Comparison(), time.monotonic(), time.monotonic()
    parts = [seeds[start : start + _TREES_A_TASK] for start in range(0, len(seeds), _TREES_A_TASK)]
    with ProcessPoolExecutor(PROCESSES) as pool:
        for done in as_completed([pool.submit(partial(compare, make, folder), part) for part in parts]):
            total.add(done.result())
            if time.monotonic() - said >= _SECONDS_BETWEEN_LINES:
                said = time.monotonic()
                print(f"{said - started:.0f} s: {total}", flush=True)
    return total
