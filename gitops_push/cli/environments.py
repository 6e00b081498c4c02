"""`gitops-push environments`."""

from __future__ import annotations

from typing import Any, Final

import click

from gitops_push.cli.options import affected_option, console_options, output, repo_options
from gitops_push.cli.reporting import FORMATS, Report, report_each
from gitops_push.cli.session import Session
from gitops_push.cli.settings import gone_text, settings_of, watcher_of
from gitops_push.reports.json_report import document
from gitops_push.reports.lines import Line, Tone, columns
from gitops_push.workflow.commands import list_environments
from gitops_push.workflow.settings import Settings
from gitops_push.workflow.workspace import EnvironmentSummary, summary_of

_NONE: Final = Line("no environments: `gitops-push init` writes a gitops-push.yaml; a path works without one", Tone.DIM)


@click.command("environments")
@affected_option
@output(*FORMATS)
@repo_options
@console_options
@click.pass_obj
def environments_command(session: Session, /, **parameters: Any) -> int:
    """List the environments of this repository."""
    settings = settings_of(session, parameters)
    asked = parameters["affected_by"]

    def run(_: str) -> Report:
        found = (
            [(each, "") for each in list_environments(settings)] if not asked else _affected(session, settings, asked)
        )
        reasons = ("AFFECTED BY",) if asked else ()
        rows = [("NAME", "CLUSTER", "NAMESPACE", "SOURCES", *reasons)]
        rows += [
            (e.name, e.cluster, e.namespace, ", ".join(e.sources), *((reason,) if asked else ())) for e, reason in found
        ]
        data = {
            "environments": [
                {"name": e.name, "cluster": e.cluster, "namespace": e.namespace, "sources": list(e.sources)}
                | ({"affectedBy": reason} if asked else {})
                for e, reason in found
            ]
        }
        nothing = Line(f"no environment is affected by {asked}", Tone.DIM) if asked else _NONE
        lines = tuple(Line(text) for text in columns(rows)) if found else (nothing,)
        return Report(0, lines, document("Environments", None, data, 0), tuple(e.name for e, _ in found))

    return report_each(session, "Environments", parameters["outputs"], [""], run)


def _affected(session: Session, settings: Settings, asked: str) -> list[tuple[EnvironmentSummary, str]]:
    from gitops_push.workflow.affected import affected_environments

    watcher = watcher_of(session)
    affected = affected_environments(settings, asked, watcher)
    for name in affected.gone:
        watcher.warning(gone_text(name, asked))
    return [(summary_of(each.environment), each.reason) for each in affected.environments]
