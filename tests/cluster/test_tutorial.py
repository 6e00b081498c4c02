"""The tutorial is true: every command of it runs, and prints what the page says it prints."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.demo import VARIABLE, make_checkout

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial" / "first-deploy.md"


@dataclass(frozen=True)
class Step:
    """A command of the page, and the lines that the page shows below it."""

    command: str
    shown: tuple[str, ...]


def steps_of_the_tutorial() -> list[Step]:
    steps: list[Step] = []
    for block in re.findall(r"```console\n(.*?)```", TUTORIAL.read_text(), re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *lines = part.splitlines()
            steps.append(Step(command, tuple(line.strip() for line in lines if line.strip())))
    return steps


def words(text: str) -> str:
    """Fold white space, so that the width of a column is no part of the promise."""
    return re.sub(r"\s+", " ", text)


@pytest.fixture
def in_a_checkout(control_plane: ControlPlane, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    environ = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        VARIABLE: control_plane.kubeconfig,
    }
    return make_checkout(tmp_path), environ


def test_every_command_of_the_tutorial_prints_what_the_page_shows(
    in_a_checkout: tuple[Path, dict[str, str]], kubectl: Kubectl
) -> None:
    checkout, environ = in_a_checkout
    steps = steps_of_the_tutorial()
    assert len(steps) >= 9
    try:
        for step in steps:
            printed = run(step.command, checkout, environ, kubectl)
            for line in step.shown:
                assert words(line) in words(printed), f"$ {step.command}\nlacks: {line}\n{printed}"
    finally:
        kubectl("delete", "namespace", "production", "--ignore-not-found", "--wait=true", "--timeout=60s")


def run(command: str, checkout: Path, environ: dict[str, str], kubectl: Kubectl) -> str:
    program, *arguments = shlex.split(command)
    if program == "kubectl":
        return kubectl(*arguments)
    assert program == "gitops-push"
    done = subprocess.run(
        [sys.executable, "-m", "gitops_push", *arguments],
        cwd=checkout,
        env=environ,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr
