"""`gitops-push build`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from gitops_push.cli.kustomize_options import kustomize_options
from gitops_push.cli.options import console_options, option, output, repo_options, target
from gitops_push.cli.session import Session
from gitops_push.cli.settings import settings_of, watcher_of
from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem, UsageError
from gitops_push.core.fieldpath import parse_field_path
from gitops_push.core.objects import Manifest, ManifestSet
from gitops_push.core.suggestion import did_you_mean
from gitops_push.documents.writer import to_yaml
from gitops_push.reports.lines import Line, Tone, counted
from gitops_push.reports.origins_text import chain_lines, origin_comments
from gitops_push.workflow.commands import Built, build, compare_with
from gitops_push.workflow.settings import Settings

FORMATS = ("yaml", "json", "name")


@click.command("build")
@target
@option(
    "--origins",
    is_flag=True,
    help="Say above each object where it and its changed fields come from; in JSON, where every value comes from.",
)
@option(
    "--why",
    nargs=2,
    default=None,
    metavar="OBJECT FIELD",
    help="Print only where a field comes from: the places that led to its value, oldest first. "
    "OBJECT as `-o name` prints it; FIELD as spec.template.spec.containers[name=web].image.",
)
@option("--output-dir", default="", metavar="DIR", help="Write one file per object into this directory.")
@option(
    "--compare-with",
    default="",
    metavar="PROGRAM",
    help="Also build with kustomize, kubectl or the program at a path, and fail with the first difference.",
)
@option("--show-secrets", is_flag=True, help="In CI: print a set that holds Secret values all the same.")
@output(*FORMATS)
@kustomize_options
@repo_options
@console_options
@click.pass_obj
def build_command(session: Session, /, **parameters: Any) -> int:
    """Print the manifest set of an environment. Talks to no cluster and uses no network."""
    settings = settings_of(session, parameters)
    outputs = parameters["outputs"] or [("yaml", "")]
    with_commit = parameters["origins"] and any(name == "json" for name, _ in outputs)
    built = build(settings, parameters["environment"], watcher_of(session), only_printed=True, with_commit=with_commit)
    if parameters["compare_with"]:
        _compare(session, settings, parameters["environment"], parameters["compare_with"])
    if parameters["why"]:
        session.console.write_exact(_why(session, built.manifests, *parameters["why"]))
        return 0
    if parameters["output_dir"]:
        _write_files(Path(parameters["output_dir"]), built.manifests)
        return 0
    for name, file in outputs:
        _refuse_secrets(session, built, name, file, shown=parameters["show_secrets"])
        text = _rendered(built, name, origins=parameters["origins"])
        if file:
            _write(Path(file), text)
        else:
            session.console.write_exact(text)
    return 0


def _compare(session: Session, settings: Settings, name: str, program: str) -> None:
    """Say that another program builds the same; a difference is an error, and nothing is printed."""
    program = str(Path(program).absolute()) if "/" in program else program
    count = compare_with(settings, name, program, watcher_of(session))
    if not count:
        raise click.UsageError(f"there is no kustomization in {name} to compare")
    session.console.note_unless_quiet(
        [Line(f"{program} builds the same ({counted(count, 'kustomization')})", Tone.DIM)]
    )


def _why(session: Session, manifests: ManifestSet, name: str, field: str) -> str:
    """Return the chain of one field, or fail with what could be meant."""
    found = {str(manifest.ref): manifest for manifest in manifests.manifests}
    if name not in found:
        hint = did_you_mean(name, found) or "; see build -o name"
        raise click.UsageError(f"there is no object {name!r}{hint}")
    try:
        lines = chain_lines(found[name], parse_field_path(field))
    except ValueError as error:
        raise click.UsageError(f"--why {field!r}: {error}") from error
    return "".join(f"{session.console.clean(line)}\n" for line in lines)


def _rendered(built: Built, name: str, *, origins: bool) -> str:
    manifests = built.manifests
    match name:
        case "name":
            return "".join(f"{manifest.ref}\n" for manifest in manifests.manifests)
        case "json" if origins:
            from gitops_push.reports.origins_json import origins_document

            return json.dumps(origins_document(manifests, built.header), indent=2, sort_keys=True) + "\n"
        case "json":
            items = [manifest.body for manifest in manifests.manifests]
            return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=2, sort_keys=True) + "\n"
        case _:
            return "---\n".join(_yaml(manifest, origins=origins) for manifest in manifests.manifests)


def _yaml(manifest: Manifest, *, origins: bool) -> str:
    return ("".join(f"# {line}\n" for line in origin_comments(manifest)) if origins else "") + to_yaml(manifest.body)


def _refuse_secrets(session: Session, built: Built, name: str, file: str, *, shown: bool) -> None:
    """A CI log is read by many: Secret values are printed there only on request, and never masked (safety.md)."""
    secret = next((m for m in built.manifests.manifests if m.ref.kind == "Secret" and not m.ref.group), None)
    if session.in_ci and secret and name != "name" and not file and not shown:
        hint = "write to a file (-o yaml=FILE), or print it all the same with --show-secrets"
        problem = Problem(
            Code.USAGE, "the set holds Secret values, and this is a CI log", secret.origin, secret.ref, hint
        )
        raise UsageError(problem)


def _write_files(directory: Path, manifests: ManifestSet) -> None:
    """One file an object, named so that no two collide and a listing sorts by namespace and kind."""
    for manifest in manifests.manifests:
        ref = manifest.ref
        parts = (ref.namespace, ref.kind.lower(), ref.group.lower(), ref.name)
        name = "_".join(part.replace(":", "-") for part in parts if part)
        _write(directory / f"{name}.yaml", to_yaml(manifest.body))


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.FileError(str(path), error.strerror or "cannot be written") from error
