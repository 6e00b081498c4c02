"""`gitops-push history`."""

from __future__ import annotations

from typing import Any

import click

from gitops_push.cli.options import cluster_options, console_options, output, repo_options, target
from gitops_push.cli.reporting import FORMATS, Report, report_each
from gitops_push.cli.session import Session
from gitops_push.cli.settings import settings_of, watcher_of
from gitops_push.reports.history_text import history_data, history_lines
from gitops_push.reports.json_report import document
from gitops_push.workflow.recorded import recorded


@click.command("history")
@target
@output(*FORMATS)
@cluster_options
@repo_options
@console_options
@click.pass_obj
def history_command(session: Session, /, **parameters: Any) -> int:
    """Show what was deployed in an environment when, by whom, and how it ended. Never writes."""
    settings, watcher = settings_of(session, parameters), watcher_of(session)

    def run(name: str) -> Report:
        header, found = recorded(settings, name, watcher)
        hold = found.history.hold
        data = document("History", header, history_data(found.entries, hold), 0)
        names = tuple(entry.commit for entry in found.entries)
        return Report(0, history_lines(found.entries, hold, header), data, names)

    return report_each(session, "History", parameters["outputs"], [parameters["environment"]], run)
