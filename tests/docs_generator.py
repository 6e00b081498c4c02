"""`make docs`: writes the reference pages that are made from the code; a test proves that they are up to date."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from gitops_push.cli.main import COMMANDS, cli
from gitops_push.core.causes import CauseCode
from gitops_push.core.codes import Code
from gitops_push.repo.config_docs import write_docs

_TABLE_START = "| code | passes by itself? | what has happened | what to do |\n|---|---|---|---|\n"
_TABLE_END = "\n## When the wait ends early"
DOCS = Path(__file__).parents[1] / "docs"


def cli_reference() -> str:
    """Return docs/reference/cli.md: every command, argument, flag and environment variable."""
    lines = [
        "# Command line",
        "",
        "Made from the program by `make docs`. Flags come before environment variables, those before",
        "`gitops-push.yaml`, and that before defaults. ENV is an environment of `gitops-push.yaml`, or a path like",
        "`./apps/my-app/overlays/prod`.",
        "",
    ]
    for name in COMMANDS:
        lines += _command(name)
    return "\n".join(lines) + "\n"


def _command(name: str) -> Iterator[str]:
    context = click.Context(cli, info_name="gitops-push")
    command = cli.get_command(context, name)
    assert command is not None
    yield from _section(name, command, click.Context(command, info_name=name, parent=context))


def _section(name: str, command: click.Command, inner: click.Context) -> Iterator[str]:
    yield from (f"## {name}", "", f"`{command.get_usage(inner).removeprefix('Usage: ')}`", "", command.help or "", "")
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    if options:
        yield from ("| flag | variable | what |", "|---|---|---|")
        yield from (_row(option, inner) for option in options)
        yield ""
    for part, below in command.commands.items() if isinstance(command, click.Group) else ():
        yield from _section(f"{name} {part}", below, click.Context(below, info_name=part, parent=inner))


def _row(option: click.Option, context: click.Context) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    metavar = "" if option.is_flag else f" {option.make_metavar(context)}"
    variable = f"`{option.envvar}`" if isinstance(option.envvar, str) else ""
    default = f" Default: {option.default}." if option.show_default else ""
    return f"| {names}{metavar.replace('|', ' or ')} | {variable} | {(option.help or '')}{default} |"


def codes_reference() -> str:
    """Return docs/reference/codes.md: the stable codes of all problems."""
    rows = [
        f"| `{code.value}` | {code.name.lower().replace('_', ' ')} |" for code in sorted(Code, key=lambda c: c.value)
    ]
    intro = "# Codes of problems\n\nMessages may be reworded; a code never changes its meaning.\n\n"
    intro += "| code | what |\n|---|---|\n"
    return intro + "\n".join(rows) + "\n"


def diagnosis_reference() -> str:
    """Return docs/reference/diagnosis.md: the rules as they are written there, and the table of codes."""
    page = (DOCS / "reference" / "diagnosis.md").read_text()
    before, start, rest = page.partition(_TABLE_START)
    _, end, after = rest.partition(_TABLE_END)
    rows = (
        f"| `{code.value}` | {'transient' if code.transient else 'permanent'} | {code.meaning} | {code.hint} |"
        for code in CauseCode
    )
    return f"{before}{start}" + "\n".join(rows) + f"\n{end}{after}"


def main() -> int:
    """Write all generated pages."""
    write_docs(DOCS)
    (DOCS / "reference" / "cli.md").write_text(cli_reference())
    (DOCS / "reference" / "codes.md").write_text(codes_reference())
    (DOCS / "reference" / "diagnosis.md").write_text(diagnosis_reference())
    return 0


if __name__ == "__main__":
    sys.exit(main())
