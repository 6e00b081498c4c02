"""Random objects beyond workloads: kinds with special rules, one with references, lists, and odd spellings."""

from __future__ import annotations

from typing import Any

from tests.conformance.random_overlays import MAKERS, Maker, Overlays, Raw

ODD_SCALARS = (
    "ü 😀",
    '"\\u00e9\\t1"',
    "'it''s'",
    '"a \\"quote\\""',
    "&x text",
    "!!str 5",
    "! 5",
    ">-\n  folded\n  text",
    ">\n  folded\n\n  more",
    "|+\n  kept\n",
    "|2-\n   deep\n  flat",
    "[]",
    "{}",
    "[a, 'b', 5]",
    "{a: 1, 'b': [x]}",
    "'#no'",
    "a#b",
    "text # comment",
    "'  spaced '",
    "word " * 30 + "end",
    "$(VAR)",
    "'-'",
    "'*'",
    "=",
    "+5",
    "0o14",
    "0b11",
    "1:2:3",
    "off",
    "'null'",
    "'~'",
    "5.0",
    "1e+21",
    "2001-01-01T00:00:00Z",
)
ANCHORS = (
    {"x": Raw("&one {k: v}"), "y": Raw("*one"), "z": Raw("\n    <<: *one\n    w: 1")},
    {"x": Raw("&list [a, b]"), "y": Raw("*list")},
    {"x": Raw("&text five"), "y": {"deep": Raw("*text")}},
    {"x": Raw("&two\n    k: v"), "z": Raw("{<<: *two, k: own}")},
)


def gadget(overlays: Overlays) -> dict[str, Any]:
    """Return an object of a custom kind, which configurations, crds and schemas tell about."""
    spec: dict[str, Any] = {
        "ref": overlays.name(),
        "configRef": {"name": overlays.name()},
        "refs": [{"name": overlays.name()} for _ in range(2)],
        "names": [overlays.name()],
        "image": overlays.random.choice(("nginx:1", "redis")),
        "replicas": 2,
        "labels": {"app": "web"},
        "containers": [overlays.container(number) for number in range(2)],
    }
    kept = {key: value for key, value in spec.items() if overlays.random.random() < 0.6}
    return _object(overlays, "example.com/v1", "Gadget", {"spec": kept or spec})


def odd(overlays: Overlays) -> dict[str, Any]:
    """Return an object with values that are spelled in unusual ways."""
    if overlays.random.random() < 0.15:
        return _object(overlays, "example.com/v1", "Widget", {"spec": dict(overlays.random.choice(ANCHORS))})
    values = {letter: Raw(overlays.random.choice(ODD_SCALARS)) for letter in "abc"}
    values["'quoted key'"] = Raw(overlays.random.choice(ODD_SCALARS))
    return _object(overlays, "example.com/v1", "Widget", {"spec": values})


def webhooks(overlays: Overlays) -> dict[str, Any]:
    """Return a webhook configuration, cluster-scoped, that names a Service."""
    service = {"name": overlays.name(), "namespace": overlays.random.choice(("shop", "default"))}
    hook = {"name": "h.example.com", "clientConfig": {"service": service}, "sideEffects": "None"}
    kind = overlays.random.choice(("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"))
    return _object(overlays, "admissionregistration.k8s.io/v1", kind, {"webhooks": [hook]})


def api_service(overlays: Overlays) -> dict[str, Any]:
    service = {"name": overlays.name(), "namespace": "shop"}
    return _object(overlays, "apiregistration.k8s.io/v1", "APIService", {"spec": {"service": service, "group": "g"}})


def definition(overlays: Overlays) -> dict[str, Any]:
    """Return a CustomResourceDefinition, which names no prefix may change."""
    client = {"service": {"name": overlays.name(), "namespace": "shop"}}
    conversion = {"strategy": "Webhook", "webhook": {"clientConfig": client}}
    return _object(
        overlays, "apiextensions.k8s.io/v1", "CustomResourceDefinition", {"spec": {"conversion": conversion}}
    )


def volume(overlays: Overlays) -> dict[str, Any]:
    claim = {"name": overlays.name(), "namespace": overlays.random.choice(("shop", "default"))}
    return _object(overlays, "v1", "PersistentVolume", {"spec": {"claimRef": claim, "storageClassName": "fast"}})


def storage_class(overlays: Overlays) -> dict[str, Any]:
    return _object(overlays, "storage.k8s.io/v1", "StorageClass", {"provisioner": "none"})


def local_config(overlays: Overlays) -> dict[str, Any]:
    """Return an object that is not for the cluster, and never printed."""
    body = gadget(overlays)
    body["metadata"]["annotations"] = {"config.kubernetes.io/local-config": Raw('"true"')}
    return body


def named_list(overlays: Overlays) -> dict[str, Any]:
    """Return objects in a List, whose names are its own."""
    number = overlays.random.randint(0, 999)
    items = [overlays.random.choice(MAKERS)(overlays) for _ in range(2)]
    for index, item in enumerate(items):
        item["metadata"]["name"] = f"i{number}{index}"
    kind = overlays.random.choice(("List", "ConfigMapList"))
    if kind == "ConfigMapList":
        items = [item for item in items if item["kind"] == "ConfigMap"]
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": f"l{number}"}, "items": items}


def _object(overlays: Overlays, api_version: str, kind: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": overlays.meta(), **content}


MORE_MAKERS: tuple[Maker, ...] = (
    *MAKERS,
    *(gadget,) * 4,
    *(odd,) * 3,
    webhooks,
    api_service,
    definition,
    volume,
    storage_class,
    local_config,
)
