"""Where the programs of a test run come from."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.controlplane.build import build_bundle, built_folder, cache_folder, report_on_stderr
from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.sources import PROGRAM_NAMES, control_plane_bundle, helm_bundle, kustomize_bundle


def find_programs(environ: Mapping[str, str], say: Callable[[str], None] = report_on_stderr) -> Path:
    """Returns the folder of the five programs: KUBEBUILDER_ASSETS, the cached build, or a build made now.

    Raises ControlPlaneError when KUBEBUILDER_ASSETS lacks a program, or when the build fails.
    """
    assets = environ.get("KUBEBUILDER_ASSETS")
    if assets:
        return _checked_assets(Path(assets))
    cache, bundle = cache_folder(environ), control_plane_bundle()
    return built_folder(cache, bundle) or build_bundle(cache, bundle, say)


def kustomize(environ: Mapping[str, str] = os.environ, say: Callable[[str], None] = report_on_stderr) -> Path:
    """Returns the real kustomize, the judge of the native builder: the cached build, or a build made now (a minute).

    Its version is that of `go/kustomize/go.mod`. Raises ControlPlaneError when the build fails.
    """
    cache, bundle = cache_folder(environ), kustomize_bundle()
    return (built_folder(cache, bundle) or build_bundle(cache, bundle, say)) / "kustomize"


def helm(environ: Mapping[str, str] = os.environ, say: Callable[[str], None] = report_on_stderr) -> Path:
    """Returns the real helm: the cached build, or a build made now (two minutes).

    Raises ControlPlaneError when the build fails.
    """
    cache, bundle = cache_folder(environ), helm_bundle()
    return (built_folder(cache, bundle) or build_bundle(cache, bundle, say)) / "helm"


def _checked_assets(folder: Path) -> Path:
    missing = [name for name in PROGRAM_NAMES if not (folder / name).is_file()]
    if missing:
        raise ControlPlaneError(
            f"KUBEBUILDER_ASSETS={folder} has no {', '.join(missing)}. Rollouts need them all: "
            "unset KUBEBUILDER_ASSETS to let the tests build them."
        )
    return folder.resolve()
