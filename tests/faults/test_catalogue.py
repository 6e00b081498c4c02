"""The catalogue of faults names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
NAMED = re.findall(r"`(tests/\S+)::(\w+)` \|$", (FOLDER / "README.md").read_text(), re.MULTILINE)


def test_the_catalogue_is_read() -> None:
    rows = [line for line in (FOLDER / "README.md").read_text().splitlines() if line.startswith("| ")]
    assert len(NAMED) == len(rows) - 1 > 40


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_test_of_the_catalogue_exists(path: str, name: str) -> None:
    assert f"def {name}(" in (FOLDER.parents[1] / path).read_text()
