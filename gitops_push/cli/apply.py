"""`gitops-push apply`."""

from __future__ import annotations

from typing import Any

import click

from gitops_push.cli.deploying import (
    deploy_options,
    deployment_report,
    needs_answer,
    plan_confirmation,
    superseded_report,
)
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
from gitops_push.core.deployment import Superseded
from gitops_push.workflow.approval import read_approval
from gitops_push.workflow.commands import apply


@click.command("apply")
@target
@deploy_options
@option("--allow-dirty", is_flag=True, help="Apply a protected environment from a checkout with changes.")
@option("--allow-rollback", is_flag=True, help="Apply a commit that is not after the deployed one.")
@option(
    "--on-superseded",
    type=click.Choice(["skip", "fail"]),
    default="skip",
    show_default=True,
    help="What to do when a newer commit is deployed already.",
)
@option("--ignore-dependencies", is_flag=True, help="Apply whatever is deployed of what dependsOn names.")
@option("--plan", "plan_file", default="", metavar="FILE", help="Apply exactly this plan of `diff -o plan=FILE`.")
@option("--approved-digest", default="", metavar="DIGEST", help="Apply exactly the plan with this digest.")
@option(
    "--on-stale",
    type=click.Choice(["fail", "replan"]),
    default="fail",
    show_default=True,
    help="What to do when something else would happen than was approved.",
)
@plan_options
@verify_option("all")
@output(*FORMATS, *CI_FORMATS)
@cluster_options
@repo_options
@console_options
@click.pass_obj
def apply_command(session: Session, /, **parameters: Any) -> int:
    """Plan, confirm, apply, wait until healthy, prune, and record what was done."""
    settings = settings_of(session, parameters)
    watcher = watcher_of(session)

    approval = read_approval(
        parameters["plan_file"], parameters["approved_digest"], replans=parameters["on_stale"] == "replan"
    )

    needs_answer(session, parameters, approved=approval is not None)

    def run(name: str) -> Report:
        confirm = plan_confirmation(session, parameters, approval)
        header, deployment = apply(settings, name, watcher, confirm, approval)
        if isinstance(deployment, Superseded):
            return superseded_report(header, deployment)
        return deployment_report(session, parameters, header, deployment)

    return report_each(session, "Deployment", parameters["outputs"], [parameters["environment"]], run)
