"""The command line: `gitops-push COMMAND`, each command loaded only when it runs."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import click

from gitops_push import __version__
from gitops_push.cli.console import Console
from gitops_push.cli.exits import exit_code_of
from gitops_push.cli.session import Session
from gitops_push.cli.signals import StopSignals

COMMANDS: Final = {
    "init": "Find overlays and plain directories, write a commented gitops-push.yaml.",
    "environments": "List the environments of this repository.",
    "build": "Print the manifest set of an environment.",
    "validate": "Build and check an environment offline.",
    "diff": "Show what apply would do, by server-side dry run.",
    "apply": "Plan, confirm, apply, wait until healthy, prune, record.",
    "drift": "Report once what differs between the cluster and the config.",
    "status": "Show what an environment owns in the cluster, with its health.",
    "completion": "Print the completion script of a shell.",
    "version": "Print the version.",
}
"""Also the order of `--help`; a command NAME is `NAME_command` in `cli/NAME.py`."""

EXIT_CODES: Final = """\b
Exit codes:
  0  done            2  wrong command line   3  changes or drift (--exit-code)
  10 configuration   11 no usable credential 12 cannot be built
  13 API server      14 dry run rejected     15 refused by a rule
  16 locked, on hold 17 plan is stale        20 failed after writing began
  21 not healthy     130/143 interrupted     1  a bug
1x: the cluster is untouched. 2x: look at the cluster."""


class LazyGroup(click.Group):
    """Loads the module of a command when it is called: `--help` and `completion` import nothing heavy."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return all commands in the order people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command, or None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"gitops_push.cli.{cmd_name}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands from the table, without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="gitops-push", message="%(prog)s %(version)s")
def cli() -> None:
    """Deploy a checked-out config repo to a Kubernetes cluster: build, server-side diff, apply, wait, drift report."""


def run(arguments: Sequence[str], environ: dict[str, str] | None = None) -> int:
    """Run the command line and return its exit code; everything it prints has been printed."""
    variables = dict(os.environ) if environ is None else environ
    session = new_session(variables)
    session.signals.install()

    def invoke() -> int:
        result: Any = cli.main(list(arguments), "gitops-push", standalone_mode=False, obj=session)
        return result if isinstance(result, int) else 0

    return exit_code_of(invoke, session)


def new_session(environ: dict[str, str]) -> Session:
    """Return the session of a fresh run on the real standard streams."""
    from gitops_push.ci.detection import detect_ci

    in_ci = detect_ci(environ) is not None
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    return Session(Console(sys.stdout, sys.stderr, environ, in_ci=in_ci), StopSignals(), environ, in_ci)
