"""`gitops-push destroy`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from gitops_push.cli.deploying import deploy_options, deployment_report, needs_answer, plan_confirmation
from gitops_push.cli.environment_names import complete_environment
from gitops_push.cli.options import cluster_options, console_options, option, output, repo_options
from gitops_push.cli.reporting import CI_FORMATS, FORMATS, Report, report_each
from gitops_push.cli.session import Session
from gitops_push.cli.settings import settings_of, watcher_of
from gitops_push.core.plan import Action
from gitops_push.core.run import RunHeader
from gitops_push.reports.json_report import document
from gitops_push.reports.lines import Line, Tone, counted
from gitops_push.workflow.destroying import Destroyed, DestroyRequest, destroy


@click.command("destroy")
@click.argument("environment", metavar="[ENV]", default="", shell_complete=complete_environment)
@option("--inventory", default="", metavar="NAMESPACE/NAME", help="An inventory, instead of an environment.")
@option(
    "--include-kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    help="Also delete objects of this kind, like Namespace or PersistentVolumeClaim. Repeatable.",
)
@deploy_options
@output(*FORMATS, *CI_FORMATS)
@cluster_options
@repo_options
@console_options
@click.pass_obj
def destroy_command(session: Session, /, **parameters: Any) -> int:
    """Delete everything that an environment owns, in reverse order, and then its records."""
    name, place = parameters["environment"], parameters["inventory"]
    if bool(name) == bool(place):
        raise click.UsageError("name an environment, or an inventory by --inventory NAMESPACE/NAME")
    settings, watcher = settings_of(session, parameters), watcher_of(session)
    shown = {**parameters, "show_server_changes": False, "environment": name or f"--inventory {place}"}
    needs_answer(session, shown)

    def run(_: str) -> Report:
        wanted = DestroyRequest(name, place, parameters["kinds"])
        header, done = destroy(settings, wanted, watcher, plan_confirmation(session, shown))
        return _report(session, shown, header, done)

    return report_each(session, "Deployment", parameters["outputs"], [name or place], run)


def _report(session: Session, shown: dict[str, Any], header: RunHeader, done: Destroyed) -> Report:
    name = header.environment
    if done.deployment is None:
        lines = (Line(f"NOT DEPLOYED {name}: there is nothing to destroy"),)
        return Report(0, lines, document("Deployment", header, {"wrote": False, "outcomes": []}, 0))
    report = deployment_report(session, shown, header, done.deployment)
    kept = [change for change in done.deployment.plan.changes if change.action is Action.KEPT]
    if done.records_gone:
        last = Line(f"DESTROYED {name}: nothing is left of it", Tone.UPDATE)
    elif kept:
        last = Line(f"NOT ALL DESTROYED {name}: {counted(len(kept), 'object')} kept, and in the inventory", Tone.UPDATE)
    else:
        last = Line(f"NOT ALL DESTROYED {name}: run the same command again", Tone.BAD)
    return replace(report, lines=(*report.lines, last))
