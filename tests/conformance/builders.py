"""The two builders that the campaigns compare: ours, and the real kustomize."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from gitops_push.core.errors import BuildError
from gitops_push.documents.writer import yaml_stream
from gitops_push.kustomize.build import build_kustomization
from gitops_push.system.files import RepoFiles
from tests.controlplane.programs import kustomize


@dataclass(frozen=True, slots=True)
class Answer:
    """What a builder gives: its output, or None with the reason."""

    output: str | None
    reason: str = ""


def ours(root: Path, path: str) -> Answer:
    try:
        built = build_kustomization(RepoFiles(root), path)
    except BuildError as error:
        return Answer(None, str(error))
    return Answer(yaml_stream([one.body for one in built.objects]))


def theirs(directory: Path) -> Answer:
    command, environ = [str(kustomize()), "build", str(directory)], {"HOME": "/nonexistent", "PATH": "/nonexistent"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    return Answer(done.stdout if done.returncode == 0 else None, done.stderr)


def known_difference(mine: Answer, other: Answer) -> str:
    """Return what is known of a difference, "" if nothing: a crash, or a hash of kustomize's own data structures."""
    is_known = "goroutine" in other.reason or "cannot hash the content of" in mine.reason
    return "known difference" if is_known else ""
