"""Random `configurations`, `crds` and `openapi`: what a tree tells about its custom kind, in any layer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.conformance.random_overlays import Overlays, block

GADGET_PATHS = {
    "namePrefix": ("spec/ref", "metadata/name"),
    "nameSuffix": ("spec/ref", "metadata/name"),
    "namespace": ("spec/space", "spec/configRef/namespace"),
    "commonLabels": ("spec/labels", "spec/pods/labels"),
    "labels": ("spec/labels", "spec/pods/labels"),
    "templateLabels": ("spec/labels", "spec/pods/labels"),
    "commonAnnotations": ("spec/notes", "spec/pods/notes"),
    "images": ("spec/image", "spec/containers[]/image"),
    "replicas": ("spec/size", "spec/pods/size"),
}
REFERENCE_PATHS = (
    "spec/ref",
    "spec/configRef/name",
    "spec/configRef",
    "spec/refs/name",
    "spec/refs[]/name",
    "spec/names",
)
REFERRED = (
    {"kind": "ConfigMap", "version": "v1"},
    {"kind": "Gadget", "group": "example.com"},
    {"kind": "Widget"},
    {"kind": "Secret"},
    {"kind": "Deployment", "group": "apps", "version": "v1"},
)


def add_configurations(overlays: Overlays, fields: dict[str, Any], folder: Path) -> None:
    content: dict[str, Any] = {}
    for key in overlays.random.sample(list(GADGET_PATHS), overlays.random.randint(0, 3)):
        content[key] = [_spec(overlays, path) for path in GADGET_PATHS[key] if overlays.random.random() < 0.7]
    if overlays.random.random() < 0.7 or not content:
        content["nameReference"] = [_reference(overlays) for _ in range(overlays.random.randint(1, 2))]
    if overlays.random.random() < 0.1:
        content["varReference"] = [{"path": "spec/ref", "kind": "Gadget"}]
    (folder / "config.yaml").write_text(block(content))
    fields["configurations"] = ["config.yaml"]


def _reference(overlays: Overlays) -> dict[str, Any]:
    paths = overlays.random.sample(REFERENCE_PATHS, overlays.random.randint(1, 2))
    return {**overlays.random.choice(REFERRED), "fieldSpecs": [{"path": path, "kind": "Gadget"} for path in paths]}


def _spec(overlays: Overlays, path: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"path": path, "kind": "Gadget"}
    if overlays.random.random() < 0.2:
        spec["group"] = "example.com"
    if path in {"spec/pods/labels", "spec/notes", "spec/size", "spec/space"}:
        spec["create"] = True
    return spec


def add_crds(overlays: Overlays, fields: dict[str, Any], folder: Path) -> None:
    kind, version = overlays.random.choice((("ConfigMap", "v1"), ("Secret", "v1"), ("Gadget", "example.com/v1")))
    extensions: dict[str, Any] = {
        "x-kubernetes-object-ref-api-version": version,
        "x-kubernetes-object-ref-kind": kind,
    }
    if overlays.random.random() < 0.4:
        extensions["x-kubernetes-object-ref-name-key"] = "name"
    properties = {
        overlays.random.choice(("ref", "configRef", "refs")): {"type": "object", **extensions},
        "labels": {"type": "object", overlays.random.choice(LABEL_MARKS): ""},
    }
    spec = "example.com/v1.GadgetSpec"
    definitions = {
        "example.com/v1.Gadget": {"Schema": {"properties": {"spec": {"$ref": spec}}}},
        spec: {"Schema": {"properties": properties}},
    }
    (folder / "crd.json").write_text(json.dumps(definitions, indent=2))
    fields["crds"] = ["crd.json"]


LABEL_MARKS = ("x-kubernetes-label-selector", "x-kubernetes-annotation", "x-kubernetes-identity")


def add_schema(overlays: Overlays, fields: dict[str, Any], folder: Path) -> None:
    """Add a schema by which the containers of the custom kind merge by name, or its references do."""
    merged = {"x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge"}
    item = {"type": "object", "properties": {"name": {"type": "string"}}}
    spec = {overlays.random.choice(("containers", "refs")): {"type": "array", "items": item, **merged}}
    gadget = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": spec}},
        "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Gadget"}],
    }
    (folder / "schema.json").write_text(json.dumps({"definitions": {"com.example.v1.Gadget": gadget}}))
    fields["openapi"] = {"path": "schema.json"}
