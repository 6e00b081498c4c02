"""Flags that several commands share. Each may also be set by an environment variable: GITOPS_PUSH_ and its name."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from gitops_push.cli.environment_names import complete_environment
from gitops_push.core.takeovers import OWNER_FORMS, is_owner

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Decorator = Callable[[Decorated], Decorated]

_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def option(*names: str, **attributes: Any) -> Callable[[Decorated], Decorated]:
    """Return a click option whose environment variable is made of its long name: --max-prune, GITOPS_PUSH_MAX_PRUNE."""
    long = next(name for name in names if name.startswith("--")).partition("/")[0]
    variable = "GITOPS_PUSH_" + long.removeprefix("--").replace("-", "_").upper()
    return click.option(*names, envvar=variable, **attributes)


class Duration(click.ParamType[float]):
    """A duration as Go writes it: 90s, 5m, 1h30m; the value is in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds, or fail naming the form."""
        if isinstance(value, (int, float)):
            return float(value)
        parts = re.findall(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)(ms|h|m|s)", str(value))
        if not parts or "".join(number + unit for number, unit in parts) != value:
            self.fail(f"{value!r} is not a duration; write it like 90s, 5m or 1h30m", param, ctx)
        return float(sum(float(number) * _UNITS[unit] for number, unit in parts))


class PruneLimit(click.ParamType[tuple[int | None, int | None]]):
    """A number of objects (12) or a share of the inventory (20%)."""

    name = "N|N%"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int | None, int | None]:
        """Return (count, percent), one of them None."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"([0-9]{1,9})(%?)", str(value))
        if not found or (found[2] and int(found[1]) > 100):
            self.fail(f"{value!r} is neither a number nor a share like 20%", param, ctx)
        number = int(found[1])
        return (None, number) if found[2] else (number, None)


class NameList(click.ParamType[frozenset[str]]):
    """Words of a fixed set, separated by commas; the value is a frozenset."""

    name = "WORD,..."

    def __init__(self, *words: str) -> None:
        self.words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[str]:
        """Return the words, or fail naming the first unknown one."""
        if isinstance(value, frozenset):
            return value
        chosen = frozenset(word.strip() for word in str(value).split(",") if word.strip())
        for word in sorted(chosen - set(self.words)):
            self.fail(f"{word!r} is not one of {', '.join(self.words)}", param, ctx)
        return chosen


class Owner(click.ParamType[str]):
    """Who else owns objects, as `core.takeovers` names them."""

    name = "OWNER"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the owner, or fail naming the forms."""
        if not is_owner(str(value)):
            self.fail(f"{value!r} names no owner; write {OWNER_FORMS}", param, ctx)
        return str(value)


class OutputFormat(click.ParamType[tuple[str, str]]):
    """FORMAT or FORMAT=FILE."""

    name = "FORMAT[=FILE]"

    def __init__(self, *formats: str) -> None:
        self.formats = formats

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return (format, file); file is "" for standard output."""
        if isinstance(value, tuple):
            return value
        name, _, file = str(value).partition("=")
        if name not in self.formats:
            self.fail(f"{name!r} is not one of {', '.join(self.formats)}", param, ctx)
        return (name, file)


def chained(*decorators: Callable[[Any], Any]) -> Callable[[Decorated], Decorated]:
    """Return one decorator that applies the given ones, the first outermost."""

    def decorate(function: Decorated) -> Decorated:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def output(*formats: str) -> Callable[[Decorated], Decorated]:
    """Return the -o option of a command that can print these formats, the first being the default."""
    others = ", ".join(formats[1:])
    return click.option(
        "-o",
        "--output",
        "outputs",
        type=OutputFormat(*formats),
        multiple=True,
        help=f"How to report: {formats[0]} (the default), {others}; with =FILE into a file. Repeatable.",
    )


repo_options = chained(
    click.option("-C", "--directory", default=".", metavar="DIR", help="Run as if started in this directory."),
    option(
        "--config",
        default="",
        metavar="FILE",
        help="The config, instead of the nearest gitops-push.yaml.",
    ),
    option(
        "-n",
        "--namespace",
        default="",
        metavar="NAME",
        help="Default namespace of a path; an environment has one.",
    ),
)

console_options = chained(
    option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours (default: auto)."),
    option("-q", "--quiet", is_flag=True, help="No progress, results and errors only."),
    option("-v", "--verbose", is_flag=True, help="Show the traceback of an unexpected failure."),
)

cluster_options = chained(
    option("--kubeconfig", default="", metavar="FILE", help="The kubeconfig; before the config's and $KUBECONFIG."),
    option("--context", default="", metavar="NAME", help="The context, instead of the kubeconfig's current one."),
    option(
        "--allow-exec",
        multiple=True,
        metavar="NAME",
        help="Let the kubeconfig run this credential plugin, like aws. Repeatable.",
    ),
    option(
        "--trust-checkout",
        is_flag=True,
        help="Read the credential though an event from outside may have chosen the code that is checked out.",
    ),
    option(
        "--concurrency",
        type=click.IntRange(1, 64),
        default=16,
        show_default=True,
        help="Requests to the API server in flight.",
    ),
    option("--no-proxy", is_flag=True, help="Connect directly even if HTTPS_PROXY is set."),
)


def verify_option(default: str) -> Callable[[Decorated], Decorated]:
    """Return the --verify option of a command with this default."""
    return option(
        "--verify",
        type=click.Choice(["all", "changed"]),
        default=default,
        show_default=True,
        help="Dry-run all objects, or only those not proven unchanged by what the server recorded.",
    )


target = click.argument("environment", metavar="ENV", shell_complete=complete_environment)

affected_option = option(
    "--affected-by",
    default="",
    metavar="BASE..HEAD",
    help="The environments that these commits can change; BASE alone: up to the files of this checkout.",
)

targets = chained(
    click.argument("environments", nargs=-1, metavar="ENV...", shell_complete=complete_environment),
    option("--all", "all_environments", is_flag=True, help="All environments of the config."),
    affected_option,
)

dry_run_option = option(
    "--no-dry-run",
    "dry_run",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Only read: compare field by field here. For a credential that may get and list, and nothing else.",
)

plan_options = chained(
    option("--prune/--no-prune", default=None, help="Delete what is no longer in the config (default: the config's)."),
    option("--max-prune", type=PruneLimit(), default=None, help="Delete no more than this (default: the config's)."),
    option(
        "--force-conflicts",
        is_flag=True,
        help="Take over every field that another manager set differently, whatever the rules say.",
    ),
    option(
        "--force-conflict",
        "forced_objects",
        multiple=True,
        metavar="KIND/NAME",
        help="Take over the conflicting fields of this object. Repeatable.",
    ),
    option(
        "--show-server-changes",
        is_flag=True,
        help="List what the server itself changes: defaults, and what webhooks set.",
    ),
    option(
        "--min-fidelity",
        type=click.Choice(["server", "schema", "client"]),
        default=None,
        help="Fail with 15 where a change is proven by less than this.",
    ),
    option(
        "--takeover",
        type=Owner(),
        multiple=True,
        metavar="OWNER",
        help="Take objects over from this owner, like helm:shop/api or argocd:argocd/shop. Repeatable.",
    ),
    option(
        "--hooks",
        type=click.Choice(["changed", "always", "never"]),
        default="changed",
        show_default=True,
        help="Run hooks where something changes, in any case, or not at all.",
    ),
)
