"""The answers of kustomize itself that the builder is measured against, read in place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError
from gitops_push.documents.reader import Dialect, read_documents
from gitops_push.documents.writer import yaml_stream
from gitops_push.kustomize.build import BuildOptions, Reorder, build_kustomization
from gitops_push.system.files import RepoFiles

DATA = Path(__file__).parents[3] / "shared" / "kustomize-conformance"


class Verdict(StrEnum):
    """What came of a case."""

    PASSED = "passed"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Case:
    """A kustomization with the answer of kustomize: `expected` is None where it fails."""

    name: str
    root: Path
    path: str
    options: BuildOptions
    level: str
    tags: tuple[str, ...]
    expected: str | None
    foreign_option: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on a case, and why."""

    verdict: Verdict
    reason: str = ""


def cases() -> list[Case]:
    """Return the cases that come from kustomize's own tests."""
    index = DATA / "cases.json"
    return [_case(entry["name"]) for entry in json.loads(index.read_text())] if index.is_file() else []


def probes() -> list[Case]:
    """Return the probes, each of one behaviour, as the command line answers them."""
    folder = DATA / "probes"
    return [_probe(path) for path in sorted(folder.iterdir())] if folder.is_dir() else []


def run(case: Case) -> Result:
    """Build the case and compare."""
    if case.foreign_option:
        return Result(Verdict.UNSUPPORTED, "an option of kustomize that there is not yet")
    try:
        built = build_kustomization(RepoFiles(case.root), case.path, case.options)
    except BuildError as error:
        return _failed_build(case, error)
    text = yaml_stream([one.body for one in built.objects])
    if case.expected is None:
        return Result(Verdict.FAILED, "kustomize refuses this, and it was built")
    if case.level in {"contains", "builds"}:
        return Result(Verdict.PASSED)
    if text == case.expected or (case.level == "semantic" and _data(text) == _data(case.expected)):
        return Result(Verdict.PASSED)
    return Result(Verdict.FAILED, _first_difference(text, case.expected))


def _failed_build(case: Case, error: BuildError) -> Result:
    unsupported = [one for one in error.problems if one.code is Code.KUSTOMIZATION_FIELD_NOT_SUPPORTED]
    for problem in unsupported:
        field = problem.message.split("'")[1]
        if problem.origin is None:
            return Result(Verdict.FAILED, "an unsupported field without a place")
        line = (case.root / problem.origin.file).read_text().splitlines()[problem.origin.line - 1]
        if field.lower() not in line.lower():
            return Result(Verdict.FAILED, f"line {problem.origin.line} does not have the field {field}: {line}")
    if unsupported:
        return Result(Verdict.UNSUPPORTED, ", ".join(one.message.split("'")[1] for one in unsupported))
    if case.expected is None:
        return Result(Verdict.PASSED)
    return Result(Verdict.FAILED, f"{error.problems[0].origin}: {error}")


def _case(name: str) -> Case:
    folder = DATA / "cases" / name
    meta = json.loads((folder / "meta.json").read_text())
    options = meta["options"]
    return Case(
        name=name,
        root=folder / "input",
        path=meta["build_path"],
        options=BuildOptions(Reorder(options["reorder"]), options["load_restrictor"] == "LoadRestrictionsRootOnly"),
        level=meta["validation"]["level"],
        tags=tuple(meta["tags"]),
        expected=_expected(folder, meta),
        foreign_option=options["managed_by_label"],
    )


def _probe(folder: Path) -> Case:
    meta = json.loads((folder / "meta.json").read_text())
    return Case(
        name=folder.name,
        root=folder / "input",
        path=meta["build_path"],
        options=BuildOptions(restricted="--load-restrictor=LoadRestrictionsNone" not in meta["flags"]),
        level="exact",
        tags=(meta["topic"],),
        expected=_expected(folder, meta),
    )


def _expected(folder: Path, meta: dict[str, Any]) -> str | None:
    if meta["expect"] != "success":
        return None
    path = folder / "expected.yaml"
    released = folder / "other_5.8.1.txt"  # for JSON patches it is of a build with another library
    if released.is_file() and meta.get("topic") != "json6902":
        path = released
    return path.read_text() if path.is_file() else ""


def _data(text: str) -> list[object]:
    return [document.value for document in read_documents(text.encode(), "text", Dialect.KUSTOMIZE)]


def _first_difference(text: str, expected: str) -> str:
    ours, theirs = text.splitlines(), expected.splitlines()
    for number in range(max(len(ours), len(theirs))):
        mine = ours[number] if number < len(ours) else "(end)"
        other = theirs[number] if number < len(theirs) else "(end)"
        if mine != other:
            return f"line {number + 1}: {mine!r} instead of {other!r}"
    return "they differ in the end of a line"
