"""`gitops-push status`."""

from __future__ import annotations

from typing import Any

import click

from gitops_push.cli.options import cluster_options, console_options, output, repo_options, targets
from gitops_push.cli.reporting import FORMATS, Report, report_each
from gitops_push.cli.session import Session
from gitops_push.cli.settings import chosen_environments, settings_of, watcher_of
from gitops_push.reports.json_report import document, status_data
from gitops_push.reports.status_text import status_lines
from gitops_push.workflow.commands import status


@click.command("status")
@targets
@output(*FORMATS)
@cluster_options
@repo_options
@console_options
@click.pass_obj
def status_command(session: Session, /, **parameters: Any) -> int:
    """Show what an environment owns in the cluster, with its health. Never writes."""
    settings = settings_of(session, parameters)
    watcher = watcher_of(session)
    names = chosen_environments(settings, parameters, watcher)

    def run(name: str) -> Report:
        header, report = status(settings, name, watcher)
        refs = tuple(str(found.ref) for found in report.objects)
        return Report(0, status_lines(report, header), document("Status", header, status_data(report), 0), refs)

    return report_each(session, "Status", parameters["outputs"], names, run)
