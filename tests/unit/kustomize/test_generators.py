"""Generated ConfigMaps and Secrets, their hashes, and the references that follow."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from gitops_push.core.errors import BuildError
from tests.unit.kustomize.trees import build, only

PLAIN = "configMapGenerator:\n- name: c\n  literals: [{literal}]\n  options: {{disableNameSuffixHash: true}}\n"


@pytest.mark.parametrize(
    ("literal", "value"),
    [("k=v", "v"), ("k=", ""), ("k=a=b", "a=b"), ("k='a b'", "a b"), ('k="x"', "x"), ("k='x\"", "'x\""), ('k="', '"')],
)
def test_a_literal_loses_one_pair_of_equal_quotes(literal: str, value: str, tmp_path: Path) -> None:
    quoted = literal.replace("\\", "\\\\").replace('"', '\\"')
    built = build(tmp_path, {"kustomization.yaml": PLAIN.format(literal=f'"{quoted}"')})
    assert only(built, "ConfigMap").body["data"] == {"k": value}


@pytest.mark.parametrize("literal", ["k", "=v"])
def test_a_literal_without_key_or_value_is_refused(literal: str, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="invalid literal source"):
        build(tmp_path, {"kustomization.yaml": PLAIN.format(literal=literal)})


def test_an_env_file_has_no_quotes_and_no_escapes(tmp_path: Path) -> None:
    (tmp_path / "e").write_bytes(b"\xef\xbb\xbfA='1'\r\n  # no\n\n B = 2\nC\nexport D=3\n")
    files = {"kustomization.yaml": "configMapGenerator:\n- name: c\n  envs: [e]\n"}
    assert only(build(tmp_path, files), "ConfigMap").body["data"] == {"A": "'1'", "B ": " 2", "C": "", "export D": "3"}


def test_bytes_that_are_no_text_become_binary_data(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"\xff\x00")
    files = {"kustomization.yaml": "configMapGenerator:\n- name: c\n  files: [b]\n"}
    body = only(build(tmp_path, files), "ConfigMap").body
    assert "data" not in body
    assert base64.b64decode(body["binaryData"]["b"]) == b"\xff\x00"


@pytest.mark.parametrize(("size", "lines"), [(10, 1), (51, 1), (52, 2), (53, 2), (200, 4)])
def test_base64_is_broken_at_seventy_characters(size: int, lines: int, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"x" * size)
    files = {"kustomization.yaml": "secretGenerator:\n- name: s\n  files: [b]\n"}
    text = only(build(tmp_path, files), "Secret").body["data"]["b"]
    assert len(text.splitlines()) == lines
    assert base64.b64decode(text) == b"x" * size


def test_a_key_that_is_there_twice_is_refused_with_both_places(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"illegally repeats the key `k`, first at kustomization\.yaml:4"):
        build(tmp_path, {"kustomization.yaml": "configMapGenerator:\n- name: c\n  literals:\n  - k=1\n  - k=2\n"})


def test_merging_keeps_the_old_name_and_labels_and_the_new_values_win(tmp_path: Path) -> None:
    files = {
        "b/kustomization.yaml": """\
            namePrefix: p-
            configMapGenerator:
            - {name: c, literals: [a=1, b=1], options: {labels: {l: x}}}
            """,
        "o/kustomization.yaml": """\
            resources: [../b]
            configMapGenerator:
            - {name: c, behavior: merge, literals: [b=2]}
            """,
    }
    one = only(build(tmp_path, files, "o"), "ConfigMap")
    assert one.body["data"] == {"a": "1", "b": "2"}
    assert one.body["metadata"]["labels"] == {"l": "x"}
    assert one.unhashed_name == "p-c"
    assert one.body["metadata"]["name"].startswith("p-c-")


@pytest.mark.parametrize(
    ("behavior", "words"), [("merge", "does not exist"), ("replace", "does not exist"), ("create", None)]
)
def test_only_create_makes_a_new_object(behavior: str, words: str | None, tmp_path: Path) -> None:
    files = {"kustomization.yaml": f"configMapGenerator:\n- {{name: c, behavior: {behavior}, literals: [a=1]}}\n"}
    if words is None:
        assert len(build(tmp_path, files).objects) == 1
        return
    with pytest.raises(BuildError, match=words):
        build(tmp_path, files)


def test_the_hash_depends_on_the_data_and_not_on_the_name(tmp_path: Path) -> None:
    def suffix(number: int, text: str) -> str:
        files = {"kustomization.yaml": f"configMapGenerator:\n{text}"}
        return str(only(build(tmp_path / str(number), files), "ConfigMap").body["metadata"]["name"]).split("-")[1]

    assert suffix(1, "- {name: a, literals: [k=1]}\n") == suffix(2, "- {name: b, literals: [k=1]}\n")
    assert suffix(3, "- {name: a, literals: [k=2]}\n") != suffix(1, "- {name: a, literals: [k=1]}\n")


@pytest.mark.parametrize(
    ("value", "name"),
    [("null", "c-g886t7dd28"), ("[a]", "c-dk855m5d49"), ("{}", "c-42745tchd9"), ("''", "c-6ct58987ht")],
)
def test_the_hash_of_data_that_a_json_patch_makes_no_mapping(value: str, name: str, tmp_path: Path) -> None:
    patch = f"- {{op: add, path: /data, value: {value}}}"
    text = f"configMapGenerator: [{{name: c}}]\npatches:\n- target: {{kind: ConfigMap}}\n  patch: |-\n    {patch}\n"
    assert only(build(tmp_path, {"kustomization.yaml": text}), "ConfigMap").body["metadata"]["name"] == name


def test_merging_into_a_secret_keeps_its_string_data(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": """\
            resources: [s.yaml]
            secretGenerator: [{name: s, behavior: merge, literals: [b=2]}]
            """,
        "s.yaml": """\
            apiVersion: v1
            kind: Secret
            metadata: {name: s}
            stringData: {a: x, b: old, n: 1.50}
            data: {a: b3RoZXI=, c: eA==}
            """,
    }
    body = only(build(tmp_path, files), "Secret").body
    assert "stringData" not in body
    assert body["data"] == {"a": "eA==", "b": "Mg==", "c": "eA==", "n": "MS41MA=="}
