"""What the command line says about building kustomizations, in place of the config."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from gitops_push.core.build_options import BuildOptions, Reorder
from gitops_push.core.codes import Code
from gitops_push.core.environment import Environment, KustomizeSource, Source
from gitops_push.core.errors import BuildError, Problem
from gitops_push.repo.directory import KUSTOMIZATION_NAMES

ROOT_ONLY: Final = "LoadRestrictionsRootOnly"
UNRESTRICTED: Final = "LoadRestrictionsNone"


@dataclass(frozen=True, slots=True)
class KustomizeFlags:
    """Kustomize's flags; None, False and empty mean that the config decides.

    Who allows functions here sits at the command line, so all of the repo's are allowed, not only those that the config
    names.
    """

    reorder: str | None = None
    load_restrictor: str | None = None
    enable_helm: bool = False
    enable_exec: bool = False
    enable_alpha_plugins: bool = False
    managed_by_label: bool = False
    helm_command: str | None = None
    helm_kube_version: str | None = None
    helm_api_versions: tuple[str, ...] = ()
    helm_debug: bool = False
    function_environment: tuple[str, ...] = ()
    git_outside: bool = False

    def over(self, environment: Environment) -> Environment:
        """Return the environment with all its kustomizations built as these flags say.

        Raises `BuildError` where there is no kustomization: a flag must not be ignored.
        """
        if self != NO_FLAGS and not any(isinstance(source, KustomizeSource) for source in environment.sources):
            message = f"unable to find one of {', '.join(KUSTOMIZATION_NAMES)}: nothing here is built with kustomize"
            hint = "leave the flags of kustomize out, or name a directory with a kustomization"
            raise BuildError(Problem(Code.KUSTOMIZATION_INVALID, message, environment.sources[0].origin, hint=hint))
        return replace(environment, sources=tuple(self._source(source) for source in environment.sources))

    def _source(self, source: Source) -> Source:
        return replace(source, options=self.options(source.options)) if isinstance(source, KustomizeSource) else source

    def options(self, configured: BuildOptions) -> BuildOptions:
        """Return the options with the flags in their place."""
        helm = configured.helm
        return replace(
            configured,
            reorder=Reorder(self.reorder) if self.reorder else configured.reorder,
            restricted=configured.restricted if self.load_restrictor is None else self.load_restrictor == ROOT_ONLY,
            enable_helm=self.enable_helm or configured.enable_helm,
            enable_exec=self.enable_exec or configured.enable_exec,
            enable_alpha_plugins=self.enable_alpha_plugins or configured.enable_alpha_plugins,
            managed_by_label=self.managed_by_label or configured.managed_by_label,
            helm=replace(
                helm,
                command=self.helm_command or helm.command,
                kube_version=self.helm_kube_version or helm.kube_version,
                api_versions=self.helm_api_versions or helm.api_versions,
                debug=self.helm_debug or helm.debug,
            ),
            exec_functions=None if self.enable_exec else configured.exec_functions,
            function_environment=(*configured.function_environment, *self.function_environment),
            git_outside=self.git_outside or configured.git_outside,
        )


NO_FLAGS: Final = KustomizeFlags()
