"""`gitops-push diff --base REF`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import click

from gitops_push.cli.exits import CHANGES
from gitops_push.cli.reporting import Report, report_each
from gitops_push.cli.session import Session
from gitops_push.cli.settings import chosen_environments
from gitops_push.core.plan import Action
from gitops_push.reports.build_diff_text import build_diff_lines
from gitops_push.reports.json_report import build_diff_data, document
from gitops_push.reports.plan_overview import build_diff_overview
from gitops_push.workflow.settings import Settings, Watcher


def report_build_diffs(session: Session, settings: Settings, watcher: Watcher, parameters: Mapping[str, Any]) -> int:
    """Compare the builds of this checkout and of another commit, and return the exit code."""
    from gitops_push.workflow.build_diff import diff_builds, names_on_both_sides, opened_base

    if not settings.dry_run:
        raise click.UsageError("--base asks no cluster, so there is no dry run to leave out with --no-dry-run")
    with opened_base(settings, parameters["base"], watcher) as base:
        names = chosen_environments(settings, parameters, watcher, lambda settings: names_on_both_sides(settings, base))

        def run(name: str) -> Report:
            header, diff = diff_builds(settings, name, base, watcher)
            code = CHANGES if parameters["exit_code"] and diff.has_changes else 0
            changed = tuple(str(change.ref) for change in diff.changes if change.action is not Action.UNCHANGED)
            data = document("BuildDiff", header, build_diff_data(diff), code)
            overview = partial(build_diff_overview, diff, header, exit_code=code)
            return Report(code, build_diff_lines(diff, header), data, changed, overview=overview)

        return report_each(session, "BuildDiff", parameters["outputs"], names, run)
