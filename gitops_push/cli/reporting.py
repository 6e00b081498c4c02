"""Runs a command for one or many environments and reports in the formats that were asked for.

All environments run, also after one failed; the highest exit code wins. JSON and YAML are one document, even when the
run fails.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import click

from gitops_push.cli.console import harmless_json
from gitops_push.cli.exits import exit_code_after, print_problems
from gitops_push.cli.session import Session
from gitops_push.core.errors import GitopsPushError, Problem
from gitops_push.documents.writer import to_yaml
from gitops_push.reports.json_report import SCHEMA_VERSION, Data, document, problems_data
from gitops_push.reports.lines import Line
from gitops_push.reports.overview import Overview, problems_overview
from gitops_push.system.private_file import write_private_file

FORMATS: Final = ("text", "json", "yaml", "name")
CI_FORMATS: Final = ("markdown", "html", "junit", "sarif", "github", "gitlab-codequality")
"""What `reports.formats` draws; named here so that `--help` need not import it."""

PLAN: Final = "plan"
"""The format of plan files; it goes to a file only."""

_TITLES: Final = {"Diff": "plan", "BuildDiff": "build"}
"""What a report is called where its document has another name."""

_DOCUMENTS: Final = frozenset({"json", "yaml", *CI_FORMATS})
"""The formats that are one document, even of a run that did not come to its end."""

_SHORT: Final = 2
"""Lines of a report that needs no empty line above it, to stand apart from the one before."""

Outputs: TypeAlias = Sequence[tuple[str, str]]
"""(format, file) of each -o; file "" is standard output."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run for one environment has to say: its exit code, and itself as text, as data and as names of objects.

    `plan` is what a plan file holds, None where there is no plan. `overview` makes what the formats for CI draw.
    """

    exit_code: int
    lines: tuple[Line, ...] = ()
    data: Data = field(default_factory=dict)
    names: tuple[str, ...] = ()
    plan: Data | None = None
    overview: Callable[[], Overview] | None = None


def report_each(
    session: Session, kind: str, outputs: Outputs, environments: Iterable[str], run: Callable[[str], Report]
) -> int:
    """Run for each environment, print and write all reports, and return the highest exit code.

    A report that cannot be written costs no other one: `click.FileError` is raised when all are tried.
    """
    names = tuple(environments)
    chosen = _complete(outputs)
    _check_plan_files(chosen, len(names))
    writing = _Writing(session, kind, chosen)
    session.write_documents = writing.write_failure
    for writing.environment in names:
        writing.add(_run_one(session, kind, writing.environment, run))
    session.write_documents = lambda *_: None
    return writing.finish()


@dataclass(slots=True)
class _Writing:
    """The reports of a run on their way to all outputs.

    `environment` is the one that runs; `lost` are the reports that could not be written.
    """

    session: Session
    kind: str
    chosen: Outputs
    environment: str = ""
    reports: list[Report] = field(default_factory=list)
    lost: list[click.FileError] = field(default_factory=list)

    def add(self, report: Report) -> None:
        """Print a report where the text is wanted on standard output, and keep it for the other outputs."""
        apart = (Line(),) if any(earlier.lines for earlier in self.reports) and len(report.lines) > _SHORT else ()
        self.reports.append(report)
        if ("text", "") in self.chosen and report.lines:
            self._try(partial(self.session.console.print, (*apart, *report.lines)))

    def finish(self) -> int:
        """Write all other outputs, and return the exit code; raises the first failure to write."""
        code = self._write([(name, file) for name, file in self.chosen if (name, file) != ("text", "")])
        if self.lost:
            raise self.lost[0]
        return code

    def write_failure(self, problems: tuple[Problem, ...], code: int) -> None:
        """Write the documents that are due of a run that did not come to its end."""
        self.reports.append(_failed(self.kind, self.environment, problems, code))
        self._write([(name, file) for name, file in self.chosen if name in _DOCUMENTS])

    def _write(self, chosen: Outputs) -> int:
        code = max((report.exit_code for report in self.reports), default=0)
        for name, file in chosen:
            if name == PLAN:
                self._try(partial(_save_plan, self.session, file, self.reports[0].plan))
            else:
                text = _as_format(self.session, name, self.kind, self.reports, code)
                self._try(partial(_emit, self.session, file, text))
        return code

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
        except click.FileError as error:
            self.lost.append(error)


def _run_one(session: Session, kind: str, environment: str, run: Callable[[str], Report]) -> Report:
    try:
        return run(environment)
    except GitopsPushError as error:
        code = exit_code_after(error, session)
        print_problems(error.problems, session)
        return _failed(kind, environment, error.problems, code)


def _failed(kind: str, environment: str, problems: tuple[Problem, ...], code: int) -> Report:
    data = {"environment": environment, **problems_data(problems)}
    overview = partial(problems_overview, _TITLES.get(kind, kind.lower()), environment, problems, code)
    return Report(code, data=document(kind, None, data, code), overview=overview)


def _complete(outputs: Outputs) -> list[tuple[str, str]]:
    """Text goes to standard output unless another format does."""
    chosen = list(dict.fromkeys(outputs))
    on_screen = [name for name, file in chosen if not file]
    if len(on_screen) > 1:
        raise click.UsageError(f"only one format can go to standard output, not {' and '.join(on_screen)}; use =FILE")
    for file in {file for _, file in chosen if file}:
        # Found only after the deployment, it would cost the report of what was written.
        if obstacle := _obstacle(Path(file).absolute()):
            raise click.FileError(file, obstacle)
    return chosen if on_screen else [("text", ""), *chosen]


def _obstacle(file: Path) -> str:
    """Return why a report could not be written into a file, empty where nothing is known to stand in the way."""
    if not file.parent.is_dir():
        return "its folder does not exist"
    if file.is_dir():
        return "it is a folder"
    is_writable = os.access(file if file.exists() else file.parent, os.W_OK)
    return "" if is_writable else "permission denied"


def _check_plan_files(chosen: Outputs, environments: int) -> None:
    plans = [file for name, file in chosen if name == PLAN]
    if "" in plans:
        raise click.UsageError("a plan goes to a file: -o plan=FILE")
    if plans and environments != 1:
        raise click.UsageError("a plan file holds the plan of one environment: name one")


def _save_plan(session: Session, file: str, plan: Data | None) -> None:
    """Write a plan that was made. Its texts are masked one by one: what binds must stay as it is."""
    if plan is None:
        return
    try:
        write_private_file(Path(file), harmless_json(json.dumps(plan, indent=2)) + "\n")
    except OSError as error:
        raise click.FileError(file, error.strerror or "cannot be written") from error
    session.console.note_unless_quiet([Line(f"saved the plan to {file}")])


def _as_format(session: Session, name: str, kind: str, reports: list[Report], code: int) -> str:
    match name:
        case "text":
            return "".join(f"{session.console.clean(line.text)}\n" for report in reports for line in report.lines)
        case "name":
            return "".join(f"{session.console.clean(name)}\n" for report in reports for name in report.names)
        case _ if name in CI_FORMATS:
            from gitops_push.reports.formats import draw

            return draw(name, [report.overview() for report in reports if report.overview], session.console.clean)
        case "yaml":
            return to_yaml(_cleaned(_one_document(kind, reports, code), session))
        case _:
            return session.console.clean_json(json.dumps(_one_document(kind, reports, code), indent=2)) + "\n"


def _one_document(kind: str, reports: list[Report], code: int) -> Data:
    if len(reports) == 1:
        return reports[0].data
    items = [report.data for report in reports]
    return {"schemaVersion": SCHEMA_VERSION, "kind": f"{kind}List", "items": items, "exitCode": code}


def _cleaned(value: Any, session: Session) -> Any:
    """Return the data with every text made harmless; YAML, unlike JSON, has texts without quotes and escapes."""
    if isinstance(value, str):
        return session.console.clean(value)
    if isinstance(value, dict):
        return {key: _cleaned(item, session) for key, item in value.items()}
    return [_cleaned(item, session) for item in value] if isinstance(value, list) else value


def _emit(session: Session, file: str, text: str) -> None:
    if not file:
        session.console.write_exact(text)
        return
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.FileError(file, error.strerror or "cannot be written") from error
