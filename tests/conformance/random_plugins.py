"""Random `generators`, `transformers` and `validators`: each built-in kind, in files, texts and directories."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.conformance.random_overlays import NAMES, Overlays, Raw, block, text_block

Maker = Callable[[Overlays], dict[str, Any]]

NAME_SPECS: tuple[list[dict[str, Any]], ...] = (
    [{"path": "metadata/name"}],
    [{"path": "metadata/name", "kind": "Deployment"}, {"path": "metadata/name", "kind": "ConfigMap"}],
    [{"path": "metadata/name", "group": "apps"}],
    [{"path": "spec/ref", "kind": "Gadget"}],
)
PAIR_SPECS: tuple[list[dict[str, Any]], ...] = (
    [{"path": "metadata/labels", "create": True}],
    [{"path": "metadata/annotations", "create": True}],
    [{"path": "metadata/labels"}],
    [{"path": "spec/template/metadata/labels", "create": True, "kind": "Deployment"}],
    [{"path": "spec/selector", "kind": "Service"}, {"path": "spec/selector/matchLabels", "kind": "Deployment"}],
    [{"path": "spec/template/spec/affinity/podAntiAffinity/x[]/labels", "create": True, "group": "apps"}],
)
NAMESPACE_SPECS: tuple[list[dict[str, Any]], ...] = (
    [],
    [{"path": "metadata/namespace", "create": True}],
    [{"path": "spec/space", "kind": "Gadget", "create": True}],
    [{"path": "metadata/name", "kind": "Namespace"}],
)


def _annotations(overlays: Overlays) -> dict[str, Any]:
    return {"annotations": _pairs(overlays), "fieldSpecs": overlays.random.choice(PAIR_SPECS)}


def _labels(overlays: Overlays) -> dict[str, Any]:
    return {"labels": _pairs(overlays), "fieldSpecs": overlays.random.choice(PAIR_SPECS)}


def _pairs(overlays: Overlays) -> dict[str, Any]:
    return {overlays.random.choice(("app", "z", "note")): Raw(overlays.random.choice(("x", "'5'", '"true"', "''")))}


def _namespace(overlays: Overlays) -> dict[str, Any]:
    fields: dict[str, Any] = {"fieldSpecs": overlays.random.choice(NAMESPACE_SPECS)}
    if overlays.random.random() < 0.4:
        fields["unsetOnly"] = overlays.random.random() < 0.8
    if overlays.random.random() < 0.5:
        fields["setRoleBindingSubjects"] = overlays.random.choice(("none", "defaultOnly", "allServiceAccounts"))
    return fields


def _affix(*keys: str) -> Maker:
    def make(overlays: Overlays) -> dict[str, Any]:
        affixes = {key: overlays.random.choice(("t-", "-u")) for key in keys}
        return {**affixes, "fieldSpecs": overlays.random.choice(NAME_SPECS)}

    return make


def _image(overlays: Overlays) -> dict[str, Any]:
    tag: dict[str, Any] = {"name": overlays.random.choice(("nginx", "redis", "r.io/team/api"))}
    tag |= {
        key: value for key, value in {"newName": "n/m", "newTag": Raw("'7'")}.items() if overlays.random.random() < 0.6
    }
    specs = overlays.random.choice(([], [{"path": "spec/image"}], [{"path": "spec/template/spec/containers[]/image"}]))
    return {"imageTag": tag, "fieldSpecs": specs}


def _replicas(overlays: Overlays) -> dict[str, Any]:
    kinds = ("Deployment", "Gadget", "ConfigMap", "Service")
    names = [body["metadata"]["name"] for body in overlays.made if body["kind"] in kinds]
    specs = [{"path": "spec/replicas", "create": True, "kind": kind} for kind in kinds]
    return {"replica": {"name": overlays.random.choice(names or NAMES), "count": 5}, "fieldSpecs": specs}


def _patch(overlays: Overlays) -> dict[str, Any]:
    if overlays.random.random() < 0.5:
        target = overlays.target()
        return {"patch": text_block(block([overlays.operation(target["kind"])])), "target": target}
    return {"patch": text_block(block(overlays.strategic()))}


def _json_patch(overlays: Overlays) -> dict[str, Any]:
    old = overlays.random.choice(overlays.made)
    target = {"kind": old["kind"], "name": old["metadata"]["name"]}
    if "namespace" in old["metadata"]:
        target["namespace"] = old["metadata"]["namespace"]
    return {"target": target, "jsonOp": text_block(block([overlays.operation(old["kind"])]))}


def _strategic(overlays: Overlays) -> dict[str, Any]:
    count = overlays.random.randint(1, 2)
    return {"patches": text_block("---\n".join(block(overlays.strategic()) for _ in range(count)))}


def _replacement(overlays: Overlays) -> dict[str, Any]:
    return {"replacements": [replacement(overlays)]}


def replacement(overlays: Overlays) -> dict[str, Any]:
    """Return a replacement of a note by the name of an object, or by a text."""
    old = overlays.random.choice(overlays.made)
    source = {"kind": old["kind"], "name": old["metadata"]["name"], "fieldPath": "metadata.name"}
    target = {
        "select": {"kind": overlays.random.choice(("Deployment", "ConfigMap", "Gadget", "Service"))},
        "fieldPaths": [overlays.random.choice(("metadata.annotations.note", "spec.ref", "data.k", "spec.list.0.v"))],
        "options": {"create": True},
    }
    given: dict[str, Any] = {"source": source} if overlays.random.random() < 0.7 else {"sourceValue": "fixed"}
    return {**given, "targets": [target]}


def _value_add(overlays: Overlays) -> dict[str, Any]:
    path = overlays.random.choice(("metadata/labels/added", "spec/ref", "metadata/annotations/note", "data/k"))
    target: dict[str, Any] = {"fieldPath": path}
    if overlays.random.random() < 0.6:
        target["selector"] = {"kind": overlays.random.choice(("Deployment", "Gadget", "ConfigMap"))}
    if overlays.random.random() < 0.3:
        target["filePathPosition"] = overlays.random.randint(0, 2)
    return {"value": "added", "targets": [target]}


def _nothing(overlays: Overlays) -> dict[str, Any]:
    return {}


def _data(overlays: Overlays) -> dict[str, Any]:
    fields: dict[str, Any] = {"literals": [f"k={overlays.name()}", "n=5"]}
    if overlays.random.random() < 0.3:
        fields["options"] = {"disableNameSuffixHash": True, "labels": {"a": "b"}}
    return fields


def _account(overlays: Overlays) -> dict[str, Any]:
    account = {"name": f"sa{overlays.random.randint(0, 99)}"}
    if overlays.random.random() < 0.5:
        account["namespace"] = "shop"
    return {"cloud": "gke", "kubernetesService": account, "serviceAccount": {"name": "g", "projectId": "p"}}


TRANSFORMERS: Mapping[str, Maker] = {
    "AnnotationsTransformer": _annotations,
    "LabelTransformer": _labels,
    "NamespaceTransformer": _namespace,
    "PrefixTransformer": _affix("prefix"),
    "SuffixTransformer": _affix("suffix"),
    "PrefixSuffixTransformer": _affix("prefix", "suffix"),
    "ImageTagTransformer": _image,
    "ReplicaCountTransformer": _replicas,
    "PatchTransformer": _patch,
    "PatchJson6902Transformer": _json_patch,
    "PatchStrategicMergeTransformer": _strategic,
    "ReplacementTransformer": _replacement,
    "ValueAddTransformer": _value_add,
    "HashTransformer": _nothing,
}
GENERATORS: Mapping[str, Maker] = {
    "ConfigMapGenerator": _data,
    "SecretGenerator": _data,
    "IAMPolicyGenerator": _account,
}


def plugin(overlays: Overlays, makers: Mapping[str, Maker]) -> dict[str, Any]:
    """Return the configuration of one plugin."""
    kind = overlays.random.choice(list(makers))
    number = overlays.random.randint(0, 9999)
    metadata: dict[str, Any] = {"name": f"plugin{number}"}
    if kind == "NamespaceTransformer" or overlays.random.random() < 0.1:
        metadata["namespace"] = overlays.random.choice(("shop", "away"))
    return {"apiVersion": "builtin", "kind": kind, "metadata": metadata, **makers[kind](overlays)}


def add_transformers(overlays: Overlays, fields: dict[str, Any], folder: Path) -> None:
    if overlays.made:
        fields["transformers"] = _entries(overlays, folder, "transform", TRANSFORMERS)


def add_generators(overlays: Overlays, fields: dict[str, Any], folder: Path) -> None:
    fields["generators"] = _entries(overlays, folder, "generate", GENERATORS)


def add_validators(overlays: Overlays, fields: dict[str, Any], folder: Path) -> None:
    """Add a validator that changes nothing, or rarely something."""
    kind = "Deployment" if overlays.random.random() < 0.05 else "Nothing"
    specs = [{"path": "metadata/annotations", "create": True, "kind": kind}]
    head = {"apiVersion": "builtin", "kind": "AnnotationsTransformer", "metadata": {"name": "check"}}
    (folder / "check.yaml").write_text(block({**head, "annotations": {"checked": "by-me"}, "fieldSpecs": specs}))
    fields["validators"] = ["check.yaml"]


def _entries(overlays: Overlays, folder: Path, stem: str, makers: Mapping[str, Maker]) -> list[Any]:
    configs = [plugin(overlays, makers) for _ in range(overlays.random.randint(1, 2))]
    roll = overlays.random.random()
    if roll < 0.35:
        return [text_block("---\n".join(map(block, configs)))]
    if roll < 0.7:
        return [_file(folder, f"{stem}{number}.yaml", config) for number, config in enumerate(configs)]
    return [_directory(overlays, folder / stem, configs)]


def _file(folder: Path, name: str, config: dict[str, Any]) -> str:
    (folder / name).write_text(block(config))
    return name


def _directory(overlays: Overlays, folder: Path, configs: list[dict[str, Any]]) -> str:
    """Write a kustomization of configurations, which changes them."""
    folder.mkdir()
    fields: dict[str, Any] = {"resources": [_file(folder, f"c{n}.yaml", config) for n, config in enumerate(configs)]}
    if overlays.random.random() < 0.3:
        fields["namePrefix"] = "made-"
    if overlays.random.random() < 0.2:
        fields["namespace"] = "away"
    if overlays.random.random() < 0.2:
        fields["commonAnnotations"] = {"a": "b"}
    if overlays.random.random() < 0.4:
        target = {"kind": overlays.random.choice((configs[0]["kind"], ".*"))}
        operation = {"op": "add", "path": "/metadata/labels", "value": Raw("{patched: here}")}
        path = {"SuffixTransformer": "/suffix", "PrefixTransformer": "/prefix", "ValueAddTransformer": "/value"}
        if target["kind"] in path:
            operation = {"op": "replace", "path": path[target["kind"]], "value": "changed"}
        fields["patches"] = [{"target": target, "patch": text_block(block([operation]))}]
    (folder / "kustomization.yaml").write_text(block(fields))
    return folder.name
