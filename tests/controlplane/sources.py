"""What is built: the Go modules beside this file, and the key under which their result is cached."""

from __future__ import annotations

import hashlib
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.errors import ControlPlaneError

GO_SOURCES = Path(__file__).parent / "go"
LINKED_TOGETHER = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
PROGRAM_NAMES = (*LINKED_TOGETHER, "kwok")


@dataclass(frozen=True, slots=True)
class GoProgram:
    """One program to link: the module's folder, the package to build there, and the linker flags."""

    name: str
    module: Path
    package: str
    linker_flags: str


def kubernetes_version(sources: Path = GO_SOURCES) -> str:
    """Returns the version of Kubernetes that go.mod asks for, such as `v1.37.2`."""
    return _required_version(sources / "controlplane" / "go.mod", "k8s.io/kubernetes")


def go_programs(sources: Path = GO_SOURCES) -> tuple[GoProgram, ...]:
    """Returns the two programs to build. Without the linker flags the API server would say it is v0.0.0."""
    version = kubernetes_version(sources)
    _, major, minor, _ = re.split(r"[v.]", version)
    base = "k8s.io/component-base/version"
    stamp = f"-s -w -X {base}.gitVersion={version} -X {base}.gitMajor={major} -X {base}.gitMinor={minor}"
    return (
        GoProgram("controlplane", sources / "controlplane", ".", stamp),
        GoProgram("kwok", sources / "kwok", "sigs.k8s.io/kwok/cmd/kwok", "-s -w"),
    )


def cache_key(sources: Path = GO_SOURCES) -> str:
    """Returns a folder name that changes with the versions, the machine and every Go source."""
    digest = hashlib.sha256()
    for program in go_programs(sources):
        digest.update(program.linker_flags.encode())
    for path in sorted(p for p in sources.rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(sources).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return f"{kubernetes_version(sources)}-{sys.platform}-{platform.machine()}-{digest.hexdigest()[:12]}"


def _required_version(go_mod: Path, module: str) -> str:
    text = go_mod.read_text(encoding="utf-8")
    found = re.search(rf"^(?:require)?\s+{re.escape(module)} (v[0-9.]+)", text, re.MULTILINE)
    if not found:
        raise ControlPlaneError(f"{go_mod} does not require {module}")
    return found[1]
