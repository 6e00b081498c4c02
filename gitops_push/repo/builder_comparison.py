"""Holds our build of a kustomization against that of the user's own kustomize or kubectl, and names what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gitops_push.core.checkout import Checkout
from gitops_push.core.codes import Code
from gitops_push.core.environment import Environment, KustomizeSource
from gitops_push.core.errors import BuildError, Problem
from gitops_push.documents.writer import yaml_stream
from gitops_push.kustomize.build import BuiltObject, build_kustomization
from gitops_push.kustomize.resource import text_of
from gitops_push.repo.foreign_builder import build_elsewhere
from gitops_push.repo.programs import LocalPrograms, private_folder
from gitops_push.system.files import RepoFiles

_END: Final = "(nothing: the text ends here)"
_HIDDEN: Final = "(not shown: it may be a value of a Secret)"
_HINT: Final = (
    "if the difference is not in docs/reference/kustomize.md, report it with the kustomization; until then build with "
    "the program (builder: kustomize)"
)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first line that differs, counted from 1; `about` names the object of ours that it is in."""

    line: int
    about: str
    ours: str
    theirs: str


def compare_builders(
    checkout: Checkout, files: RepoFiles, environment: Environment, program: str, environ: Mapping[str, str]
) -> int:
    """Build each kustomization of an environment with ours and with a program, and return how many there are.

    Raises `BuildError` (BUILDS_DIFFER) with the first difference of each, or where one of the two does not build.
    """
    root, problems, count = Path(checkout.root), [], 0
    with private_folder() as folder:
        for source in environment.sources:
            if not isinstance(source, KustomizeSource):
                continue
            count += 1
            programs = LocalPrograms(source.options, root, folder, environ)
            ours = build_kustomization(files, source.path, source.options, programs).objects
            theirs = build_elsewhere(source, program, root, folder, environ).decode("utf-8", "replace")
            found = first_difference(ours, theirs)
            if found:
                problems.append(_problem(source, program, found))
    if problems:
        raise BuildError(problems)
    return count


def first_difference(ours: tuple[BuiltObject, ...], theirs: str) -> Difference | None:
    """Return the first line in which our objects, as text, are not what the program printed; None for the same."""
    mine = yaml_stream([one.body for one in ours])
    if mine == theirs:
        return None
    left, right = mine.split("\n"), theirs.split("\n")
    line = next(
        (number for number, (one, other) in enumerate(zip(left, right, strict=False)) if one != other),
        min(len(left), len(right)),
    )
    about, secret = _object_at(ours, line)
    shown = (_shown(left, line, hidden=secret), _shown(right, line, hidden=secret))
    return Difference(line + 1, about, *shown)


def _object_at(ours: tuple[BuiltObject, ...], line: int) -> tuple[str, bool]:
    """Return which of our objects a line of the text is in, and whether its values may be secret."""
    end = 0
    for one in ours:
        end += yaml_stream([one.body]).count("\n") + 1  # and the line of "---"
        if line < end:
            kind, metadata = text_of(one.body.get("kind")), one.body.get("metadata")
            name = text_of(metadata.get("name")) if isinstance(metadata, dict) else ""
            return f"{kind} {name} ({one.origin})", kind == "Secret"
    return "behind our last object", True


def _shown(lines: list[str], line: int, *, hidden: bool) -> str:
    if line >= len(lines):
        return _END
    return _HIDDEN if hidden else repr(lines[line])


def _problem(source: KustomizeSource, program: str, found: Difference) -> Problem:
    message = (
        f"{source.path} is built differently by {program}: line {found.line}, {found.about}: "
        f"ours {found.ours}, theirs {found.theirs}"
    )
    return Problem(Code.BUILDS_DIFFER, message, source.origin, hint=_HINT)
