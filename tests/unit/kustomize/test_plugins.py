"""`generators`, `transformers` and `validators`: the built-in plugins, configured in files, directories and texts."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from gitops_push.core.errors import BuildError
from tests.unit.kustomize.trees import DEPLOYMENT, build, only, place, text

BINDING = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b, namespace: own}
subjects:
- {kind: ServiceAccount, name: default}
- {kind: ServiceAccount, name: app, namespace: own}
roleRef: {kind: Role, name: r, apiGroup: rbac.authorization.k8s.io}
"""
NAME_SPECS = "fieldSpecs: [{path: metadata/name}]\n"


def config(kind: str, fields: str, name: str = "plugin") -> str:
    return f"apiVersion: builtin\nkind: {kind}\nmetadata: {{name: {name}}}\n{dedent(fields)}"


def transformed(root: Path, kind: str, fields: str, manifest: str = DEPLOYMENT) -> Any:
    files = {
        "kustomization.yaml": "resources: [m.yaml]\ntransformers: [t.yaml]\n",
        "m.yaml": manifest,
        "t.yaml": config(kind, fields),
    }
    (built,) = build(root, files).objects
    return built.body


@pytest.mark.parametrize(
    ("kind", "fields", "path", "value"),
    [
        ("AnnotationsTransformer", "annotations: {a: b}\nfieldSpecs: [{path: spec/notes, create: true}]", "notes", "b"),
        ("LabelTransformer", "labels: {a: true}\nfieldSpecs: [{path: spec/notes, create: true}]", "notes", "true"),
        (
            "ReplicaCountTransformer",
            "replica: {name: web, count: 4}\nfieldSpecs: [{path: spec/replicas, kind: Deployment}]",
            "replicas",
            4,
        ),
        (
            "PatchTransformer",
            "patch: '[{op: replace, path: /spec/replicas, value: 5}]'\ntarget: {name: web}",
            "replicas",
            5,
        ),
        ("PatchJson6902Transformer", "jsonOp: '[{op: add, path: /spec/x, value: z}]'\ntarget: {name: web}", "x", "z"),
        (
            "PatchStrategicMergeTransformer",
            "patches: |-\n  apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: web}\n  spec: {replicas: 6}",
            "replicas",
            6,
        ),
        ("ValueAddTransformer", "value: v\ntargets: [{fieldPath: spec/strategy/type}]", "strategy", {"type": "v"}),
        (
            "ReplacementTransformer",
            "replacements: [{sourceValue: '7', targets: [{select: {name: web}, fieldPaths: [spec.replicas]}]}]",
            "replicas",
            7,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.endswith("Transformer") else "",
)
def test_a_built_in_transformer_does_what_its_configuration_says(
    kind: str, fields: str, path: str, value: object, tmp_path: Path
) -> None:
    found = transformed(tmp_path, kind, fields)["spec"][path]
    assert found == ({"a": value} if path == "notes" else value)


def test_an_image_is_changed_by_a_plugin_and_traced_to_its_line(tmp_path: Path) -> None:
    body = transformed(tmp_path, "ImageTagTransformer", "imageTag:\n  name: nginx\n  newTag: '2'\n")
    container = body["spec"]["template"]["spec"]["containers"][0]
    assert (container["image"], place(container.marks["image"])) == ("nginx:2", ("t.yaml", 6, "images"))


@pytest.mark.parametrize(
    ("kind", "affixes", "name"),
    [
        ("PrefixTransformer", "prefix: p-\n", "p-web"),
        ("SuffixTransformer", "suffix: -s\n", "web-s"),
        ("PrefixSuffixTransformer", "prefix: p-\nsuffix: -s\n", "p-web-s"),
    ],
)
def test_prefix_and_suffix_plugins_need_their_fields(kind: str, affixes: str, name: str, tmp_path: Path) -> None:
    assert transformed(tmp_path, kind, affixes + NAME_SPECS)["metadata"]["name"] == name
    with pytest.raises(BuildError, match="fieldSpecs is not expected to be nil"):
        transformed(tmp_path, kind, affixes)


@pytest.mark.parametrize(
    ("settings", "own", "subjects"),
    [
        ("", "shop", ["shop", "own"]),
        ("unsetOnly: true", "own", ["shop", "own"]),
        ("setRoleBindingSubjects: none", "shop", [None, "own"]),
        ("setRoleBindingSubjects: allServiceAccounts", "shop", ["shop", "shop"]),
    ],
)
def test_a_namespace_plugin_chooses_which_subjects_it_moves(
    settings: str, own: str, subjects: list[str | None], tmp_path: Path
) -> None:
    files = {
        "kustomization.yaml": "resources: [m.yaml]\ntransformers: [t.yaml]\n",
        "m.yaml": BINDING,
        "t.yaml": config("NamespaceTransformer", settings).replace("{name:", "{namespace: shop, name:"),
    }
    body = only(build(tmp_path, files), "RoleBinding").body
    assert body["metadata"]["namespace"] == own
    assert [one.get("namespace") for one in body["subjects"]] == subjects


def test_texts_come_before_files_and_a_directory_may_change_its_plugins(tmp_path: Path) -> None:
    inline = indent(config("SuffixTransformer", "suffix: -text\n" + NAME_SPECS, "one"), "  ")
    files = {
        "kustomization.yaml": f"resources: [m.yaml]\ntransformers:\n- dir\n- |-\n{inline}",
        "m.yaml": DEPLOYMENT,
        "dir/kustomization.yaml": "resources: [t.yaml]\npatches: [{path: p.yaml}]\n",
        "dir/t.yaml": config("SuffixTransformer", "suffix: -file\n" + NAME_SPECS, "two"),
        "dir/p.yaml": config("SuffixTransformer", "suffix: -patched\n", "two"),
    }
    assert only(build(tmp_path, files), "Deployment").body["metadata"]["name"] == "web-text-patched"


def test_generator_plugins_add_objects_with_their_hash_and_merge_by_behavior(tmp_path: Path) -> None:
    files = {
        "base/kustomization.yaml": "generators: [g.yaml]\n",
        "base/g.yaml": config("ConfigMapGenerator", "literals: [a=1]\n", "c"),
        "o/kustomization.yaml": "resources: [../base]\ngenerators: [g.yaml]\n",
        "o/g.yaml": config("ConfigMapGenerator", "name: c\nbehavior: merge\nliterals: [b=2]\n"),
    }
    built = only(build(tmp_path, files, "o"), "ConfigMap")
    assert built.body["data"] == {"a": "1", "b": "2"}
    assert built.unhashed_name == "c"


def test_an_account_for_google_cloud_is_generated(tmp_path: Path) -> None:
    fields = """\
        cloud: gke
        kubernetesService: {name: k, namespace: shop}
        serviceAccount: {name: g, projectId: p}
        """
    files = {"kustomization.yaml": "generators: [g.yaml]\n", "g.yaml": config("IAMPolicyGenerator", fields)}
    assert text(build(tmp_path, files)) == dedent("""\
        apiVersion: v1
        kind: ServiceAccount
        metadata:
          annotations:
            iam.gke.io/gcp-service-account: g@p.iam.gserviceaccount.com
          name: k
          namespace: shop
        """)


def test_a_part_is_put_into_a_file_path_at_its_position(tmp_path: Path) -> None:
    fields = "value: v\ntargets:\n" + "".join(
        f"- {{fieldPath: spec/{key}, filePathPosition: {position}}}\n"
        for key, position in (("a", 1), ("b", 2), ("c", 9), ("d", 1))
    )
    manifest = "apiVersion: v1\nkind: Widget\nmetadata: {name: w}\nspec: {a: /x/y, b: x/y, c: /x}\n"
    spec = transformed(tmp_path, "ValueAddTransformer", fields, manifest)["spec"]
    assert spec == {"a": "/v/x/y", "b": "x/v/y", "c": "/x/v", "d": "v"}


def test_a_validator_may_only_look(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": "resources: [m.yaml]\nvalidators: [v.yaml]\n",
        "m.yaml": DEPLOYMENT,
        "v.yaml": config(
            "LabelTransformer", "labels: {validated-by: me}\nfieldSpecs: [{path: metadata/labels, create: true}]"
        ),
    }
    assert only(build(tmp_path, files), "Deployment").body["metadata"]["labels"] == {"validated-by": "me"}
    files["v.yaml"] = files["v.yaml"].replace("validated-by", "other")
    with pytest.raises(BuildError, match="validator shouldn't modify the resource map"):
        build(tmp_path, files)


@pytest.mark.parametrize(
    ("field", "plugin", "message", "line"),
    [
        ("transformers", config("Magic", ""), "unable to load builtin Magic", 1),
        ("transformers", config("SortOrderTransformer", ""), "unable to load builtin SortOrderTransformer", 1),
        ("transformers", config("SecretGenerator", ""), "not a transformer", 1),
        ("generators", config("PrefixTransformer", ""), "not a generator", 1),
        ("generators", config("IAMPolicyGenerator", "cloud: aws"), "cloud provider aws not supported yet", 4),
        ("transformers", config("ValueAddTransformer", "value: v"), "must specify at least one target", 1),
        ("transformers", config("LabelTransformer", "labels: [a]"), "labels must be a mapping", 4),
        ("transformers", config("NamespaceTransformer", "setRoleBindingSubjects: some"), "must be one of", 4),
    ],
    ids=lambda value: value.partition("\n")[0] if isinstance(value, str) else "",
)
def test_a_plugin_that_cannot_be_used_is_named_with_its_line(
    field: str, plugin: str, message: str, line: int, tmp_path: Path
) -> None:
    files = {"kustomization.yaml": f"resources: [m.yaml]\n{field}: [t.yaml]\n", "m.yaml": DEPLOYMENT, "t.yaml": plugin}
    with pytest.raises(BuildError, match=message) as caught:
        build(tmp_path, files)
    origin = caught.value.problems[0].origin
    assert origin is not None
    assert (origin.file, origin.line) == ("t.yaml", line)


def test_a_validator_that_changes_nothing_passes_an_object_with_empty_labels(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": "resources: [m.yaml]\nvalidators: [v.yaml]\n",
        "m.yaml": DEPLOYMENT.replace("name: web", "name: web\n  labels: {}", 1),
        "v.yaml": config("LabelTransformer", "labels: {a: b}\nfieldSpecs: [{path: spec/none, kind: None}]"),
    }
    assert only(build(tmp_path, files), "Deployment").body["metadata"]["labels"] == {}
