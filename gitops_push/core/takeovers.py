"""How another tool's hold on objects is named (`helm:shop/api`), and of which the environment takes objects over."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_LABEL: Final = r"[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?"
_WORD: Final = r"[A-Za-z0-9](?:[-._A-Za-z0-9]*[A-Za-z0-9])?"
OWNER_PATTERN: Final = (
    rf"(?:helm|inventory):{_LABEL}/{_LABEL}|argocd:(?:{_LABEL}/)?{_LABEL}"
    rf"|flux:(?:kustomization|helmrelease)/{_LABEL}/{_LABEL}|(?:kapp|applyset|cli-utils):{_WORD}"
)
"""A regular expression for the whole text."""

OWNER_EXAMPLES: Final = ("helm:shop/api", "argocd:argocd/shop", "flux:kustomization/flux-system/apps", "kapp:shop")
OWNER_FORMS: Final = (
    "helm:NAMESPACE/RELEASE, argocd:[NAMESPACE/]APPLICATION, flux:kustomization/NAMESPACE/NAME, "
    "flux:helmrelease/NAMESPACE/NAME, kapp:APP, applyset:ID, inventory:NAMESPACE/NAME or cli-utils:ID"
)


def is_owner(text: str) -> bool:
    """Return whether the text names an owner."""
    return re.fullmatch(OWNER_PATTERN, text) is not None


@dataclass(frozen=True, slots=True)
class Takeovers:
    """The owners that objects are taken over from, as `--takeover` and `takeover:` name them."""

    owners: tuple[str, ...] = ()

    def named(self, name: str) -> str:
        """Return which of them means this owner, or "".

        An inventory of gitops-push is the ApplySet whose id its name and namespace give. An Argo CD application whose
        namespace its objects do not tell may be named with or without it.
        """
        return next((owner for owner in self.owners if name and _means(owner, name)), "")


NO_TAKEOVERS: Final = Takeovers()


def _means(owner: str, name: str) -> bool:
    tool, _, rest = owner.partition(":")
    if tool == "inventory":
        from gitops_push.core.inventory import applyset_id

        namespace, _, inventory = rest.partition("/")
        return name == f"applyset:{applyset_id(inventory, namespace)}"
    if tool == "argocd" and "/" not in name:
        return name == f"argocd:{rest.rpartition('/')[2]}"
    return owner == name
