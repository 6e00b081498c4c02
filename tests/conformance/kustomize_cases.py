"""The answers of kustomize itself that the builder is measured against, read in place."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from gitops_push.core.errors import BuildError
from gitops_push.documents.reader import Dialect, read_documents
from gitops_push.documents.writer import yaml_stream
from gitops_push.kustomize.build import BuildOptions, Reorder, build_kustomization
from gitops_push.repo.programs import LocalPrograms, private_folder
from gitops_push.system.files import RepoFiles
from tests.controlplane.sources import kustomize_version

DATA = Path(__file__).parents[3] / "shared" / "kustomize-conformance"


OPTIONAL = ("enable_alpha_plugins", "enable_exec", "enable_helm", "managed_by_label")
HARMLESS = frozenset({"enable_alpha_plugins", "enable_helm"})
"""Options that upstream's tests always set: a case that needs them has a field that says so."""

TEMPORARY_ROOT = "/TMPROOT"
"""What the cases write for the folder that they lie in."""

DIFFERENT_ON_PURPOSE = {
    "json6902-big-int-float": "kustomize rounds wide integers silently; here they are refused, or kept",
    "yaml-plain-input-scalars": "kustomize rounds wide integers silently; here they are refused, or kept",
    "plugin_namespacetransformer__TestNamespaceTransformer_InvalidFieldSpecs": "the same error, but the dump of "
    "the field in it has quotes that are not needed",
    "kfile-symlink-dir-base": "the test data lost its symbolic link; test_loader.py has one",
}
"""Probes that are supported and yet not as kustomize has them, with the reason: see docs/reference/kustomize.md."""


class Verdict(StrEnum):
    """What came of a case."""

    PASSED = "passed"
    DIFFERENT = "different on purpose"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Case:
    """A kustomization with the answer of kustomize: `expected` is None where it fails.

    `phrases` are patterns that its error matches; `foreign` names options of kustomize that there are not yet.
    """

    name: str
    root: Path
    path: str
    options: BuildOptions
    level: str
    tags: tuple[str, ...]
    expected: str | None
    phrases: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()

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
    """Build the case and compare; a difference on purpose that is none any more has failed."""
    result = _run_in_place(case)
    reason = DIFFERENT_ON_PURPOSE.get(case.name)
    if reason is None:
        return result
    if result.verdict is Verdict.FAILED:
        return Result(Verdict.DIFFERENT, reason)
    return Result(Verdict.FAILED, f"it is {result.verdict} now: remove it from DIFFERENT_ON_PURPOSE")


def _run_in_place(case: Case) -> Result:
    """Build it where it lies, or a copy that names the folder it lies in."""
    if case.foreign:
        return Result(Verdict.UNSUPPORTED, f"option {', '.join(case.foreign)}")
    named = [file for file in case.root.rglob("*") if file.is_file() and TEMPORARY_ROOT.encode() in file.read_bytes()]
    if not named:
        return _compared(case)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        shutil.copytree(case.root, root, symlinks=True, dirs_exist_ok=True, copy_function=shutil.copyfile)
        for file in named:
            (root / file.relative_to(case.root)).write_text(file.read_text().replace(TEMPORARY_ROOT, str(root)))
        return _compared(replace(case, root=root))


def _compared(case: Case) -> Result:
    try:
        with private_folder() as folder:
            programs = LocalPrograms(case.options, case.root, folder, {"PATH": os.environ["PATH"]})
            built = build_kustomization(RepoFiles(case.root), case.path, case.options, programs)
    except BuildError as error:
        return _failed_build(case, error)
    text = yaml_stream([one.body for one in built.objects])
    if case.expected is None:
        return Result(Verdict.FAILED, "kustomize refuses this, and it was built")
    if case.level in {"contains", "builds"}:
        return Result(Verdict.PASSED)
    if text == case.expected or (case.level in {"data", "semantic"} and _data(text) == _data(case.expected)):
        return Result(Verdict.PASSED)
    return Result(Verdict.FAILED, _first_difference(text, case.expected))


def _failed_build(case: Case, error: BuildError) -> Result:
    if case.expected is not None:
        return Result(Verdict.FAILED, f"{error.problems[0].origin}: {error}")
    return _compared_words(case, error)


def _compared_words(case: Case, error: BuildError) -> Result:
    """An error need not be worded as kustomize's, but it has to contain what kustomize's tests ask for."""
    text = "\n".join(problem.message for problem in error.problems)
    for phrase in case.phrases:
        if not re.search(phrase.replace(TEMPORARY_ROOT, re.escape(str(case.root))), text):
            return Result(Verdict.FAILED, f"the error does not match {phrase!r}: {text}")
    return Result(Verdict.PASSED)


def _case(name: str) -> Case:
    folder = DATA / "cases" / name
    meta = json.loads((folder / "meta.json").read_text())
    chosen, foreign = _options(meta["options"])
    return Case(
        name=name,
        root=folder / "input",
        path=meta["build_path"],
        options=chosen,
        level=meta["validation"]["level"],
        tags=tuple(meta["tags"]) or ("plain",),
        expected=_expected(folder, meta),
        phrases=_phrases(meta.get("error", {})),
        foreign=foreign or tuple(need for need in meta["needs"] if need != "exec"),
    )


def _options(asked: dict[str, Any]) -> tuple[BuildOptions, tuple[str, ...]]:
    """Return kustomize's options as ours, and the names of those that have no effect here yet."""
    known = {one.name for one in fields(BuildOptions)}
    wanted = {name for name in OPTIONAL if asked[name]}
    switches: dict[str, Any] = dict.fromkeys(wanted & known, True)
    restricted = asked["load_restrictor"] == "LoadRestrictionsRootOnly"
    return BuildOptions(Reorder(asked["reorder"]), restricted, **switches), tuple(sorted(wanted - known - HARMLESS))


def _phrases(error: dict[str, Any]) -> tuple[str, ...]:
    """Return the patterns of an error: regular expressions, and texts to contain. Blanks around a text do not count."""
    texts = [*error.get("contains", ()), *([error["equals"]] if "equals" in error else [])]
    return (*error.get("regex", ()), *(re.escape(text.strip()) for text in texts))


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
    text = path.read_text() if path.is_file() else ""
    return text.replace("managed-by: kustomize-(test)", f"managed-by: kustomize-{kustomize_version()}")


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
