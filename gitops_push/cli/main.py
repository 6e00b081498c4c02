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
from gitops_push.core.suggestion import did_you_mean

COMMANDS: Final = {
    "init": "Write a commented gitops-push.yaml for what is in this repository.",
    "environments": "List the environments of this repository.",
    "build": "Print the manifest set of an environment.",
    "validate": "Build and check an environment offline.",
    "diff": "Show what apply would do, by server-side dry run.",
    "apply": "Plan, confirm, apply, wait until healthy, prune, record.",
    "drift": "Report once what differs between the cluster and the config.",
    "status": "Show what an environment owns in the cluster, with its health.",
    "history": "Show what was deployed in an environment, by whom, and how it ended.",
    "rollback": "Deploy an earlier commit again, and hold the environment there.",
    "destroy": "Delete everything that an environment owns.",
    "hold": "Stop deployments to an environment.",
    "resume": "End the hold of an environment.",
    "unlock": "Show who holds the lock of an environment, or release it.",
    "inventory": "List the inventories of a cluster, adopt a lost one, or rename one.",
    "doctor": "Check what a deployment needs, each with a fix.",
    "rbac": "Print the least role that a deployment, a plan or a drift report needs.",
    "credentials": "Keep kubeconfigs in the system's keyring.",
    "completion": "Print the completion script of a shell.",
    "version": "Print the version.",
}
"""Also the order of `--help`; a command NAME is `NAME_command` in `cli/NAME.py`."""

EXIT_CODES: Final = """\b
Exit codes:
  0  done            2  wrong command line   3  changes or drift (--exit-code)
  10 configuration   11 no usable credential 12 cannot be built
  13 API server      14 dry run rejected     15 refused by a rule
  16 not now, retry   17 plan is stale        20 failed after writing began
  21 not healthy     130/143 interrupted     1  a bug
1x: the cluster is untouched. 2x: look at the cluster."""


_TARGET: Final = "ENV is an environment of gitops-push.yaml, or a path like ./apps/my-app/overlays/prod."
_VARIABLES: Final = "Long options can be set by variables too: --max-prune by GITOPS_PUSH_MAX_PRUNE."
_READING: Final = "Exit codes: 0 done, 10 to 17 it could not be done; all of them: gitops-push --help."
_COMPARING: Final = (
    "Exit codes: 0 done, 3 there are differences (with --exit-code), 10 to 17 it could not be done; "
    "all of them: gitops-push --help."
)
_WRITING: Final = (
    "Exit codes: 0 done and healthy, 10 to 17 nothing was written, 20 failed after writing began, "
    "21 applied but not healthy; all of them: gitops-push --help."
)
_EPILOGS: Final = {
    "init": (_READING,),
    "environments": (_VARIABLES, _READING),
    "build": (_TARGET, _VARIABLES, _READING),
    "validate": (_TARGET, _VARIABLES, _READING),
    "diff": (_TARGET, _VARIABLES, _COMPARING),
    "apply": (_TARGET, _VARIABLES, _WRITING),
    "drift": (_TARGET, _VARIABLES, _COMPARING),
    "status": (_TARGET, _VARIABLES, _READING),
    "history": (_TARGET, _VARIABLES, _READING),
    "rollback": (_TARGET, _VARIABLES, _WRITING),
    "destroy": (_TARGET, _VARIABLES, _WRITING),
    "hold": (_TARGET, _VARIABLES, _READING),
    "resume": (_TARGET, _VARIABLES, _READING),
    "unlock": (_TARGET, _VARIABLES, _READING),
    "doctor": (_TARGET, _VARIABLES, _COMPARING),
    "rbac": (_TARGET, _VARIABLES, _READING),
    "credentials": (_VARIABLES, _READING),
    "inventory": (_TARGET, _VARIABLES, _READING),
}


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
        below = command.commands.values() if isinstance(command, click.Group) else ()
        for each in (command, *below):
            each.epilog = "\n\n".join(_EPILOGS.get(cmd_name, ()))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return what click finds; of an unknown command say which one may be meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"there is no command {args[0]!r}{did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

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
