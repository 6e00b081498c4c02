"""From errors to exit codes: one of the two places that may catch every exception, and nothing gets past it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from gitops_push import __version__
from gitops_push.cli.session import Session
from gitops_push.cli.signals import Interrupted
from gitops_push.core.codes import Code
from gitops_push.core.errors import GitopsPushError, Problem
from gitops_push.reports.lines import Line, Tone
from gitops_push.reports.problem_text import problem_lines
from gitops_push.system.exhaustion import Exhaustion, exhaustion_of

BUG: Final = 1
USAGE: Final = 2
CHANGES: Final = 3
AFTER_WRITE: Final = 20

NOTHING_WRITTEN: Final = "nothing was written"
MAYBE_WRITTEN: Final = "writing had begun: see `gitops-push status`; the same command finishes the job"


class NotConfirmed(Exception):  # noqa: N818 - an answer, not an error
    """The person at the terminal said no to the plan."""


def exit_code_of(run: Callable[[], int], session: Session) -> int:
    """Run and return the exit code of docs/reference/exit-codes.md; print every error and let no exception out.

    After the first write a failure of the program itself is 20, so that 1 always means an untouched cluster.
    """
    try:
        return _code_of(run, session)
    except Interrupted as late:  # in the moment between an error and its report
        return late.exit_code


def _code_of(run: Callable[[], int], session: Session) -> int:
    try:
        return run()
    except GitopsPushError as error:
        return report_error(error, session)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.ClickException as error:
        return _report_usage(error, session)
    except (click.Abort, NotConfirmed):
        return _report_stop("not confirmed", 130, session)
    except Interrupted as interrupted:
        return _report_stop(f"interrupted ({interrupted})", interrupted.exit_code, session)
    except Exception as error:  # the last resort: a bug must still end with a line and a code
        return _report_limit(limit, session) if (limit := exhaustion_of(error)) else _report_bug(error, session)


def report_error(error: GitopsPushError, session: Session) -> int:
    """Print an error's problems, and the JSON document if one is due; return its exit code."""
    code = exit_code_after(error, session)
    _report_problems(error.problems, code, session)
    return code


def exit_code_after(error: GitopsPushError, session: Session) -> int:
    """Return the error's exit code; 20 once writing had begun."""
    return AFTER_WRITE if session.wrote else error.exit_code


def print_problems(problems: tuple[Problem, ...], session: Session) -> None:
    """Print problems to standard error, with what was and was not written."""
    written = MAYBE_WRITTEN if session.wrote else NOTHING_WRITTEN
    session.console.note(problem_lines(problems, session.source_line, written))


def _report_problems(problems: tuple[Problem, ...], code: int, session: Session) -> None:
    session.signals.report()
    print_problems(problems, session)
    session.write_documents(problems, code)


def _report_stop(what: str, code: int, session: Session) -> int:
    """Report that somebody stopped the run, in one line."""
    session.signals.report()
    code = AFTER_WRITE if session.wrote else code
    written = MAYBE_WRITTEN if session.wrote else NOTHING_WRITTEN
    session.console.note([Line(f"{what}; {written}", Tone.BAD)])
    session.write_documents((Problem(Code.INTERRUPTED, what),), code)
    return code


def _report_usage(error: click.ClickException, session: Session) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):  # no mistake, a question: help without an error
        session.console.note(Line(line) for line in error.format_message().splitlines())
        return USAGE
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"see `{context.command_path} --help`" if context else None
    if isinstance(error, click.MissingParameter) and error.param and error.param.name == "environment":
        hint = "name an environment (`gitops-push environments` lists them) or a path"
    problem = Problem(Code.USAGE, error.format_message(), hint=hint)
    code = AFTER_WRITE if session.wrote else USAGE
    _report_problems((problem,), code, session)
    return code


def _report_limit(limit: Exhaustion, session: Session) -> int:
    code = AFTER_WRITE if session.wrote else BUG
    _report_problems((Problem(Code.OUT_OF_RESOURCES, limit.what, hint=limit.remedy),), code, session)
    return code


def _report_bug(error: Exception, session: Session) -> int:
    """One line for people; the traceback (masked, without values of variables) only with --verbose."""
    import traceback

    last = traceback.extract_tb(error.__traceback__)[-1:]
    at = f" at {Path(last[0].filename).name}:{last[0].lineno}" if last else ""
    problem = Problem(
        Code.BUG,
        f"a bug in gitops-push {__version__}: {type(error).__name__}{at}",
        hint="run again with --verbose and report what it prints; secret values are masked",
    )
    code = AFTER_WRITE if session.wrote else BUG
    _report_problems((problem,), code, session)
    if session.console.verbose:
        session.console.note([Line(line) for line in "".join(traceback.format_exception(error)).splitlines()])
    return code
