"""`gitops-push environments`."""

from __future__ import annotations

from typing import Any, Final

import click

from gitops_push.cli.options import console_options, output, repo_options
from gitops_push.cli.reporting import FORMATS, Report, report_each
from gitops_push.cli.session import Session
from gitops_push.cli.settings import settings_of
from gitops_push.reports.json_report import document
from gitops_push.reports.lines import Line, Tone, columns
from gitops_push.workflow.commands import list_environments

_NONE: Final = Line("no environments: `gitops-push init` writes a gitops-push.yaml; a path works without one", Tone.DIM)


@click.command("environments")
@output(*FORMATS)
@repo_options
@console_options
@click.pass_obj
def environments_command(session: Session, /, **parameters: Any) -> int:
    """List the environments of this repository."""
    settings = settings_of(session, parameters)

    def run(_: str) -> Report:
        found = list_environments(settings)
        rows = [("NAME", "CLUSTER", "NAMESPACE", "SOURCES")]
        rows += [(e.name, e.cluster, e.namespace, ", ".join(e.sources)) for e in found]
        data = {
            "environments": [
                {"name": e.name, "cluster": e.cluster, "namespace": e.namespace, "sources": list(e.sources)}
                for e in found
            ]
        }
        lines = tuple(Line(text) for text in columns(rows)) if found else (_NONE,)
        return Report(0, lines, document("Environments", None, data, 0), tuple(e.name for e in found))

    return report_each(session, "Environments", parameters["outputs"], [""], run)
