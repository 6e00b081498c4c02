"""`gitops-push drift`."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import click

from gitops_push.cli.exits import CHANGES
from gitops_push.cli.options import (
    NameList,
    cluster_options,
    console_options,
    dry_run_option,
    option,
    output,
    repo_options,
    targets,
    verify_option,
)
from gitops_push.cli.reporting import CI_FORMATS, FORMATS, Report, report_each
from gitops_push.cli.session import Session
from gitops_push.cli.settings import chosen_environments, settings_of, watcher_of
from gitops_push.core.drift import Cause
from gitops_push.reports.drift_overview import drift_overview
from gitops_push.reports.drift_text import drift_lines
from gitops_push.reports.json_report import document, drift_data
from gitops_push.workflow.commands import drift


def _word(cause: Cause) -> str:
    return cause.value.replace(" ", "-")


CAUSES: Final = tuple(map(_word, Cause))
COUNTED: Final = ",".join(word for word in CAUSES if word != "git-ahead")


@click.command("drift")
@targets
@option("--exit-code", is_flag=True, help="End with 3 when there is drift.")
@option(
    "--fail-on",
    type=NameList(*CAUSES),
    default=COUNTED,
    show_default=True,
    help=f"Which causes --exit-code is about, of {', '.join(CAUSES)}.",
)
@option("--unmanaged", is_flag=True, help="List also what has this environment's label and is in no inventory.")
@dry_run_option
@verify_option("all")
@output(*FORMATS, *CI_FORMATS)
@cluster_options
@repo_options
@console_options
@click.pass_obj
def drift_command(session: Session, /, **parameters: Any) -> int:
    """Report once what differs between the cluster and the config. Never writes."""
    settings = settings_of(session, parameters)
    watcher = watcher_of(session)
    chosen = chosen_environments(settings, parameters, watcher)

    def run(name: str) -> Report:
        header, report = drift(settings, name, watcher)
        counts = any(_word(drifted.counts_as) in parameters["fail_on"] for drifted in report.drifted)
        code = CHANGES if parameters["exit_code"] and counts else 0
        names = tuple(str(drifted.ref) for drifted in report.drifted)
        silent = session.console.quiet and not report.drifted and not report.unmanaged
        lines = () if silent else drift_lines(report, header)
        data = document("Drift", header, drift_data(report), code)
        overview = partial(drift_overview, report, header, exit_code=code)
        return Report(code, lines, data, names, overview=overview)

    return report_each(session, "Drift", parameters["outputs"], chosen, run)
