"""What all commands that deploy have in common: their options, the question before, and the report after."""

from __future__ import annotations

import shlex
from dataclasses import replace
from functools import partial
from typing import Any

import click

from gitops_push.cli.exits import NotConfirmed
from gitops_push.cli.options import Duration, chained, option
from gitops_push.cli.reporting import Report
from gitops_push.cli.session import Session
from gitops_push.core.codes import Code
from gitops_push.core.deployment import Deployment, Superseded
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
from gitops_push.workflow.approval import Approval
from gitops_push.workflow.settings import Confirm

deploy_options = chained(
    option("-y", "--yes", is_flag=True, help="Do not ask; needed without a terminal."),
    option(
        "--confirm", default="", metavar="ENV", help="Name the environment once more; needed where it is protected."
    ),
    option("--wait/--no-wait", default=True, show_default=True, help="Wait until everything is healthy."),
    option("--timeout", type=Duration(), default=None, help="How long to wait, like 5m (default: the config's)."),
    option(
        "--soak", type=Duration(), default=None, help="How long it must stay healthy, like 60s (default: the config's)."
    ),
    option(
        "--lock-wait",
        type=Duration(),
        default=0.0,
        metavar="DURATION",
        help="How long to wait for another run that deploys the environment, like 10m (default: not at all).",
    ),
    option("--lease-seconds", type=click.IntRange(1, 3600), default=30, hidden=True),
)
"""How every command that deploys is confirmed, how long it waits, and for whom."""


def needs_answer(session: Session, parameters: dict[str, Any], *, approved: bool = False) -> None:
    """Raise `UsageError` where somebody would have to be asked and nobody can be."""
    if not approved and not parameters["yes"] and not session.console.can_ask:
        raise UsageError(_needs_yes(parameters["environment"]))


def plan_confirmation(session: Session, parameters: dict[str, Any], approval: Approval | None = None) -> Confirm:
    """Return what shows a plan and has it confirmed: by an approval, by --yes, or by an answer at a terminal."""

    def confirm(header: RunHeader, plan: Plan, *, protected: bool) -> None:
        approved = approval is not None and _is_approved(session, approval, plan, may_go_on=parameters["yes"])
        needs_no_answer = parameters["yes"] or approved
        show = session.console.note_unless_quiet if needs_no_answer else session.console.note
        show(plan_lines(plan, header, server_fields=parameters["show_server_changes"]))
        _check_confirmation(plan, parameters["confirm"], protected=protected)
        if plan.has_changes and not plan.count(Action.BLOCKED) and not needs_no_answer:
            _ask(session, plan, header)

    return confirm


def deployment_report(
    session: Session, parameters: dict[str, Any], header: RunHeader, deployment: Deployment
) -> Report:
    """Return the report of a deployment, with the exit code of the signal that stopped it before its first write."""
    stopped_in_time = deployment.interrupted and not deployment.wrote
    code = session.signals.exit_code if stopped_in_time else deployment.exit_code
    changed = tuple(str(outcome.ref) for outcome in deployment.outcomes if outcome.action.value != "unchanged")
    data = document(
        "Deployment", header, deployment_data(deployment, server_fields=parameters["show_server_changes"]), code
    )
    overview = partial(deployment_overview, deployment, header, exit_code=code)
    return Report(code, deployment_lines(deployment, session.source_line), data, changed, overview=overview)


def superseded_report(header: RunHeader, superseded: Superseded) -> Report:
    """Return the report of a run that had nothing to do, as a newer commit is deployed or about to be."""
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
    command = f"{click.get_current_context().command_path} {shlex.quote(environment)} --yes"
    return Problem(Code.USAGE, "there is no terminal to ask for confirmation", hint=f"run: {command}")
