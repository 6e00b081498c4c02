"""How layers, patches and references work together."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops_push.core.errors import BuildError
from gitops_push.kustomize.build import BuildOptions, Reorder
from tests.unit.kustomize.trees import DEPLOYMENT, build, only, text

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {volumes: [{name: v, configMap: {name: c}}]}\n"
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: a}}\n"


def test_a_reference_follows_prefix_and_hash(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": """\
            resources: [p.yaml]
            namePrefix: x-
            configMapGenerator:
            - {name: c, literals: [k=1]}
            """,
        "p.yaml": POD,
    }
    built = build(tmp_path, files)
    name = only(built, "ConfigMap").body["metadata"]["name"]
    assert name.startswith("x-c-")
    assert only(built, "Pod").body["spec"]["volumes"][0]["configMap"]["name"] == name


def test_a_reference_that_could_mean_two_objects_is_refused(tmp_path: Path) -> None:
    renaming = "[{op: replace, path: /metadata/name, value: NAME}]"
    base = {
        f"{name}/kustomization.yaml": f"configMapGenerator:\n- {{name: c, literals: [k=1]}}\n"
        f"patches:\n- target: {{kind: ConfigMap}}\n  patch: |-\n    - {renaming[1:-1].replace('NAME', name)}\n"
        for name in "ab"
    }
    files = {**base, "o/kustomization.yaml": "resources: [../a, ../b, p.yaml]\n", "o/p.yaml": POD}
    with pytest.raises(BuildError, match="multiple possible referrals"):
        build(tmp_path, files, "o")


def test_components_work_on_the_objects_so_far_in_their_order(tmp_path: Path) -> None:
    head = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
    files = {
        "kustomization.yaml": "resources: [s.yaml]\ncomponents: [c1, c2]\nnamePrefix: k-\n",
        "s.yaml": SERVICE,
        "c1/kustomization.yaml": f"{head}namePrefix: c1-\n",
        "c2/kustomization.yaml": f"{head}namePrefix: c2-\n",
    }
    assert only(build(tmp_path, files), "Service").body["metadata"]["name"] == "k-c2-c1-web"


@pytest.mark.parametrize(
    ("order", "kinds"),
    [
        ("", ["Service", "Deployment"]),
        ("sortOptions: {order: fifo}\n", ["Deployment", "Service"]),
        ("sortOptions: {order: legacy, legacySortOptions: {orderFirst: [Deployment]}}\n", ["Deployment", "Service"]),
    ],
)
def test_the_order_is_legacy_unless_the_kustomization_says_otherwise(
    order: str, kinds: list[str], tmp_path: Path
) -> None:
    files = {"kustomization.yaml": f"resources: [d.yaml, s.yaml]\n{order}", "d.yaml": DEPLOYMENT, "s.yaml": SERVICE}
    assert [one.body["kind"] for one in build(tmp_path, files).objects] == kinds


def test_the_order_of_reading_can_be_asked_for(tmp_path: Path) -> None:
    files = {"kustomization.yaml": "resources: [d.yaml, s.yaml]\n", "d.yaml": DEPLOYMENT, "s.yaml": SERVICE}
    built = build(tmp_path, files, options=BuildOptions(reorder=Reorder.NONE))
    assert [one.body["kind"] for one in built.objects] == ["Deployment", "Service"]


def test_a_label_that_was_put_in_many_places_at_once_changes_in_all_of_them(tmp_path: Path) -> None:
    files = {
        "b/kustomization.yaml": "resources: [d.yaml]\nlabels: [{pairs: {app: a}, includeSelectors: true}]\n",
        "b/d.yaml": DEPLOYMENT,
        "o/kustomization.yaml": "resources: [../b]\nlabels: [{pairs: {app: b}}]\n",
    }
    body = only(build(tmp_path, files, "o"), "Deployment").body
    assert body["metadata"]["labels"]["app"] == "b"
    assert body["spec"]["selector"]["matchLabels"]["app"] == "b"
    assert body["spec"]["template"]["metadata"]["labels"]["app"] == "b"


def test_a_number_over_a_text_in_quotes_becomes_text(tmp_path: Path) -> None:
    widget = "apiVersion: e.com/v1\nkind: W\nmetadata: {name: w}\nspec:\n  quoted: 'a'\n  plain: a\n"
    patch = "apiVersion: e.com/v1\nkind: W\nmetadata: {name: w}\nspec: {quoted: 0x10, plain: 0x10}\n"
    files = {
        "kustomization.yaml": "resources: [w.yaml]\npatches: [{path: p.yaml}]\n",
        "w.yaml": widget,
        "p.yaml": patch,
    }
    assert only(build(tmp_path, files), "W").body["spec"] == {"quoted": "0x10", "plain": 16}


def test_a_patch_that_deletes_the_object_takes_it_out_of_the_set(tmp_path: Path) -> None:
    patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n$patch: delete\n"
    files = {
        "kustomization.yaml": "resources: [d.yaml, s.yaml]\npatches: [{path: p.yaml}]\nnamePrefix: x-\n",
        "d.yaml": DEPLOYMENT,
        "s.yaml": SERVICE,
        "p.yaml": patch,
    }
    assert [one.body["metadata"]["name"] for one in build(tmp_path, files).objects] == ["x-web"]


def test_deprecated_fields_and_ambiguous_scalars_are_warned_about(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": "bases: [b]\ncommonLabels: {a: b}\n",
        "b/kustomization.yaml": "resources: [c.yaml]\n",
        "b/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  k: yes\n",
    }
    warnings = build(tmp_path, files).warnings
    assert any(line.startswith("kustomization.yaml:1") and "'bases' is deprecated" in line for line in warnings)
    assert any(line.startswith("b/c.yaml:5") for line in warnings)


def test_an_object_for_other_tools_is_left_out(tmp_path: Path) -> None:
    local = """\
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: l
          annotations: {config.kubernetes.io/local-config: "true"}
        """
    files = {"kustomization.yaml": "resources: [l.yaml, s.yaml]\n", "l.yaml": local, "s.yaml": SERVICE}
    assert "kind: ConfigMap" not in text(build(tmp_path, files))


def test_two_entries_that_indentation_made_one_are_named(tmp_path: Path) -> None:
    files = {
        "o/kustomization.yaml": "resources:\n- ../b\n - ../c\n",
        "b/kustomization.yaml": "resources: [s.yaml]\n",
        "b/s.yaml": SERVICE,
    }
    with pytest.raises(BuildError, match="is ambiguous") as caught:
        build(tmp_path, files, "o")
    assert "indentation" in (caught.value.problems[0].hint or "")


@pytest.mark.parametrize(("api_version", "names"), [("apps/v1", ["side", "main"]), ("example.com/v1", ["side"])])
def test_the_kind_of_a_patch_says_how_an_unknown_kind_of_its_group_is_merged(
    api_version: str, names: list[str], tmp_path: Path
) -> None:
    side = DEPLOYMENT.replace("main", "side")
    files = {
        "kustomization.yaml": "resources: [w.yaml]\npatches: [{path: p.yaml, target: {kind: Widget}}]\n",
        "w.yaml": DEPLOYMENT.replace("apps/v1", api_version).replace("kind: Deployment", "kind: Widget"),
        "p.yaml": side,
    }
    containers = only(build(tmp_path, files), "Widget").body["spec"]["template"]["spec"]["containers"]
    assert [one["name"] for one in containers] == names


GADGET = "apiVersion: example.com/v1\nkind: Gadget\nmetadata: {name: one}\nspec: {ref: x}\n"


def test_a_component_has_the_prefix_of_configured_kinds_replace_that_of_all_kinds(tmp_path: Path) -> None:
    files = {
        "base/kustomization.yaml": "resources: [m.yaml]\n",
        "base/m.yaml": f"{GADGET}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: data}}\n",
        "part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n",
        "kustomization.yaml": "resources: [base]\ncomponents: [part]\nnamePrefix: p-\nconfigurations: [c.yaml]\n",
        "c.yaml": "namePrefix: [{path: metadata/name, kind: Gadget}]\n",
    }
    files["part/kustomization.yaml"] += "commonAnnotations: {a: b}\n"
    assert [one.body["metadata"]["name"] for one in build(tmp_path, files).objects] == ["data", "p-one"]


def test_annotations_of_objects_in_a_list_are_text_by_value(tmp_path: Path) -> None:
    item = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {n: 1.50, z: ~, t: 'k'}}}"
    files = {
        "kustomization.yaml": "resources: [m.yaml]\n",
        "m.yaml": f"apiVersion: v1\nkind: List\nmetadata: {{name: l}}\nitems:\n- {item}\n",
    }
    (built,) = build(tmp_path, files).objects
    assert built.body["metadata"]["annotations"] == {"n": "1.5", "z": "null", "t": "k"}


def test_a_lone_exclamation_mark_leaves_the_type_of_a_plain_value(tmp_path: Path) -> None:
    files = {"kustomization.yaml": "resources: [m.yaml]\n", "m.yaml": f"{GADGET}plain: ! 5\nquoted: ! '5'\n"}
    (built,) = build(tmp_path, files).objects
    assert (built.body["plain"], built.body["quoted"]) == (5, "5")


def test_a_namespace_that_the_sort_options_do_not_name_comes_with_the_other_core_kinds(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": """\
            resources: [d.yaml, n.yaml, s.yaml]
            sortOptions: {order: legacy, legacySortOptions: {orderFirst: [Service], orderLast: []}}
            """,
        "d.yaml": DEPLOYMENT,
        "n.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n",
        "s.yaml": SERVICE,
    }
    kinds = [one.body["kind"] for one in build(tmp_path, files).objects]
    assert kinds == ["Service", "Deployment", "Namespace"]


def test_a_name_that_a_json_patch_of_a_base_made_null_is_prefixed_as_a_text(tmp_path: Path) -> None:
    files = {
        "b/kustomization.yaml": """\
            resources: [s.yaml]
            patches:
            - target: {kind: Service}
              patch: |-
                - {op: replace, path: /metadata/name, value: null}
            """,
        "b/s.yaml": SERVICE,
        "o/kustomization.yaml": "resources: [../b]\nnamePrefix: p-\n",
    }
    assert only(build(tmp_path, files, "o"), "Service").body["metadata"]["name"] == "p-null"
