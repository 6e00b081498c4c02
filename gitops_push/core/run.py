"""What a report says about the run itself."""

from __future__ import annotations

from dataclasses import dataclass

from gitops_push.core.checkout import Checkout


@dataclass(frozen=True, slots=True)
class RunHeader:
    """Which version ran for which environment, from which checkout, to which cluster ("" when none is involved).

    `server` says for people where that is: the URL, and the context of the kubeconfig.
    """

    version: str
    environment: str
    checkout: Checkout
    cluster: str = ""
    server: str = ""

    def __str__(self) -> str:
        """Return `gitops-push 0.1.0  env prod  cluster prod-eu  repo config@1a2b3c4 (clean)`."""
        parts = [f"gitops-push {self.version}", f"env {self.environment}"]
        if self.cluster:
            parts.append(f"cluster {self.cluster}")
        parts.append(f"repo {describe_checkout(self.checkout)}")
        return "  ".join(parts)


def describe_checkout(checkout: Checkout) -> str:
    """Return `config@1a2b3c4 (clean)`, or the folder's name for a folder that is not in git."""
    if not checkout.commit:
        return f"{checkout.name} (not in git)"
    return f"{checkout.name}@{checkout.commit[:7]} ({'dirty' if checkout.dirty else 'clean'})"
