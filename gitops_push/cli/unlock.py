"""`gitops-push unlock`."""

from __future__ import annotations

import shlex
from typing import Any

import click

from gitops_push.cli.exits import NotConfirmed
from gitops_push.cli.options import cluster_options, console_options, option, output, repo_options, target
from gitops_push.cli.reporting import FORMATS, Report, report_each
from gitops_push.cli.session import Session
from gitops_push.cli.settings import settings_of, watcher_of
from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem, UsageError
from gitops_push.core.run import RunHeader
from gitops_push.reports.json_report import document
from gitops_push.reports.lock_text import lock_data, lock_lines
from gitops_push.workflow.locks import FoundLock, unlock


@click.command("unlock")
@target
@option("--force", is_flag=True, help="Release it, whoever holds it; a run that lives writes nothing more.")
@option("-y", "--yes", is_flag=True, help="Do not ask; needed with --force without a terminal.")
@output(*FORMATS)
@cluster_options
@repo_options
@console_options
@click.pass_obj
def unlock_command(session: Session, /, **parameters: Any) -> int:
    """Show who holds the lock of an environment, and whether that run lives; --force releases it."""
    settings, watcher = settings_of(session, parameters), watcher_of(session)
    force, yes = parameters["force"], parameters["yes"]
    if force and not yes and not session.console.can_ask:
        command = f"gitops-push unlock {shlex.quote(parameters['environment'])} --force --yes"
        raise UsageError(Problem(Code.USAGE, "there is no terminal to ask for confirmation", hint=f"run: {command}"))

    def confirm(header: RunHeader, found: FoundLock) -> None:
        if yes:
            return
        session.console.note(lock_lines(found.state, header, lives=found.lives, released=False))
        lives = " of a run that lives" if found.lives else ""
        if session.console.ask(f"release the lock{lives}? [y/N]").lower() not in {"y", "yes"}:
            raise NotConfirmed

    def run(name: str) -> Report:
        header, found = unlock(settings, name, watcher, confirm, force=force)
        told = {"lives": found.lives, "released": found.released}
        data = document("Lock", header, lock_data(found.state, **told), 0)
        return Report(0, lock_lines(found.state, header, **told), data)

    return report_each(session, "Lock", parameters["outputs"], [parameters["environment"]], run)
