"""What a layer of a build has gathered: its objects, and the rules that come with them."""

from __future__ import annotations

from dataclasses import dataclass, field

from gitops_push.core.origin import Origin
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.configuration import NO_CONFIG, TransformerConfig, merge_configs
from gitops_push.kustomize.vars import Vars, absorb_vars


@dataclass(slots=True)
class Gathered:
    """The objects of a layer, the configuration of its transformers, and its vars. Grows while the layer is read."""

    resources: ResourceSet = field(default_factory=ResourceSet)
    config: TransformerConfig = NO_CONFIG
    vars: Vars = field(default_factory=dict)

    def absorb(self, other: Gathered, origin: Origin) -> None:
        """Add what a base has gathered; `origin` is the entry that names it."""
        for resource in other.resources:
            self.resources.append(resource)
        absorb_vars(self.vars, other.vars.values())
        self.config = merge_configs(self.config, other.config, origin)
