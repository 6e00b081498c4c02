"""`gitops-push diff`."""

from __future__ import annotations

import shlex
from functools import partial
from typing import Any

import click

from gitops_push.cli.build_diff import report_build_diffs
from gitops_push.cli.exits import CHANGES
from gitops_push.cli.options import (
    cluster_options,
    console_options,
    dry_run_option,
    option,
    output,
    plan_options,
    repo_options,
    targets,
    verify_option,
)
from gitops_push.cli.reporting import CI_FORMATS, FORMATS, PLAN, Outputs, Report, report_each
from gitops_push.cli.session import Session
from gitops_push.cli.settings import chosen_environments, settings_of, watcher_of
from gitops_push.core.plan import Action
from gitops_push.reports.json_report import document, plan_data
from gitops_push.reports.plan_file import plan_document
from gitops_push.reports.plan_overview import plan_overview
from gitops_push.reports.plan_text import plan_lines
from gitops_push.workflow.commands import diff


@click.command("diff")
@targets
@option("--exit-code", is_flag=True, help="End with 3 when there are changes.")
@option(
    "--base",
    default="",
    metavar="REF",
    help="Compare with the build of another commit instead of a cluster: no credential, no request.",
)
@dry_run_option
@plan_options
@verify_option("all")
@output(*FORMATS, *CI_FORMATS, PLAN)
@cluster_options
@repo_options
@console_options
@click.pass_obj
def diff_command(session: Session, /, **parameters: Any) -> int:
    """Show what apply would do, by server-side dry run. Never writes."""
    settings = settings_of(session, parameters)
    watcher = watcher_of(session)
    saves_plan = bool(_plan_files(parameters["outputs"]))
    if saves_plan and (parameters["base"] or not settings.dry_run):
        raise click.UsageError("-o plan needs the server's dry run: leave out --base and --no-dry-run")
    if parameters["base"]:
        return report_build_diffs(session, settings, watcher, parameters)
    names = chosen_environments(settings, parameters, watcher)

    def run(name: str) -> Report:
        header, plan = diff(settings, name, watcher)
        settled = not plan.has_changes and not plan.count(Action.BLOCKED)
        code = CHANGES if parameters["exit_code"] and not settled else 0
        changed = tuple(str(change.ref) for change in plan.changes if change.action is not Action.UNCHANGED)
        server = parameters["show_server_changes"]
        following = _next_command(name, parameters["outputs"])
        lines = plan_lines(plan, header, following, server_fields=server)
        data = document("Diff", header, plan_data(plan, server_fields=server), code)
        saved = plan_document(plan, header, session.console.without_secrets) if saves_plan else None
        overview = partial(plan_overview, plan, header, following, exit_code=code)
        return Report(code, lines, data, changed, saved, overview)

    return report_each(session, "Diff", parameters["outputs"], names, run)


def _next_command(name: str, outputs: Outputs) -> str:
    saved = _plan_files(outputs)
    return f"gitops-push apply {name}" + (f" --plan {shlex.quote(saved[0])}" if saved else "")


def _plan_files(outputs: Outputs) -> list[str]:
    return [file for format_name, file in outputs if format_name == PLAN]
