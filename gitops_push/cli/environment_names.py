"""Completes the names of environments in a shell: reads gitops-push.yaml only, and never fails or prints."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from gitops_push.cli.session import Session
from gitops_push.core.errors import GitopsPushError


def complete_environment(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the environments whose names begin so, without those on the line already; else leave it to paths."""
    chosen = ctx.params.get("environments") or ()
    names = [name for name in _names(ctx) if name.startswith(incomplete) and name not in chosen]
    return [CompletionItem(name) for name in names] or [CompletionItem(incomplete, type="file")]


def _names(ctx: click.Context) -> tuple[str, ...]:
    from gitops_push.workflow.commands import environment_names
    from gitops_push.workflow.settings import Settings

    session = ctx.find_object(Session)
    directory = Path(ctx.params.get("directory") or ".")
    settings = Settings(
        directory=directory,
        environ=session.environ if session else {},
        config_file=ctx.params.get("config") or "",
    )
    try:
        return environment_names(settings)
    except (GitopsPushError, OSError, ValueError):  # no repo, a config with mistakes: the command itself will say so
        return ()
