"""Reports of several environments, one after the other."""

from __future__ import annotations

import io
from pathlib import Path

import click
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


@pytest.mark.parametrize(
    ("file", "reason"),
    [("", "it is a folder"), ("missing/report", "its folder does not exist")],
    ids=["folder", "missing"],
)
def test_a_report_that_cannot_be_written_is_told_before_the_run(tmp_path: Path, file: str, reason: str) -> None:
    session = Session(Console(io.StringIO(), io.StringIO(), {}, in_ci=False), StopSignals(), {}, in_ci=False)
    ran: list[str] = []

    def run(name: str) -> Report:
        ran.append(name)
        return Report(0)

    with pytest.raises(click.FileError, match=reason):
        report_each(session, "Diff", [("json", str(tmp_path / file))], ["a"], run)
    assert ran == []
