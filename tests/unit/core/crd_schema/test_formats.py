from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.crd_schema.formats import FORMATS
from tests.format_texts import INVALID, VALID


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_takes_what_it_should_and_nothing_else(name: str) -> None:
    assert [text for text in VALID[name] if not FORMATS[name](text)] == []
    assert [text for text in INVALID[name] if FORMATS[name](text)] == []


@given(st.sampled_from(sorted(FORMATS)), st.text(max_size=12) | st.text("0123456789abcdef.:-/T%@ ", max_size=20))
def test_no_text_whatever_ends_in_a_traceback(name: str, text: str) -> None:
    assert FORMATS[name](text) in {True, False}
