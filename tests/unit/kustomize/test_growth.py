"""The work of a build grows with the number of objects, not with its square: counted in calls, not in seconds."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from types import FrameType

from gitops_push.kustomize.build import build_kustomization
from gitops_push.system.files import RepoFiles
from tests.bench.generate_overlay import generate_overlay


def calls_of_build(root: Path, path: str) -> int:
    """Return how many Python functions a build of the directory calls."""
    calls = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    files = RepoFiles(root)
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        build_kustomization(files, path)
    finally:
        sys.setprofile(before)
    return calls


def test_the_number_of_calls_grows_linearly(tmp_path: Path) -> None:
    small, large = (calls_of_build(tmp_path / str(n), generate_overlay(tmp_path / str(n), n)) for n in (60, 240))
    exponent = math.log(large / small) / math.log(240 / 60)
    assert exponent <= 1.05
