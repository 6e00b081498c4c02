"""`gitops-push rollback`."""

from __future__ import annotations

from typing import Any

import click

from gitops_push.cli.deploying import deploy_options, deployment_report, needs_answer, plan_confirmation
from gitops_push.cli.options import (
    cluster_options,
    console_options,
    option,
    output,
    plan_options,
    repo_options,
    target,
    verify_option,
)
from gitops_push.cli.reporting import CI_FORMATS, FORMATS, Report, report_each
from gitops_push.cli.session import Session
from gitops_push.cli.settings import settings_of, watcher_of
from gitops_push.workflow.rolling_back import roll_back


@click.command("rollback")
@target
@option("--to", default="", metavar="COMMIT", help="The commit to go back to (default: the last that was healthy).")
@option(
    "--hold/--no-hold",
    "holds",
    default=True,
    show_default=True,
    help="Hold the environment afterwards, so that the next pipeline does not undo it.",
)
@deploy_options
@plan_options
@verify_option("all")
@output(*FORMATS, *CI_FORMATS)
@cluster_options
@repo_options
@console_options
@click.pass_obj
def rollback_command(session: Session, /, **parameters: Any) -> int:
    """Plan an earlier commit, confirm, apply, wait, prune, and hold the environment there."""
    settings, watcher = settings_of(session, parameters), watcher_of(session)
    needs_answer(session, parameters)

    def run(name: str) -> Report:
        confirm = plan_confirmation(session, parameters)
        header, deployment = roll_back(settings, name, watcher, confirm, to=parameters["to"], holds=parameters["holds"])
        return deployment_report(session, parameters, header, deployment)

    return report_each(session, "Deployment", parameters["outputs"], [parameters["environment"]], run)
