"""`gitops-push doctor`."""

from __future__ import annotations

from typing import Any, Final

import click

from gitops_push.cli.options import cluster_options, console_options, output, repo_options, target
from gitops_push.cli.reporting import FORMATS, Report, report_each
from gitops_push.cli.session import Session
from gitops_push.cli.settings import settings_of, watcher_of
from gitops_push.core.checkup import Checkup, State
from gitops_push.reports.json_report import document
from gitops_push.reports.lines import Line, Tone, counted
from gitops_push.workflow.checkup import examine

_TONES: Final = {State.OK: Tone.GOOD, State.WARNING: Tone.UPDATE, State.ERROR: Tone.BAD, State.SKIPPED: Tone.DIM}


@click.command("doctor")
@target
@output(*FORMATS)
@cluster_options
@repo_options
@console_options
@click.pass_obj
def doctor_command(session: Session, /, **parameters: Any) -> int:
    """Check tool, config, credential, cluster, rights and lock of an environment, each with a fix. Never writes.

    Ends with the code that a deployment would end with: 0 if nothing stands in its way.
    """
    settings, watcher = settings_of(session, parameters), watcher_of(session)

    def run(name: str) -> Report:
        checkup = examine(settings, name, watcher)
        findings = [
            {"about": each.about, "state": each.state.value, "text": each.text}
            | ({"hint": each.hint} if each.hint else {})
            for each in checkup.findings
        ]
        data = document("Checkup", None, {"environment": name, "findings": findings}, checkup.exit_code)
        return Report(checkup.exit_code, _lines(checkup), data)

    return report_each(session, "Checkup", parameters["outputs"], [parameters["environment"]], run)


def _lines(checkup: Checkup) -> tuple[Line, ...]:
    lines: list[Line] = []
    for finding in checkup.findings:
        first, *rest = finding.text.splitlines() or [""]
        lines.append(Line(f"{finding.state:<8} {finding.about:<11} {first}", _TONES[finding.state]))
        lines += [Line(f"{'':<20} {line}") for line in rest]
        if finding.hint:
            lines += [Line(f"{'':<20} {line}", Tone.DIM) for line in f"help: {finding.hint}".splitlines()]
    states = [finding.state for finding in checkup.findings]
    errors, warnings = states.count(State.ERROR), states.count(State.WARNING)
    verdict = f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
    if errors:
        return (*lines, Line(f"NOT READY {checkup.environment}: {verdict}", Tone.BAD))
    return (*lines, Line(f"READY {checkup.environment}: {verdict}", Tone.GOOD))
