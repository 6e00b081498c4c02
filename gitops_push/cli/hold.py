"""`gitops-push hold`."""

from __future__ import annotations

from typing import Any

import click

from gitops_push.cli.options import Duration, cluster_options, console_options, option, output, repo_options, target
from gitops_push.cli.reporting import FORMATS, Report, report_each
from gitops_push.cli.session import Session
from gitops_push.cli.settings import settings_of, watcher_of
from gitops_push.reports.history_text import hold_data
from gitops_push.reports.json_report import document
from gitops_push.reports.lines import Line, Tone
from gitops_push.workflow.holding import hold


@click.command("hold")
@target
@option("--reason", required=True, metavar="TEXT", help="Why; whoever wants to deploy reads it.")
@option("--for", "seconds", type=Duration(), default=None, help="For how long, like 4h (default: until resume).")
@output(*FORMATS)
@cluster_options
@repo_options
@console_options
@click.pass_obj
def hold_command(session: Session, /, **parameters: Any) -> int:
    """Stop deployments to an environment: apply ends with 16 and says who holds it and why."""
    settings, watcher = settings_of(session, parameters), watcher_of(session)

    def run(name: str) -> Report:
        header, made = hold(settings, name, watcher, parameters["reason"], parameters["seconds"])
        lines = (
            Line(f"ON HOLD {header.environment} {made}", Tone.UPDATE),
            Line(f"next: gitops-push resume {header.environment}", Tone.DIM),
        )
        return Report(0, lines, document("Hold", header, {"hold": hold_data(made)}, 0))

    return report_each(session, "Hold", parameters["outputs"], [parameters["environment"]], run)
