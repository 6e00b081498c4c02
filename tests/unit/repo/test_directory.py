from __future__ import annotations

from pathlib import Path

import pytest

from gitops_push.core.codes import Code
from gitops_push.core.environment import DirectorySource
from gitops_push.core.errors import BuildError
from gitops_push.core.origin import Origin
from gitops_push.repo.directory import DirectoryContent, read_directory
from gitops_push.system.files import RepoFiles


def config_map(name: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"


def read(root: Path, path: str = ".", recursive: bool = False) -> DirectoryContent:
    return read_directory(RepoFiles(root), DirectorySource(path, Origin("gitops-push.yaml", 1), recursive))


def names(content: DirectoryContent) -> list[str]:
    return [item.body["metadata"]["name"] for item in content.objects]


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    for path in ("b.yaml", "a.yml", "c.json.txt", "README.md", "b/z.yaml", "b.d/y.yaml", ".hidden.yaml", ".dir/x.yaml"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(config_map(path.replace("/", "-").strip(".").replace(".", "-")))
    (tmp_path / "d.json").write_text('{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d-json"}}')
    return tmp_path


def test_files_are_read_in_the_order_of_their_names_and_folders_are_not(manifests: Path) -> None:
    assert names(read(manifests)) == ["hidden-yaml", "a-yml", "b-yaml", "d-json"]


def test_a_recursive_read_walks_files_and_folders_in_one_order(manifests: Path) -> None:
    expected = ["dir-x-yaml", "hidden-yaml", "a-yml", "b-z-yaml", "b-d-y-yaml", "b-yaml", "d-json"]
    assert names(read(manifests, recursive=True)) == expected


def test_a_single_file_is_read_whatever_its_ending(manifests: Path) -> None:
    assert names(read(manifests, "c.json.txt")) == ["c-json-txt"]


def test_our_own_config_is_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "gitops-push.yaml").write_text("version: 1\n")
    (tmp_path / "a.yaml").write_text(config_map("a"))
    assert names(read(tmp_path)) == ["a"]


def test_documents_of_a_file_keep_their_order_and_their_lines(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"# nothing\n---\n{config_map('a')}---\n---\nnull\n---\n{config_map('b')}")
    content = read(tmp_path)
    assert [(item.body["metadata"]["name"], str(item.origin)) for item in content.objects] == [
        ("a", "a.yaml:3:1"),
        ("b", "a.yaml:10:1"),
    ]


def test_lists_are_taken_apart_in_place(tmp_path: Path) -> None:
    second = "{apiVersion: v1, kind: Pod, metadata: {name: b}}"
    first = "{apiVersion: v1, kind: Pod, metadata: {name: a}}"
    (tmp_path / "a.yaml").write_text(
        f"apiVersion: v1\nkind: List\nitems:\n- {first}\n- {second}\n---\n{config_map('c')}"
    )
    content = read(tmp_path)
    assert names(content) == ["a", "b", "c"]
    assert [str(item.origin) for item in content.objects] == ["a.yaml:4:3", "a.yaml:5:3", "a.yaml:7:1"]


def test_items_of_a_typed_list_get_its_type(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: a}\n")
    [item] = read(tmp_path).objects
    assert item.body == {"metadata": {"name": "a"}, "apiVersion": "v1", "kind": "ConfigMap"}


def test_scalars_are_read_as_kubectl_reads_them_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(config_map("a") + "immutable: yes\n")
    content = read(tmp_path)
    assert content.objects[0].body["immutable"] is True
    assert [str(warning.origin) for warning in content.warnings] == ["a.yaml:4:12"]


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml"])
def test_a_kustomization_among_plain_manifests_is_an_error_with_the_fix(tmp_path: Path, name: str) -> None:
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / name).write_text("resources: []\n")
    with pytest.raises(BuildError) as caught:
        read(tmp_path, "apps")
    [problem] = caught.value.problems
    assert problem.code is Code.MANIFEST_INVALID
    assert problem.hint is not None
    assert "'kustomize: apps'" in problem.hint


def test_the_problems_of_all_files_are_listed_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [\n")
    (tmp_path / "b.yaml").write_text("a: 1\na: 2\n")
    (tmp_path / "c.yaml").write_text(config_map("c"))
    with pytest.raises(BuildError) as caught:
        read(tmp_path)
    assert [problem.origin.file for problem in caught.value.problems if problem.origin] == ["a.yaml", "b.yaml"]


def test_a_missing_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BuildError):
        read(tmp_path, "none")
