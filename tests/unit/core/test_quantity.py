from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.quantity import canonical_quantity


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("0.1", "100m"),
        ("1.2", "1200m"),
        (1, "1"),
        (1.5, "1500m"),
        (0.5, "500m"),
        ("0", "0"),
        ("0Mi", "0"),
        ("0.5Gi", "512Mi"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1Ki", "1Ki"),
        ("0.5Ki", "512"),
        ("0.581Gi", "623844k"),
        ("1000", "1k"),
        ("1000M", "1G"),
        ("128974848", "128974848"),
        ("1e3", "1e3"),
        ("12E6", "12e6"),
        ("1000e3", "1e6"),
        ("1E", "1E"),
        ("100n", "100n"),
        ("0.1n", "1n"),
        ("-1.5", "-1500m"),
        ("+2", "2"),
        (".5", "500m"),
        ("2.", "2"),
    ],
)
def test_quantities_are_written_as_the_server_stores_them(written: object, stored: str) -> None:
    assert canonical_quantity(written) == stored


@pytest.mark.parametrize("value", ["", "1 Gi", "1gi", "abc", "1.2.3", None, True, {"a": 1}, "1e99", "9" * 30])
def test_what_is_no_quantity_or_out_of_range_is_left_alone(value: object) -> None:
    assert canonical_quantity(value) == value


@given(
    st.decimals(min_value=-(10**6), max_value=10**6, places=3).map(str),
    st.sampled_from(["", "n", "u", "m", "k", "M", "Ki", "Mi", "Gi", "e3", "E2", "e-3"]),
)
def test_a_canonical_quantity_is_its_own_canonical_form(number: str, suffix: str) -> None:
    once = canonical_quantity(f"{number}{suffix}")
    assert canonical_quantity(once) == once
