"""`gitops-push validate`."""

from __future__ import annotations

from typing import Any

import click

from gitops_push.cli.options import console_options, output, repo_options, targets
from gitops_push.cli.reporting import CI_FORMATS, FORMATS, Report, report_each
from gitops_push.cli.session import Session
from gitops_push.cli.settings import chosen_environments, settings_of, watcher_of
from gitops_push.reports.json_report import document, manifest_set_data
from gitops_push.reports.lines import Line, Tone, counted
from gitops_push.reports.overview import Overview
from gitops_push.workflow.commands import validate


@click.command("validate")
@targets
@output(*FORMATS, *CI_FORMATS)
@repo_options
@console_options
@click.pass_obj
def validate_command(session: Session, /, **parameters: Any) -> int:
    """Build and check offline: duplicates, names, namespaces, ambiguous YAML, resources by their definitions.

    Talks to no cluster.
    """
    settings = settings_of(session, parameters)
    watcher = watcher_of(session)
    names = chosen_environments(settings, parameters, watcher)

    def run(name: str) -> Report:
        built = validate(settings, name, watcher)
        count = len(built.manifests.manifests)
        warnings = len(built.manifests.warnings)
        verdict = Line(f"VALID {name}: {counted(count, 'object')}, {counted(warnings, 'warning')}", Tone.GOOD)
        lines = (Line(str(built.header), Tone.HEADING), verdict)
        data = document("Validation", built.header, manifest_set_data(built.manifests), 0)
        objects = tuple(str(manifest.ref) for manifest in built.manifests.manifests)
        overview = Overview(
            "validation",
            name,
            verdict.text,
            verdict.tone,
            quiet=count,
            header=built.header,
            notes=built.manifests.warnings,
        )
        return Report(0, lines, data, objects, overview=lambda: overview)

    return report_each(session, "Validation", parameters["outputs"], names, run)
