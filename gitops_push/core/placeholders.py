"""Values that a manifest leaves empty for somebody else to fill in: sent as they stand, they would empty it again.

CA bundles are written by injectors (cert-manager's cainjector, OpenShift's service CA), the name of a volume by the
binder. Generated manifests often hold an empty text there, or `Cg==`, the base64 of a line end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gitops_push.core.fieldpath import value_at

_EMPTY_BUNDLES: Final = frozenset({"", "Cg==", "DQo="})
_WEBHOOKS: Final = frozenset({"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"})


def remove_placeholders(body: dict[str, Any]) -> None:
    """Remove the values of an object that only stand for what others fill in. Changes `body`."""
    for holder, key in _places(body):
        value = holder.get(key)
        if isinstance(value, str) and value.strip() in (_EMPTY_BUNDLES if key == "caBundle" else {""}):
            del holder[key]


def _places(body: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    group, kind = str(body.get("apiVersion", "")).rpartition("/")[0], body.get("kind")
    spec = body.get("spec")
    match group, kind:
        case "admissionregistration.k8s.io", str() if kind in _WEBHOOKS:
            webhooks = body.get("webhooks")
            for webhook in webhooks if isinstance(webhooks, list) else ():
                yield from _holder(webhook, "clientConfig", key="caBundle")
        case "apiextensions.k8s.io", "CustomResourceDefinition":
            yield from _holder(spec, "conversion", "webhook", "clientConfig", key="caBundle")
        case "apiregistration.k8s.io", "APIService":
            yield from _holder(spec, key="caBundle")
        case "", "PersistentVolumeClaim":
            yield from _holder(spec, key="volumeName")


def _holder(node: Any, *path: str, key: str) -> Iterator[tuple[dict[str, Any], str]]:
    holder = value_at(path, node)
    if isinstance(holder, dict):
        yield holder, key
