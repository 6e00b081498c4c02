"""Where the control plane of a test run comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.controlplane.build import build_control_plane, built_folder, cache_folder, report_on_stderr
from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.sources import PROGRAM_NAMES


def find_programs(environ: Mapping[str, str], say: Callable[[str], None] = report_on_stderr) -> Path:
    """Returns the folder of the five programs: KUBEBUILDER_ASSETS, the cached build, or a build made now.

    Raises ControlPlaneError when KUBEBUILDER_ASSETS lacks a program, or when the build fails.
    """
    assets = environ.get("KUBEBUILDER_ASSETS")
    if assets:
        return _checked_assets(Path(assets))
    cache = cache_folder(environ)
    return built_folder(cache) or build_control_plane(cache, say)


def _checked_assets(folder: Path) -> Path:
    missing = [name for name in PROGRAM_NAMES if not (folder / name).is_file()]
    if missing:
        raise ControlPlaneError(
            f"KUBEBUILDER_ASSETS={folder} has no {', '.join(missing)}. Rollouts need them all: "
            "unset KUBEBUILDER_ASSETS to let the tests build them."
        )
    return folder.resolve()
