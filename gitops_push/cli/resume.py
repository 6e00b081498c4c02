"""`gitops-push resume`."""

from __future__ import annotations

from typing import Any

import click

from gitops_push.cli.options import cluster_options, console_options, output, repo_options, target
from gitops_push.cli.reporting import FORMATS, Report, report_each
from gitops_push.cli.session import Session
from gitops_push.cli.settings import settings_of, watcher_of
from gitops_push.reports.history_text import hold_data
from gitops_push.reports.json_report import document
from gitops_push.reports.lines import Line, Tone
from gitops_push.workflow.holding import resume


@click.command("resume")
@target
@output(*FORMATS)
@cluster_options
@repo_options
@console_options
@click.pass_obj
def resume_command(session: Session, /, **parameters: Any) -> int:
    """End the hold of an environment: it can be deployed again."""
    settings, watcher = settings_of(session, parameters), watcher_of(session)

    def run(name: str) -> Report:
        header, ended = resume(settings, name, watcher)
        text = f"RESUMED {header.environment}: it was on hold {ended}" if ended else f"NOT ON HOLD {header.environment}"
        return Report(
            0, (Line(text, Tone.GOOD),), document("Hold", header, {"hold": None, "ended": hold_data(ended)}, 0)
        )

    return report_each(session, "Hold", parameters["outputs"], [parameters["environment"]], run)
