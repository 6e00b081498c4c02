"""`gitops-push init`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gitops_push.cli.options import console_options
from gitops_push.cli.session import Session
from gitops_push.cli.settings import settings_of
from gitops_push.core.codes import Code
from gitops_push.core.errors import ConfigError, Problem
from gitops_push.reports.lines import Line, Tone
from gitops_push.workflow.commands import propose_config


@click.command("init")
@click.option("-C", "--directory", default=".", metavar="DIR", help="Run as if started in this directory.")
@click.option("--print", "print_only", is_flag=True, help="Print the config instead of writing it.")
@console_options
@click.pass_obj
def init_command(session: Session, /, **parameters: Any) -> int:
    """Find overlays and plain directories, and write a commented gitops-push.yaml. Never overwrites one."""
    path, text = propose_config(settings_of(session, parameters))
    if parameters["print_only"]:
        session.console.write_exact(text)
        return 0
    _write_new(path, text)
    lines = [
        Line(f"wrote {path}", Tone.GOOD),
        Line("next: look it over, then `gitops-push environments` and `gitops-push validate --all`"),
    ]
    session.console.print(lines)
    return 0


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        message = f"{path.name} is there already, and is left as it is"
        hint = "print a proposal with --print and take from it what you need"
        raise ConfigError(Problem(Code.CONFIG_UNREADABLE, message, hint=hint)) from error
    except OSError as error:
        raise click.FileError(str(path), error.strerror or "cannot be written") from error
