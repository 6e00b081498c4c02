"""What kustomize lets pass, and where it does not: repeated keys, keys that are no text, escapes and odd characters."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops_push.core.errors import BuildError
from tests.unit.kustomize.trees import build, text

RESOURCES = "resources: [r.yaml]\n"
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n"
JSON_PATCH = f"{RESOURCES}patches: [{{path: p.yaml, target: {{kind: ConfigMap}}}}]\n"


def output(root: Path, kustomization: str, data: str, patch: str = "") -> str:
    files = {"kustomization.yaml": kustomization, "r.yaml": HEAD + data, "p.yaml": patch}
    return text(build(root, files))


def test_the_last_of_two_equal_fields_counts_and_a_warning_names_both_lines(tmp_path: Path) -> None:
    files = {"kustomization.yaml": f"{RESOURCES}namePrefix: x-\nnamePrefix: y-\n", "r.yaml": HEAD + "  k: v\n"}
    built = build(tmp_path, files)
    assert built.objects[0].body["metadata"]["name"] == "y-a"
    (warning,) = built.warnings
    assert warning.startswith(
        'kustomization.yaml:3:1: the key "namePrefix" occurs twice in one mapping, on lines 2 and 3'
    )


def test_the_last_of_two_equal_keys_counts_in_a_json_patch(tmp_path: Path) -> None:
    patch = "- {op: replace, path: /data/k, value: x, value: z}\n"
    assert "k: z\n" in output(tmp_path, JSON_PATCH, "  k: v\n", patch)


@pytest.mark.parametrize("patch", ["", f"{HEAD}  k: '1'\n  k: '2'\n"])
def test_a_repeated_key_of_an_object_or_a_strategic_patch_is_refused(tmp_path: Path, patch: str) -> None:
    kustomization = f"{RESOURCES}patches: [{{path: p.yaml}}]\n" if patch else RESOURCES
    with pytest.raises(BuildError, match="occurs twice"):
        output(tmp_path, kustomization, "  k: v\n" if patch else "  k: v\n  k: w\n", patch)


@pytest.mark.parametrize(("key", "written"), [("6443", "6443"), ("true", "true"), ("0x10", "0x10")])
def test_a_key_that_is_no_text_finds_the_text_in_quotes(tmp_path: Path, key: str, written: str) -> None:
    patched = output(
        tmp_path, f"{RESOURCES}patches: [{{path: p.yaml}}]\n", f'  "{written}": old\n', f"{HEAD}  {key}: new\n"
    )
    assert f'"{written}": new\n' in patched


def test_a_key_that_is_no_text_and_reaches_the_output_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="json: unsupported type: the key 80 is no text"):
        output(tmp_path, RESOURCES, "  80: a\n")


@pytest.mark.parametrize("value", [r"a\u007fb", r"a\u0080b", r"a\ufffeb"])
def test_a_control_character_in_the_output_is_an_error(tmp_path: Path, value: str) -> None:
    with pytest.raises(BuildError, match="control characters are not allowed"):
        output(tmp_path, RESOURCES, f'  k: "{value}"\n')


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (r"a\u0085b", "k: a b\n"),
        (r"a \u0085 b", "k: a b\n"),
        (r"a\u0085\u0085b", "k: |-\n    a\n    b\n"),
        (r"a\u0085", "k: 'a '\n"),
        (r"a\u0001b", r'k: "a\x01b"'),
    ],
)
def test_a_next_line_character_is_folded_as_in_double_quotes(tmp_path: Path, value: str, written: str) -> None:
    assert written in output(tmp_path, RESOURCES, f'  k: "{value}"\n')


def test_an_escaped_slash_is_known_to_json_patches_only(tmp_path: Path) -> None:
    patch = r'[{"op": "replace", "path": "\/data\/k", "value": "x"}]'
    assert "k: x\n" in output(tmp_path / "json", JSON_PATCH, "  k: v\n", patch)
    assert "k: a\\/b\n" in output(tmp_path / "plain", RESOURCES, '  k: "a\\\\/b"\n')
    with pytest.raises(BuildError, match="found unknown escape character"):
        output(tmp_path / "yaml", RESOURCES, r'  k: "a\/b"' + "\n")


def test_an_image_name_that_is_no_pattern_matches_nothing_and_warns(tmp_path: Path) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: nginx@sha512:ab}]}\n"
    images = "images:\n- {name: '[', newTag: '1'}\n- {name: nginx, newTag: '2'}\n"
    built = build(tmp_path, {"kustomization.yaml": RESOURCES + images, "r.yaml": pod})
    assert built.objects[0].body["spec"]["containers"][0]["image"] == "nginx:2"
    assert [line for line in built.warnings if "matches no image" in line]


def test_a_password_in_a_source_is_in_no_message(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as caught:
        build(tmp_path, {"kustomization.yaml": "resources: ['https://me:s3cr@t@example.com/base']\n"})
    assert "s3cr" not in str(caught.value)
    assert "t@example" not in str(caught.value)
