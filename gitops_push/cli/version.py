"""`gitops-push version`."""

from __future__ import annotations

import platform

import click

from gitops_push import __version__


@click.command("version")
def version_command() -> None:
    """Print the version, and that of Python."""
    click.echo(f"gitops-push {__version__} (Python {platform.python_version()}, {platform.system()})")
