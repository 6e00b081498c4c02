from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.cluster.opening import OPENED


@pytest.fixture(autouse=True)
def _closes_every_connection() -> Iterator[None]:
    """A socket left open would be a warning, and warnings are errors."""
    yield
    while OPENED:
        OPENED.pop().close()
