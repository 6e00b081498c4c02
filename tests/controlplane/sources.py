"""What is built: the Go modules beside this file, and the key under which each result is cached."""

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


@dataclass(frozen=True, slots=True)
class Bundle:
    """Programs that share a cache entry: what they are in words, its key, and names that link to the first program."""

    title: str
    key: str
    programs: tuple[GoProgram, ...]
    links: tuple[str, ...] = ()


def kubernetes_version(sources: Path = GO_SOURCES) -> str:
    """Returns the version of Kubernetes that go.mod asks for, such as `v1.37.2`."""
    return _required_version(sources / "controlplane" / "go.mod", "k8s.io/kubernetes")


def kustomize_version(sources: Path = GO_SOURCES) -> str:
    """Returns the version of kustomize that go.mod asks for, such as `v5.8.2`."""
    return _required_version(sources / "kustomize" / "go.mod", "sigs.k8s.io/kustomize/kustomize/v5")


def control_plane_bundle(sources: Path = GO_SOURCES) -> Bundle:
    """Returns the two programs of the control plane. Without its linker flags the API server would say it is v0.0.0."""
    version = kubernetes_version(sources)
    _, major, minor, _ = re.split(r"[v.]", version)
    base = "k8s.io/component-base/version"
    stamp = f"-s -w -X {base}.gitVersion={version} -X {base}.gitMajor={major} -X {base}.gitMinor={minor}"
    programs = (
        GoProgram("controlplane", sources / "controlplane", ".", stamp),
        GoProgram("kwok", sources / "kwok", "sigs.k8s.io/kwok/cmd/kwok", "-s -w"),
    )
    return Bundle(f"Kubernetes {version} and kwok", _key(version, programs), programs, LINKED_TOGETHER)


def kustomize_bundle(sources: Path = GO_SOURCES) -> Bundle:
    """Returns kustomize alone, stamped with its version as a released one is."""
    version = kustomize_version(sources)
    stamp = f"-s -w -X sigs.k8s.io/kustomize/api/provenance.version=kustomize/{version}"
    programs = (GoProgram("kustomize", sources / "kustomize", "sigs.k8s.io/kustomize/kustomize/v5", stamp),)
    return Bundle(f"kustomize {version}", _key(f"kustomize-{version}", programs), programs)


def helm_bundle(sources: Path = GO_SOURCES) -> Bundle:
    """Returns helm alone."""
    version = _required_version(sources / "helm" / "go.mod", "helm.sh/helm/v3")
    stamp = f"-s -w -X helm.sh/helm/v3/internal/version.version={version}"
    programs = (GoProgram("helm", sources / "helm", "helm.sh/helm/v3/cmd/helm", stamp),)
    return Bundle(f"helm {version}", _key(f"helm-{version}", programs), programs)


def _key(version: str, programs: tuple[GoProgram, ...]) -> str:
    """Returns a folder name that changes with the version, the machine, the linker flags and every source."""
    digest = hashlib.sha256()
    for program in programs:
        digest.update(program.linker_flags.encode())
    for program in programs:
        for path in sorted(p for p in program.module.rglob("*") if p.is_file()):
            digest.update(f"{path.relative_to(program.module.parent).as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return f"{version}-{sys.platform}-{platform.machine()}-{digest.hexdigest()[:12]}"


def _required_version(go_mod: Path, module: str) -> str:
    text = go_mod.read_text(encoding="utf-8")
    found = re.search(rf"^(?:require)?\s+{re.escape(module)} (v[0-9.]+)", text, re.MULTILINE)
    if not found:
        raise ControlPlaneError(f"{go_mod} does not require {module}")
    return found[1]
