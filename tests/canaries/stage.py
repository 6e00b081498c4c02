"""The place where a situation is played: the program with canaries all around it, and everything it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tests.canaries.placed import (
    Canaries,
    place_in_cluster,
    place_in_repo,
    secrets_of,
    variables_of_the_machine,
)
from tests.canaries.values import known, plant
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.program import Finished, Program, new_program

SEED = 20_261
DOCUMENTS = ("json", "yaml", "name")
FOR_CI = ("markdown", "html", "junit", "sarif", "github", "gitlab-codequality")
FORMATS: Mapping[str, tuple[str, ...]] = {
    "validate": (*DOCUMENTS, *FOR_CI),
    "diff": (*DOCUMENTS, *FOR_CI, "plan"),
    "apply": (*DOCUMENTS, *FOR_CI),
    "drift": (*DOCUMENTS, *FOR_CI),
    "status": DOCUMENTS,
    "inventory": DOCUMENTS,
    "environments": DOCUMENTS,
}
"""What each command can write into files, besides its text on the screen."""

RECORDING = """#!/bin/sh
{ printf '%s\\n' "$0" "$@"; env; } >> SEEN
exec GIT "$@"
"""


@dataclass(frozen=True, slots=True)
class Output:
    """Something that left the process: where it went, and its bytes."""

    place: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Stage:
    """A config repo, a namespace and a machine.

    `left` is the folder of all that runs leave: reports, HOME, TMPDIR, what git was given; `tools` comes first on PATH.
    """

    program: Program
    plane: ControlPlane
    kubectl: Kubectl
    namespace: str
    canaries: Canaries
    left: Path
    tools: Path

    def having(self, **variables: str) -> Stage:
        """Return the stage with other variables."""
        return replace(self, program=self.program.having(**variables))

    def run(self, command: str, *, most_seconds: float = 90) -> tuple[Finished, tuple[Output, ...]]:
        """Run a command with a report of every format that it has; return how it ended and all that it left."""
        finished = self.program(*self.words(command), timeout_seconds=most_seconds)
        return finished, self.outputs(command, finished)

    def words(self, command: str) -> list[str]:
        """Return the command line with all reports."""
        words = command.split()
        formats = [name for name in FORMATS.get(words[0], ()) if name != "plan" or "--base" not in words]
        files = [part for name in formats for part in ("-o", f"{name}={self.left / 'reports' / name}")]
        return [*words, "--verbose", *(["-o", "text", *files] if formats else [])]

    def outputs(self, command: str, finished: Finished) -> tuple[Output, ...]:
        """Return all that was left so far, and clear the reports for the next run."""
        screen = (
            Output(f"{command}: standard output", finished.out.encode()),
            Output(f"{command}: standard error", finished.err.encode()),
        )
        files = tuple(self._files(command))
        for file in (self.left / "reports").iterdir():
            file.unlink()
        return (*screen, *files, *self._in_cluster(command))

    def _files(self, command: str) -> Iterator[Output]:
        for file in sorted(self.left.rglob("*")):
            if file.is_file():
                yield Output(f"{command}: {file.relative_to(self.left)}", file.read_bytes())

    def _in_cluster(self, command: str) -> Iterator[Output]:
        """Yield what the program writes about itself: records, locks and events."""
        for kind, is_ours in _OWN_WORDS.items():
            items = self.kubectl.get(kind, "-n", self.namespace)["items"]
            ours = [item for item in items if is_ours(item["metadata"]["name"])]
            yield Output(f"{command}: {kind} in the cluster", json.dumps(ours, ensure_ascii=False).encode())


_OWN_WORDS: Final[Mapping[str, Callable[[str], bool]]] = {
    "configmaps": lambda name: name.startswith("gitops-push-"),
    "leases.coordination.k8s.io": lambda _: True,
    "events": lambda _: True,
}


def new_stage(plane: ControlPlane, kubectl: Kubectl, namespace: str, folder: Path) -> Stage:
    """Return a stage with a canary in every place; what lies in the cluster is put there."""
    canaries = plant(SEED)
    kubeconfig = plane.kubeconfig
    canaries |= {"client key": known("client key", secrets_of(kubeconfig))}
    left = folder / "left"
    for name in ("reports", "home", "tmp"):
        (left / name).mkdir(parents=True)
    repo = new_program(folder / "repo", kubeconfig)
    tools = folder / "tools"
    tools.mkdir()
    _record_git(tools, left / "git-was-given")
    made = Program(
        repo.folder,
        {
            **variables_of_the_machine(canaries, kubeconfig, left / "tmp"),
            "HOME": str(left / "home"),
            "PATH": f"{tools}:{os.environ['PATH']}",
        },
    )
    place_in_repo(made, namespace, canaries)
    password = canaries["password of the remote"].value
    subprocess.run(
        ["git", "remote", "add", "origin", f"https://ann:{password}@git.example.com/shop/config.git"],
        cwd=made.folder, check=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    place_in_cluster(kubectl, namespace, canaries)
    return Stage(made, plane, kubectl, namespace, canaries, left, tools)


def _record_git(tools: Path, seen: Path) -> None:
    """Put a git on PATH that notes its arguments and variables before it does its work."""
    found = next(Path(folder) / "git" for folder in os.environ["PATH"].split(":") if (Path(folder) / "git").is_file())
    program = tools / "git"
    program.write_text(RECORDING.replace("GIT", str(found)).replace("SEEN", str(seen)))
    program.chmod(0o755)
