"""The flags of `kustomize build`, by their own names, so that a command line for it works here."""

from __future__ import annotations

from typing import Any

import click

from gitops_push.cli.options import chained, option
from gitops_push.core.build_options import Reorder
from gitops_push.workflow.kustomize_flags import ROOT_ONLY, UNRESTRICTED, KustomizeFlags

_NO_CONTAINERS = "functions in containers are not run; run them as programs of the repo (exec) with --enable-exec"


def _refused(_: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Refuse a flag of kustomize that only containers heed: to accept it would promise something."""
    if value:
        raise click.UsageError(f"{parameter.opts[0]} is not supported: {_NO_CONTAINERS}")


def _variables(_: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    for item in value:
        if not item.partition("=")[0].replace("_", "a").isalnum():
            raise click.BadParameter(f"{item!r} is neither NAME=VALUE nor NAME", param=parameter)
    return value


kustomize_options = chained(
    option(
        "--reorder",
        type=click.Choice([order.value for order in Reorder]),
        default=None,
        help="Order of the objects where the kustomization has no sortOptions (default: legacy).",
    ),
    option(
        "--load-restrictor",
        type=click.Choice([ROOT_ONLY, UNRESTRICTED]),
        default=None,
        help=f"{UNRESTRICTED} lets a kustomization name files outside its directory, anywhere in the repo.",
    ),
    option("--enable-helm", is_flag=True, help="Render helmCharts with the helm on the PATH, offline."),
    option("--helm-command", default=None, metavar="PROGRAM", help="The helm to use."),
    option("--helm-kube-version", default=None, metavar="VERSION", help="Version of Kubernetes that charts are told."),
    option(
        "--helm-api-versions", multiple=True, metavar="VERSION", help="API version that charts are told. Repeatable."
    ),
    option("--helm-debug", is_flag=True, help="Have helm say more when it fails."),
    option("--enable-alpha-plugins", is_flag=True, help="Allow KRM functions, together with --enable-exec."),
    option(
        "--enable-exec", is_flag=True, help="Run KRM functions that are programs in the repo. Not for untrusted repos!"
    ),
    option(
        "-e",
        "--env",
        "function_environment",
        multiple=True,
        metavar="NAME[=VALUE]",
        callback=_variables,
        help="A variable that functions get. Repeatable.",
    ),
    option(
        "--as-current-user", is_flag=True, help="Accepted for kustomize's sake: functions always run as who builds."
    ),
    option("--git-outside", is_flag=True, help="Let file:// bases be git repositories outside the repo."),
    option(
        "--enable-managedby-label",
        "managed_by_label",
        is_flag=True,
        help="Label all objects app.kubernetes.io/managed-by.",
    ),
    option("--mount", multiple=True, metavar="MOUNT", callback=_refused, expose_value=False, help="Refused."),
    option("--network", is_flag=True, callback=_refused, expose_value=False, help="Refused: no function gets it."),
    option("--network-name", default=None, metavar="NAME", callback=_refused, expose_value=False, help="Refused."),
)


def kustomize_flags(parameters: dict[str, Any]) -> KustomizeFlags:
    """Return the flags among the parameters of a command that has `kustomize_options`."""
    names = KustomizeFlags.__dataclass_fields__
    return KustomizeFlags(**{name: parameters[name] for name in names if name in parameters})
