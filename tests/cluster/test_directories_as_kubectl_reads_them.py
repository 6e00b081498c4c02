"""Plain directories are read as kubectl reads them; the real kubectl is the judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gitops_push.core.environment import DirectorySource
from gitops_push.core.origin import Origin
from gitops_push.core.validation import object_problems
from gitops_push.repo.directory import read_directory
from gitops_push.system.files import RepoFiles
from tests.controlplane.kubectl import Kubectl


def config_map(name: str, data: str = "{}") -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {data}\n"


def as_json(name: str) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {}})


TREES: dict[str, dict[str, str]] = {
    "order": {
        "b.yaml": config_map("b"),
        "a.yml": config_map("a"),
        "B.yaml": config_map("upper-b"),
        "10.json": as_json("c"),
    },
    "folders": {
        "b/x.yaml": config_map("b-x"),
        "b.yaml": config_map("b"),
        "b-a.yaml": config_map("b-a"),
        "a.yaml": config_map("a"),
    },
    "other endings": {"a.yaml": config_map("a"), "b.YAML": config_map("b"), "c.txt": "no manifest", "d": "none either"},
    "hidden": {".a.yaml": config_map("hidden"), ".d/a.yaml": config_map("inner"), "a.yaml": config_map("a")},
    "documents": {
        "a.yaml": f"---\n# nothing\n---\n{config_map('a')}---\n\n---\n{config_map('b')}...\n---\n{config_map('c')}"
    },
    "json in a row": {"a.json": f"{as_json('a')}\n{as_json('b')} {as_json('c')}"},
    "json named yaml": {"a.yaml": as_json("a"), "b.json": config_map("b")},
    "list": {
        "a.yaml": json.dumps({"apiVersion": "v1", "kind": "List", "items": [json.loads(as_json(n)) for n in "ab"]})
    },
    "empty list": {"a.yaml": "apiVersion: v1\nkind: List\nitems: []\n", "b.yaml": config_map("b")},
    "typed list": {
        "a.yaml": "apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: a}\n  data: {}\n"
        "- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: {}}\n"
    },
    "scalars": {"a.yaml": config_map("a", '{a: "yes", b: "0o14", c: \'\'}') + "immutable: on\n"},
}


def as_kubectl_reads(kubectl: Kubectl, folder: Path, recursive: bool) -> list[dict[str, Any]]:
    flags = ("-R",) if recursive else ()
    printed = kubectl("create", "--dry-run=client", "-o", "json", "-f", str(folder), *flags)
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    while printed.strip():
        body, end = decoder.raw_decode(printed.lstrip())
        printed = printed.lstrip()[end:]
        found.extend(body["items"] if body["kind"] == "List" else [body])
    return [without_namespace(body) for body in found]


def without_namespace(body: dict[str, Any]) -> dict[str, Any]:
    """Returns the object without the namespace that kubectl fills in."""
    metadata = {key: value for key, value in body["metadata"].items() if key != "namespace"}
    return {**body, "metadata": metadata}


@pytest.mark.parametrize("recursive", [False, True], ids=["flat", "recursive"])
@pytest.mark.parametrize("name", TREES)
def test_a_directory_holds_what_kubectl_finds_in_it(
    kubectl: Kubectl, tmp_path: Path, name: str, recursive: bool
) -> None:
    folder = tmp_path / "manifests"
    for path, text in TREES[name].items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    source = DirectorySource(".", Origin("gitops-push.yaml", 1), recursive)
    ours = [item.body for item in read_directory(RepoFiles(folder), source).objects]
    assert ours == as_kubectl_reads(kubectl, folder, recursive)


def test_a_list_in_a_list_is_refused_by_both(kubectl: Kubectl, tmp_path: Path) -> None:
    inner = {"apiVersion": "v1", "kind": "List", "items": [json.loads(as_json("a"))]}
    (tmp_path / "a.yaml").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [inner]}))
    assert "is not a list" in kubectl.run("create", "--dry-run=client", "-f", str(tmp_path / "a.yaml")).stderr
    [found] = read_directory(RepoFiles(tmp_path), DirectorySource("a.yaml", Origin("gitops-push.yaml", 1))).objects
    [problem] = object_problems(found.body, found.origin)
    assert problem.message == "a List cannot be deployed; write its items as objects"
