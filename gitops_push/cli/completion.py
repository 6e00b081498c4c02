"""`gitops-push completion SHELL`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell; for bash: source <(gitops-push completion bash)."""
    maker = get_completion_class(shell)
    if maker is None:  # click.Choice has checked the name
        raise click.UsageError(f"no completion for {shell}", ctx)
    click.echo(maker(ctx.find_root().command, {}, "gitops-push", "_GITOPS_PUSH_COMPLETE").source())
