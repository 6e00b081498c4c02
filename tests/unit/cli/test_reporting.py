"""Reports of several environments, one after the other."""

from __future__ import annotations

import io

import pytest

from gitops_push.cli.console import Console
from gitops_push.cli.reporting import Report, report_each
from gitops_push.cli.session import Session
from gitops_push.cli.signals import StopSignals
from gitops_push.reports.lines import Line


def printed(lines_each: int, *names: str) -> str:
    out = io.StringIO()
    session = Session(Console(out, io.StringIO(), {}, in_ci=False), StopSignals(), {}, in_ci=False)
    report_each(session, "Diff", [], names, lambda name: Report(0, (Line(name),) * lines_each))
    return out.getvalue()


@pytest.mark.parametrize(
    ("lines_each", "expected"),
    [(1, "a\nb\n"), (3, "a\na\na\n\nb\nb\nb\n")],
    ids=["a list of short reports", "long reports"],
)
def test_long_reports_stand_apart(lines_each: int, expected: str) -> None:
    assert printed(lines_each, "a", "b") == expected
