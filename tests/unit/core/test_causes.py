from __future__ import annotations

import pytest

from gitops_push.core.causes import CauseCode


@pytest.mark.parametrize("code", CauseCode)
def test_every_code_says_what_it_means_and_what_to_do_in_one_line(code: CauseCode) -> None:
    for text in (code.meaning, code.hint):
        assert 10 < len(text) <= 110, text
        assert "\n" not in text


def test_a_code_is_its_own_name_so_that_it_can_be_searched_for() -> None:
    assert all(code.name == code.value for code in CauseCode)
