"""`gitops-push apply`."""

from __future__ import annotations

import shlex
from dataclasses import replace
from functools import partial
from typing import Any

import click

from gitops_push.cli.exits import NotConfirmed
from gitops_push.cli.options import (
    Duration,
    cluster_options,
    console_options,
    option,
    output,
    plan_options,
    repo_options,
    target,
    verify_option,
)
from gitops_push.cli.reporting import CI_FORMATS, FORMATS, Report, report_each
from gitops_push.cli.session import Session
from gitops_push.cli.settings import settings_of, watcher_of
from gitops_push.core.codes import Code
from gitops_push.core.deployment import Superseded
from gitops_push.core.errors import Problem, RefusedError, StalePlanError, UsageError
from gitops_push.core.plan import Action, Plan
from gitops_push.core.run import RunHeader
from gitops_push.reports.deployment_overview import deployment_overview
from gitops_push.reports.deployment_text import deployment_lines
from gitops_push.reports.json_report import deployment_data, document, superseded_data
from gitops_push.reports.lines import Line, Tone, counted
from gitops_push.reports.overview import Overview
from gitops_push.reports.plan_text import change_counts, plan_lines
from gitops_push.reports.stale_plan import stale_lines
from gitops_push.workflow.approval import Approval, read_approval
from gitops_push.workflow.commands import apply


@click.command("apply")
@target
@option("-y", "--yes", is_flag=True, help="Do not ask; needed without a terminal.")
@option("--confirm", default="", metavar="ENV", help="Name the environment once more; needed where it is protected.")
@option("--wait/--no-wait", default=True, show_default=True, help="Wait until everything is healthy.")
@option("--timeout", type=Duration(), default=None, help="How long to wait, like 5m (default: the config's).")
@option(
    "--soak", type=Duration(), default=None, help="How long it must stay healthy, like 60s (default: the config's)."
)
@option("--allow-dirty", is_flag=True, help="Apply a protected environment from a checkout with changes.")
@option("--allow-rollback", is_flag=True, help="Apply a commit that is not after the deployed one.")
@option(
    "--on-superseded",
    type=click.Choice(["skip", "fail"]),
    default="skip",
    show_default=True,
    help="What to do when a newer commit is deployed already.",
)
@option(
    "--lock-wait",
    type=Duration(),
    default=0.0,
    metavar="DURATION",
    help="How long to wait for another run that deploys the environment, like 10m (default: not at all).",
)
@option("--lease-seconds", type=click.IntRange(1, 3600), default=30, hidden=True)
@option("--ignore-dependencies", is_flag=True, help="Apply whatever is deployed of what dependsOn names.")
@option("--plan", "plan_file", default="", metavar="FILE", help="Apply exactly this plan of `diff -o plan=FILE`.")
@option("--approved-digest", default="", metavar="DIGEST", help="Apply exactly the plan with this digest.")
@option(
    "--on-stale",
    type=click.Choice(["fail", "replan"]),
    default="fail",
    show_default=True,
    help="What to do when something else would happen than was approved.",
)
@plan_options
@verify_option("all")
@output(*FORMATS, *CI_FORMATS)
@cluster_options
@repo_options
@console_options
@click.pass_obj
def apply_command(session: Session, /, **parameters: Any) -> int:
    """Plan, confirm, apply, wait until healthy, prune, and record what was done."""
    settings = settings_of(session, parameters)
    watcher = watcher_of(session)

    approval = read_approval(
        parameters["plan_file"], parameters["approved_digest"], replans=parameters["on_stale"] == "replan"
    )

    def confirm(header: RunHeader, plan: Plan, *, protected: bool) -> None:
        approved = approval is not None and _is_approved(session, approval, plan, may_go_on=parameters["yes"])
        needs_no_answer = parameters["yes"] or approved
        show = session.console.note_unless_quiet if needs_no_answer else session.console.note
        show(plan_lines(plan, header, server_fields=parameters["show_server_changes"]))
        _check_confirmation(plan, parameters["confirm"], protected=protected)
        if plan.has_changes and not plan.count(Action.BLOCKED) and not needs_no_answer:
            _ask(session, plan, header)

    def run(name: str) -> Report:
        header, deployment = apply(settings, name, watcher, confirm, approval)
        if isinstance(deployment, Superseded):
            return _superseded(header, deployment)
        stopped_in_time = deployment.interrupted and not deployment.wrote
        code = session.signals.exit_code if stopped_in_time else deployment.exit_code
        changed = tuple(str(outcome.ref) for outcome in deployment.outcomes if outcome.action.value != "unchanged")
        data = document(
            "Deployment", header, deployment_data(deployment, server_fields=parameters["show_server_changes"]), code
        )
        overview = partial(deployment_overview, deployment, header, exit_code=code)
        return Report(code, deployment_lines(deployment, session.source_line), data, changed, overview=overview)

    if approval is None and not parameters["yes"] and not session.console.can_ask:
        raise UsageError(_needs_yes(parameters["environment"]))
    return report_each(session, "Deployment", parameters["outputs"], [parameters["environment"]], run)


def _superseded(header: RunHeader, superseded: Superseded) -> Report:
    verdict = f"SUPERSEDED {header.environment}: nothing was written"
    lines = (Line(superseded.why), Line(verdict, Tone.UPDATE))
    data = document("Deployment", header, superseded_data(superseded), 0)
    overview = Overview("deployment", header.environment, verdict, Tone.UPDATE, header=header, notes=(superseded.why,))
    return Report(0, lines, data, overview=lambda: overview)


def _is_approved(session: Session, approval: Approval, plan: Plan, *, may_go_on: bool) -> bool:
    """Return whether the plan is the approved one; raise unless another one may be shown, and somebody can say yes."""
    problems = approval.judge(plan)
    if problems and not (approval.replans and (may_go_on or session.console.can_ask)):
        raise StalePlanError(_with_yes(problems) if approval.replans else problems)
    if problems:
        session.console.note([Line("the plan is stale; this is the new one", Tone.UPDATE), *stale_lines(problems)])
    elif done := approval.done_already(plan):
        session.console.note_unless_quiet([Line(f"{counted(done, 'approved change')} made by an earlier run")])
    return not problems


def _with_yes(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Return the problems, the last with what --on-stale replan lacks where nobody can be asked."""
    hint = "there is no terminal to ask about the new plan: approve it, or add --yes to apply whatever it is"
    return (*problems[:-1], replace(problems[-1], hint=hint))


def _ask(session: Session, plan: Plan, header: RunHeader) -> None:
    """At a terminal only; anything but yes means no."""
    answer = session.console.ask(f"apply {change_counts(plan)} to {header.cluster} at {header.server}? [y/N]")
    if answer.lower() not in {"y", "yes"}:
        raise NotConfirmed


def _check_confirmation(plan: Plan, confirmed: str, *, protected: bool) -> None:
    if protected and plan.has_changes and confirmed != plan.environment:
        message = f"{plan.environment} is protected: confirm it by name"
        raise RefusedError(Problem(Code.REFUSED_BY_RULE, message, hint=f"add --confirm {plan.environment}"))


def _needs_yes(environment: str) -> Problem:
    command = f"gitops-push apply {shlex.quote(environment)} --yes"
    return Problem(Code.USAGE, "there is no terminal to ask for confirmation", hint=f"run: {command}")
