"""`gitops-push inventory`: the inventories themselves."""

from __future__ import annotations

import shlex
from typing import Any

import click

from gitops_push.cli.environment_names import complete_environment
from gitops_push.cli.exits import NotConfirmed
from gitops_push.cli.options import cluster_options, console_options, option, output, repo_options, target
from gitops_push.cli.reporting import FORMATS, Report, report_each
from gitops_push.cli.session import Session
from gitops_push.cli.settings import settings_of, watcher_of
from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem, UsageError
from gitops_push.core.inventory import Inventory
from gitops_push.core.membership import ProposedRecord
from gitops_push.core.run import RunHeader
from gitops_push.reports.inventory_text import (
    list_data,
    list_lines,
    move_data,
    move_lines,
    move_verdict,
    record_data,
    record_lines,
    record_verdict,
)
from gitops_push.reports.json_report import document
from gitops_push.reports.lines import counted
from gitops_push.workflow.inventories import adopt, list_inventories, move


@click.group("inventory")
def inventory_command() -> None:
    """List the inventories of a cluster, make one anew that was lost, or rename one."""


@inventory_command.command("list")
@click.argument("environment", metavar="[ENV]", default="", shell_complete=complete_environment)
@option("--orphaned", is_flag=True, help="Only those of this project whose environment the config has not any more.")
@output(*FORMATS)
@cluster_options
@repo_options
@console_options
@click.pass_obj
def list_command(session: Session, /, **parameters: Any) -> int:
    """List the inventories of the cluster of ENV, or of the only cluster of the config. Never writes."""
    settings, watcher = settings_of(session, parameters), watcher_of(session)

    def run(name: str) -> Report:
        listed = list_inventories(settings, name, watcher, orphaned=parameters["orphaned"])
        data = document("Inventories", None, list_data(listed.found, listed.notes), 0)
        names = tuple(str(summary.place) for summary in listed.found)
        return Report(0, list_lines(listed.found, listed.notes), data, names)

    return report_each(session, "Inventories", parameters["outputs"], [parameters["environment"]], run)


@inventory_command.command("adopt")
@target
@option("-y", "--yes", is_flag=True, help="Do not ask; needed without a terminal.")
@option(
    "--include",
    multiple=True,
    metavar="KIND/NAME",
    help="Adopt also this object, which carries the label but was not applied by gitops-push. Repeatable.",
)
@output(*FORMATS)
@cluster_options
@repo_options
@console_options
@click.pass_obj
def adopt_command(session: Session, /, **parameters: Any) -> int:
    """Make the inventory of ENV anew of the objects that carry its label, or add to it what it lacks."""
    settings, watcher = settings_of(session, parameters), watcher_of(session)
    _check_can_ask(session, parameters, f"inventory adopt {shlex.quote(parameters['environment'])}")

    def confirm(header: RunHeader, proposed: ProposedRecord) -> None:
        show = session.console.note_unless_quiet if parameters["yes"] else session.console.note
        show(record_lines(proposed, header))
        question = f"write {counted(len(proposed.gained), 'object')} into {proposed.inventory.place}? [y/N]"
        if proposed.writes and not parameters["yes"]:
            _ask(session, question)

    def run(name: str) -> Report:
        header, proposed = adopt(settings, name, watcher, confirm, parameters["include"])
        data = document("Adoption", header, record_data(proposed), 0)
        names = tuple(str(member.entry.ref) for member in proposed.gained)
        return Report(0, (record_verdict(proposed, header),), data, names)

    return report_each(session, "Adoption", parameters["outputs"], [parameters["environment"]], run)


@inventory_command.command("move")
@click.argument("source", metavar="FROM")
@click.argument("environment", metavar="TO", shell_complete=complete_environment)
@option("-y", "--yes", is_flag=True, help="Do not ask; needed without a terminal.")
@output(*FORMATS)
@cluster_options
@repo_options
@console_options
@click.pass_obj
def move_command(session: Session, /, **parameters: Any) -> int:
    """Give all of an inventory to that of the environment TO, and delete its record.

    FROM is an earlier name of the environment, or a NAMESPACE/NAME of `inventory list`. The objects get the label of
    the new inventory with the next apply.
    """
    settings, watcher = settings_of(session, parameters), watcher_of(session)
    source, environment = parameters["source"], parameters["environment"]
    _check_can_ask(session, parameters, f"inventory move {shlex.quote(source)} {shlex.quote(environment)}")

    def confirm(header: RunHeader, moved: Inventory) -> None:
        show = session.console.note_unless_quiet if parameters["yes"] else session.console.note
        show(move_lines(moved, header))
        if not parameters["yes"]:
            _ask(session, f"move {counted(len(moved.entries), 'object')} to {moved.place}? [y/N]")

    def run(name: str) -> Report:
        header, moved = move(settings, source, name, watcher, confirm)
        return Report(
            0, (move_verdict(moved, header),), document("Move", header, move_data(moved), 0), (str(moved.place),)
        )

    return report_each(session, "Move", parameters["outputs"], [environment], run)


def _check_can_ask(session: Session, parameters: dict[str, Any], command: str) -> None:
    if not parameters["yes"] and not session.console.can_ask:
        problem = Problem(
            Code.USAGE, "there is no terminal to ask for confirmation", hint=f"run: gitops-push {command} --yes"
        )
        raise UsageError(problem)


def _ask(session: Session, question: str) -> None:
    """At a terminal only; anything but yes means no."""
    if session.console.ask(question).lower() not in {"y", "yes"}:
        raise NotConfirmed
