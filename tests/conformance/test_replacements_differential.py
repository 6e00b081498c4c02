"""Random `replacements` and `vars`, built here and by the real kustomize: equal bytes, or both refuse."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.random_replacements import ReferringOverlays, ReplacingOverlays
from tests.conformance.test_kustomize_differential import Answer, ours, theirs

MOST_UNEXPLAINED = 10
"""Of 2,000 trees: empty values that are made below empty values, and types of texts that went through two layers."""

_NUMBER_AS_NAME = re.compile(r"^  name: (?:[\d.x]+|null|true)$", re.MULTILINE)
_OUTDENTED_QUOTE = re.compile(r"^ +'$", re.MULTILINE)


def known_difference(mine: Answer, other: Answer) -> str:
    """Return the name of a difference that the reference documents, "" for others."""
    if "goroutine" in other.reason:
        return "kustomize crashed"
    if "does not fit" in mine.reason or "yaml: cannot decode !!" in other.reason:
        return "a misfit that is replaced again, or that hides in quotes"
    if _NUMBER_AS_NAME.search(other.output or "") or "missing metadata.name" in mine.reason:
        return "a name that is no text"
    if _OUTDENTED_QUOTE.search(other.output or ""):
        return "a quoted text of several lines in YAML in a text"
    return ""


def compare(make: type[ReplacingOverlays], seeds: range, folder: Path) -> tuple[Counter[str], list[str]]:
    """Return how many trees gave which answer, and the seeds that differ without a reason."""
    counts: Counter[str] = Counter()
    unexplained = []
    for seed in seeds:
        root = folder / str(seed)
        path = make(seed).write(root)
        mine, other = ours(root, path), theirs(root / path)
        if mine.output == other.output:
            counts["same" if mine.output is not None else "refused by both"] += 1
        elif known := known_difference(mine, other):
            counts[known] += 1
        else:
            unexplained.append(f"seed {seed}: {mine.reason or other.reason or 'other bytes'}")
        shutil.rmtree(root)
    return counts, unexplained


@pytest.mark.parametrize("make", [ReplacingOverlays, ReferringOverlays])
def test_a_sample_of_random_trees_is_built_as_kustomize_does(make: type[ReplacingOverlays], tmp_path: Path) -> None:
    counts, unexplained = compare(make, range(1_000, 1_040), tmp_path)
    assert not unexplained, "\n".join(unexplained)
    assert counts["same"] >= 8


@pytest.mark.prove
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("make", [ReplacingOverlays, ReferringOverlays])
def test_two_thousand_random_trees_are_built_as_kustomize_does(make: type[ReplacingOverlays], tmp_path: Path) -> None:
    counts, unexplained = compare(make, range(10_000, 12_000), tmp_path)
    print(make.__name__, ", ".join(f"{number} {answer}" for answer, number in counts.most_common()))
    print("\n".join(unexplained))
    assert len(unexplained) <= MOST_UNEXPLAINED, "\n".join(unexplained)
