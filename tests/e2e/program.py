"""The program as a user runs it: a process of its own, in a config repo of its own, on the real API server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VARIABLE = "KUBECONFIG_TEST"
USER_AGENT = "gitops-push/"
PYTHON = (sys.executable, "-m", "gitops_push")


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document of `-o json`."""
        return json.loads(self.out)

    def __str__(self) -> str:
        return f"exit code {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"


@dataclass(frozen=True, slots=True)
class Program:
    """gitops-push in a folder, with exactly these environment variables (and PATH)."""

    folder: Path
    environ: dict[str, str]

    def __call__(self, *arguments: str, stdin: str | None = None, timeout_seconds: float = 120) -> Finished:
        """Run to the end. Standard input is closed unless given."""
        done = subprocess.run(
            [*PYTHON, *arguments],
            cwd=self.folder,
            env=self.full_environ,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start without waiting."""
        return subprocess.Popen(
            [*PYTHON, *arguments],
            cwd=self.folder,
            env=self.full_environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def full_environ(self) -> dict[str, str]:
        """The variables of the process."""
        # A run that was killed leaves a lock behind, whose time the next one waits for.
        own = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "GITOPS_PUSH_LEASE_SECONDS": "3"}
        return {**own, **self.environ}

    def having(self, **variables: str) -> Program:
        """Return the same program with more variables."""
        return Program(self.folder, {**self.environ, **variables})

    def write(self, path: str, text: str) -> Path:
        """Write a file of the config repo."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def commit(self, message: str = "A change") -> str:
        """Commit everything, and return the commit."""
        self._git("add", "-A")
        self._git("-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-q", "--allow-empty", "-m", message)
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
        )
        return done.stdout


def new_program(folder: Path, kubeconfig: str) -> Program:
    """Return the program in a fresh git repository, with the kubeconfig in a variable as a CI secret would be."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=folder, check=True, stdin=subprocess.DEVNULL)
    return Program(folder, {VARIABLE: kubeconfig})


def config(namespace: str, more: str = "", environment: str = "test") -> str:
    """Return a gitops-push.yaml with one environment of the directory `app`."""
    return f"""\
version: 1
project: {namespace}
clusters:
  plane: {{credentials: {{env: {VARIABLE}}}}}
environments:
  {environment}:
    cluster: plane
    namespace: {namespace}
    wait: {{timeout: 30s}}
    sources: [{{directory: app}}]
{more}"""


def config_map(name: str, value: str = "1") -> str:
    """Return the manifest of a ConfigMap."""
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{key: '{value}'}}\n"


def deployment(name: str, replicas: int = 1, annotations: str = "", image: str = "registry.example.com/web:1") -> str:
    """Return the manifest of a Deployment; `annotations` go to its pods."""
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}, annotations: {{{annotations}}}}}
    spec:
      containers:
        - name: web
          image: {image}
"""
