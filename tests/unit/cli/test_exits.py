"""From errors to exit codes: 1x says that the cluster is untouched, whatever goes wrong."""

from __future__ import annotations

import errno
import io
import json
from pathlib import Path

import click
import pytest

from gitops_push.cli.console import Console
from gitops_push.cli.exits import exit_code_of
from gitops_push.cli.reporting import Outputs, Report, report_each
from gitops_push.cli.session import Session
from gitops_push.cli.signals import Interrupted, StopSignals
from gitops_push.core import errors
from gitops_push.core.codes import Code

PROBLEM = errors.Problem(Code.BUG, "it went wrong", hint="mend it")


class Run:
    """A session with streams to look into."""

    def __init__(self, *, wrote: bool = False, outputs: Outputs = ()) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.outputs = outputs
        console = Console(self.out, self.err, {}, in_ci=False)
        self.session = Session(console, StopSignals(), {}, in_ci=False, wrote=wrote)

    def ends(self, error: BaseException) -> int:
        def fail(_: str) -> Report:
            raise error

        return exit_code_of(lambda: report_each(self.session, "Diff", self.outputs, ["prod"], fail), self.session)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError(PROBLEM), 2),
        (errors.ConfigError(PROBLEM), 10),
        (errors.CredentialError(PROBLEM), 11),
        (errors.BuildError(PROBLEM), 12),
        (errors.ClusterError(PROBLEM), 13),
        (errors.PlanError(PROBLEM), 14),
        (errors.RefusedError(PROBLEM), 15),
        (errors.NotNowError(PROBLEM), 16),
        (errors.StalePlanError(PROBLEM), 17),
        (click.UsageError("no such flag"), 2),
        (click.Abort(), 130),
        (Interrupted(2), 130),
        (Interrupted(15), 143),
        (RuntimeError("a bug"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_every_error_has_its_code_and_says_that_nothing_was_written(error: BaseException, code: int) -> None:
    run = Run()
    assert run.ends(error) == code
    assert "nothing was written" in run.err.getvalue()
    assert "Traceback" not in run.err.getvalue()


@pytest.mark.parametrize("error", [RuntimeError("a bug"), errors.ClusterError(PROBLEM), Interrupted(2)], ids=repr)
def test_after_a_write_everything_that_goes_wrong_is_20(error: BaseException) -> None:
    run = Run(wrote=True)
    assert run.ends(error) == 20
    assert "nothing was written" not in run.err.getvalue()


def test_a_bug_shows_where_it_is_and_not_what_it_says() -> None:
    run = Run()
    run.ends(ValueError("the value hunter2-hunter2"))
    assert "a bug in gitops-push" in run.err.getvalue()
    assert "test_exits.py" in run.err.getvalue()
    assert "hunter2" not in run.err.getvalue()


@pytest.mark.parametrize(
    ("error", "code", "problem"),
    [
        (RuntimeError("a bug"), 1, "GP0001"),
        (OSError(errno.EMFILE, "Too many open files"), 1, "GP0003"),
        (Interrupted(15), 143, "GP0605"),
        (click.Abort(), 130, "GP0605"),
        (click.UsageError("no such flag"), 2, "GP0002"),
        (errors.ClusterError(PROBLEM), 13, "GP0001"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_a_document_is_written_however_a_run_ends_to_standard_output_and_to_files(
    error: BaseException, code: int, problem: str, tmp_path: Path
) -> None:
    run = Run(outputs=[("json", ""), ("json", str(tmp_path / "a.json"))])
    assert run.ends(error) == code
    for text in (run.out.getvalue(), (tmp_path / "a.json").read_text()):
        document = json.loads(text)
        assert (document["kind"], document["exitCode"], document["problems"][0]["code"]) == ("Diff", code, problem)
