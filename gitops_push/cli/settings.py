"""From click's parameters to the workflow's settings and back to the session."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops_push.ci.identity import run_identity
from gitops_push.cli.kustomize_options import kustomize_flags
from gitops_push.cli.session import Session
from gitops_push.core.codes import Code
from gitops_push.core.errors import ConfigError, Problem
from gitops_push.reports.lines import Line, Tone
from gitops_push.workflow.commands import environment_names
from gitops_push.workflow.settings import Settings, Watcher

if TYPE_CHECKING:
    from gitops_push.core.deployment import Outcome


def settings_of(session: Session, parameters: dict[str, Any]) -> Settings:
    """Return the settings among a command's parameters; also sets up the console from its flags."""
    session.console.configure(
        color=parameters.get("color", "auto"),
        quiet=parameters.get("quiet", False),
        verbose=parameters.get("verbose", False),
    )
    directory = Path(parameters.get("directory", "."))
    if not directory.is_dir():
        raise click.BadParameter(f"{str(directory)!r} is not a directory", param_hint="--directory")
    known = {field.name for field in fields(Settings)} - {"directory", "environ", "identity", "in_ci", "kustomize"}
    renamed = {
        "config": "config_file",
        "timeout": "timeout_seconds",
        "soak": "soak_seconds",
        "lock_wait": "lock_wait_seconds",
    }
    values = {renamed.get(name, name): value for name, value in parameters.items()}
    return Settings(
        directory=directory,
        environ=session.environ,
        in_ci=session.in_ci,
        identity=run_identity(session.environ, os.uname().nodename),
        use_proxy=not values.pop("no_proxy", False),
        forget=_forget_credentials,
        kustomize=kustomize_flags(parameters),
        **{name: value for name, value in values.items() if name in known},
    )


def _show_failure(session: Session, outcome: Outcome) -> None:
    """Tell of a failure when it happens; what is not ready is known at the end only, and in the report."""
    from gitops_push.core.deployment import Result
    from gitops_push.reports.deployment_text import outcome_line

    if outcome.result in {Result.FAILED, Result.UNKNOWN}:
        session.console.note_unless_quiet([outcome_line(outcome)])


def _forget_credentials(variables: Iterable[str]) -> None:
    """Leave nothing of a credential where another process could read it; the session keeps its own copy."""
    from gitops_push.credentials.hardening import forget_variables, harden_process

    forget_variables(variables, os.environ)
    harden_process(os.environ)


def watcher_of(session: Session) -> Watcher:
    """Return who watches a run: the session's console and signals."""
    console = session.console
    return Watcher(
        working=console.working,
        progress=console.progress,
        warning=lambda text: console.note([Line(f"warning: {text}", Tone.UPDATE)]),
        root=session.found_root,
        secrets=session.found_secrets,
        outcome=lambda outcome: _show_failure(session, outcome),
        wrote=session.wrote_to_cluster,
        stop_wanted=session.signals.stop_wanted,
        deploying=session.signals.deploying,
        writing=session.signals.begin_writing,
    )


def chosen_environments(
    settings: Settings,
    parameters: Mapping[str, Any],
    watcher: Watcher,
    every: Callable[[Settings], tuple[str, ...]] = environment_names,
) -> tuple[str, ...]:
    """Return the environments that a command is about, or fail: none named, or names together with --all.

    `every` returns what --all means. To find none of all is an error, or a job that says --all would be green and do
    nothing; that a range of commits affects none is not.
    """
    names, all_of_them, asked = (parameters[name] for name in ("environments", "all_environments", "affected_by"))
    if sum(map(bool, (names, all_of_them, asked))) > 1:
        raise click.UsageError("either name environments, or say --all or --affected-by, not two of them")
    if asked:
        return _affected(settings, asked, watcher)
    if not all_of_them and not names:
        raise click.UsageError("name an environment of gitops-push.yaml or a path (or --all)")
    found = tuple(names) or every(settings)
    if not found:
        message = "--all finds nothing: there are no environments"
        hint = "`gitops-push init` writes a gitops-push.yaml; a path works without one"
        raise ConfigError(Problem(Code.ENVIRONMENT_UNKNOWN, message, hint=hint))
    return found


def _affected(settings: Settings, asked: str, watcher: Watcher) -> tuple[str, ...]:
    from gitops_push.workflow.affected import affected_environments

    affected = affected_environments(settings, asked, watcher)
    if not affected.environments:
        watcher.progress(f"no environment is affected by {asked}")
    for name in affected.gone:
        watcher.warning(gone_text(name, asked))
    return tuple(each.environment.name for each in affected.environments)


def gone_text(name: str, asked: str) -> str:
    """Return the line about an environment that only the beginning of a range of commits has."""
    return f"{name} is no longer in the config since {asked}; what it deployed stays: `gitops-push inventory list`"


def highest(codes: Iterable[int]) -> int:
    """Return the exit code of a run over several environments: the highest wins."""
    return max(codes, default=0)
