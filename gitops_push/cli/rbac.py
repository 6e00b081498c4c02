"""`gitops-push rbac`."""

from __future__ import annotations

from typing import Any

import click

from gitops_push.cli.options import console_options, option, repo_options, target
from gitops_push.cli.session import Session
from gitops_push.cli.settings import settings_of, watcher_of
from gitops_push.core.roles import Purpose
from gitops_push.workflow.roles import print_roles


@click.command("rbac")
@target
@option(
    "--for",
    "purpose",
    type=click.Choice([purpose.value for purpose in Purpose]),
    default=Purpose.DEPLOY.value,
    help="deploy; diff for pull requests, with a policy that lets it dry-run only; drift, which only reads.",
)
@option(
    "--service-account",
    "account",
    default="",
    metavar="NAMESPACE/NAME",
    help="Who gets the rights (default: gitops-push-ENV-PURPOSE in the environment's namespace).",
)
@repo_options
@console_options
@click.pass_obj
def rbac_command(session: Session, /, **parameters: Any) -> int:
    """Print the least role that a deployment, a plan or a drift report needs. Talks to no cluster.

    What it prints is for `kubectl apply -f -`, by somebody who may give these rights.
    """
    settings, watcher = settings_of(session, parameters), watcher_of(session)
    purpose = Purpose(parameters["purpose"])
    session.console.write_exact(
        print_roles(settings, parameters["environment"], purpose, parameters["account"], watcher)
    )
    return 0
