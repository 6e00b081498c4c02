from __future__ import annotations

import errno

import pytest

from gitops_push.system.exhaustion import exhaustion_of


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "no more files can be opened"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (MemoryError(), "there is no more memory"),
        (RuntimeError("can't start new thread"), "no more threads can be started"),
    ],
)
def test_a_limit_of_the_machine_is_no_bug_and_says_what_to_do(error: Exception, what: str) -> None:
    found = exhaustion_of(error)
    assert found is not None
    assert found.what == what
    assert found.remedy


@pytest.mark.parametrize(
    "error", [OSError("no number"), FileNotFoundError(errno.ENOENT, "gone"), RuntimeError("else"), ValueError("x")]
)
def test_any_other_error_is_none(error: Exception) -> None:
    assert exhaustion_of(error) is None
