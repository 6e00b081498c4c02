"""How a kustomization is built, in the words of kustomize's command line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Reorder(StrEnum):
    """The order of the output where the kustomization does not say: kustomize's default, or as read."""

    LEGACY = "legacy"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class HelmOptions:
    """What helm is told besides the kustomization; a `command` without a slash is looked for on the PATH."""

    command: str = "helm"
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    debug: bool = False


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """Kustomize's command line options; the defaults are kustomize's.

    `restricted` is `--load-restrictor LoadRestrictionsRootOnly`. Functions need both `enable_alpha_plugins` and
    `enable_exec`; `exec_functions` narrows that to programs of these paths in the repo, None to none in particular.
    `function_environment` holds NAME=VALUE items that functions get. `git_outside` lets `file://` bases name git
    repositories outside the config repo.
    """

    reorder: Reorder = Reorder.LEGACY
    restricted: bool = True
    enable_helm: bool = False
    enable_exec: bool = False
    enable_alpha_plugins: bool = False
    managed_by_label: bool = False
    helm: HelmOptions = HelmOptions()
    exec_functions: tuple[str, ...] | None = None
    function_environment: tuple[str, ...] = ()
    git_outside: bool = False


KUSTOMIZE_DEFAULTS: Final = BuildOptions()
"""What `kustomize build` does without any flag."""
