"""`buildMetadata`: annotations about where objects come from, as kustomize writes them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.unit.kustomize.trees import DEPLOYMENT, build, only

ORIGIN = "config.kubernetes.io/origin"
TRANSFORMATIONS = "alpha.config.kubernetes.io/transformations"
TREE = {
    "base/kustomization.yaml": "resources: [d.yaml]\nnameSuffix: -s\n",
    "base/d.yaml": DEPLOYMENT,
    "part/kustomization.yaml": """\
        apiVersion: kustomize.config.k8s.io/v1alpha1
        kind: Component
        images: [{name: nginx, newTag: '2'}, {name: nginx, newTag: '3'}]
        """,
    "o/kustomization.yaml": """\
        resources: [../base]
        components: [../part]
        commonLabels: {a: b}
        buildMetadata: [WANTED]
        """,
}


def notes(root: Path, wanted: str) -> dict[str, str]:
    files = {name: content.replace("WANTED", wanted) for name, content in TREE.items()}
    found = only(build(root, files, "o"), "Deployment").body["metadata"].get("annotations", {})
    return {name: str(value) for name, value in found.items()}


def test_the_origin_is_the_file_as_the_build_reaches_it(tmp_path: Path) -> None:
    assert notes(tmp_path, "originAnnotations") == {ORIGIN: "path: ../base/d.yaml\n"}


def test_each_transformer_is_noted_in_its_order_once_an_item(tmp_path: Path) -> None:
    found = notes(tmp_path, "transformerAnnotations")
    kinds = [line.split()[-1] for line in found[TRANSFORMATIONS].splitlines() if "kind:" in line]
    assert kinds == ["SuffixTransformer", "ImageTagTransformer", "ImageTagTransformer", "LabelTransformer"]
    assert found[TRANSFORMATIONS].startswith(
        dedent("""\
            - configuredIn: ../base/kustomization.yaml
              configuredBy:
                apiVersion: builtin
                kind: SuffixTransformer
            - configuredIn: ../part/kustomization.yaml
            """)
    )


@pytest.mark.parametrize("wanted", ["", "unknown"])
def test_nothing_is_left_that_the_root_does_not_ask_for(wanted: str, tmp_path: Path) -> None:
    assert notes(tmp_path, wanted) == {}


def test_only_the_root_decides(tmp_path: Path) -> None:
    files = {**TREE, "o/kustomization.yaml": "resources: [../base]\n"}
    files["base/kustomization.yaml"] += "buildMetadata: [originAnnotations, managedByLabel]\n"
    assert "annotations" not in only(build(tmp_path, files, "o"), "Deployment").body["metadata"]


@pytest.mark.parametrize(
    ("behavior", "path"), [("merge", "../b/kustomization.yaml"), ("replace", "kustomization.yaml")]
)
def test_a_generated_object_is_that_of_its_first_generator_until_it_is_replaced(
    behavior: str, path: str, tmp_path: Path
) -> None:
    files = {
        "b/kustomization.yaml": "configMapGenerator: [{name: c, literals: [a=1]}]\n",
        "o/kustomization.yaml": f"""\
            resources: [../b]
            configMapGenerator: [{{name: c, behavior: {behavior}, literals: [b=2]}}]
            buildMetadata: [originAnnotations]
            """,
    }
    found = only(build(tmp_path, files, "o"), "ConfigMap").body["metadata"]["annotations"][ORIGIN]
    assert found == f"configuredIn: {path}\nconfiguredBy:\n  apiVersion: builtin\n  kind: ConfigMapGenerator\n"


def test_a_plugin_is_noted_with_its_file_and_name(tmp_path: Path) -> None:
    plugin = "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: team}\nlabels: {a: b}\n"
    files = {
        "kustomization.yaml": "resources: [d.yaml]\ntransformers: [t.yaml]\nbuildMetadata: [transformerAnnotations]\n",
        "d.yaml": DEPLOYMENT,
        "t.yaml": plugin,
    }
    found = only(build(tmp_path, files), "Deployment").body["metadata"]["annotations"]
    assert found == {
        TRANSFORMATIONS: "- configuredIn: t.yaml\n  configuredBy:\n"
        "    apiVersion: builtin\n    kind: LabelTransformer\n    name: team\n"
    }


def test_objects_are_labelled_as_made_by_kustomize(tmp_path: Path) -> None:
    files = {"kustomization.yaml": "resources: [d.yaml]\nbuildMetadata: [managedByLabel]\n", "d.yaml": DEPLOYMENT}
    labels = only(build(tmp_path, files), "Deployment").body["metadata"]["labels"]
    assert labels == {"app.kubernetes.io/managed-by": "kustomize-v5.8.2"}
