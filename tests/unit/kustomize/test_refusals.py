"""What is refused, with the place and what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, Problem
from gitops_push.kustomize.build import BuildOptions
from tests.unit.kustomize.trees import DEPLOYMENT, build, text

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


def problems(root: Path, files: dict[str, str], path: str = ".") -> tuple[Problem, ...]:
    with pytest.raises(BuildError) as caught:
        build(root, files, path)
    return caught.value.problems


def where(problem: Problem) -> tuple[str, int]:
    assert problem.origin is not None
    return problem.origin.file, problem.origin.line


def test_an_empty_field_changes_nothing(tmp_path: Path) -> None:
    files = {"kustomization.yaml": "resources: [a.yaml]\nvars: []\n", "a.yaml": CONFIG_MAP}
    assert len(build(tmp_path, files).objects) == 1


def test_a_misspelt_field_is_named_with_its_line_and_the_right_name(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, {"kustomization.yaml": "resources: []\nnamePrefx: x\n"})
    assert 'unknown field "namePrefx"' in problem.message
    assert where(problem) == ("kustomization.yaml", 2)
    assert problem.hint is not None
    assert "namePrefix" in problem.hint


def test_all_wrong_fields_are_reported_at_once(tmp_path: Path) -> None:
    text = "namePrefix: 1\nimages:\n- name: a\n  tag: b\ncommonLabels:\n  a: 1\nnope: x\n"
    found = problems(tmp_path, {"kustomization.yaml": text})
    assert sorted(where(problem)[1] for problem in found) == [1, 4, 6, 7]


@pytest.mark.parametrize(
    "source",
    [
        "https://github.com/org/repo//deploy?ref=v1",
        "http://example.com/r.yaml",
        "git@github.com:org/repo",
        "github.com/org/repo/deploy",
        "ssh://git@host/repo",
        "git::https://host/repo",
        "base?ref=main",
    ],
)
@pytest.mark.parametrize("field", ["resources", "components"])
def test_a_remote_source_is_refused_and_the_way_to_vendor_it_is_said(field: str, source: str, tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, {"kustomization.yaml": f"{field}:\n- {source}\n"})
    assert problem.code is Code.NETWORK_SOURCE_REFUSED
    assert where(problem) == ("kustomization.yaml", 2)
    assert "vendor" in (problem.hint or "")


def test_files_that_are_missing_are_all_reported_at_their_entries(tmp_path: Path) -> None:
    found = problems(tmp_path, {"kustomization.yaml": "resources:\n- a.yaml\n- b.yaml\n"})
    assert [where(problem)[1] for problem in found] == [2, 3]


def test_a_file_outside_the_kustomization_is_refused(tmp_path: Path) -> None:
    files = {"app/kustomization.yaml": "resources:\n- ../a.yaml\n", "a.yaml": CONFIG_MAP}
    (problem,) = problems(tmp_path, files, "app")
    assert "not in or below" in problem.message


def test_a_file_outside_the_kustomization_may_be_allowed_by_option(tmp_path: Path) -> None:
    files = {"app/kustomization.yaml": "resources:\n- ../a.yaml\n", "a.yaml": CONFIG_MAP}
    assert len(build(tmp_path, files, "app", BuildOptions(restricted=False)).objects) == 1


def test_a_link_out_of_the_kustomization_is_refused(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "l.yaml").symlink_to("../a.yaml")
    found = problems(tmp_path, {"app/kustomization.yaml": "resources: [l.yaml]\n", "a.yaml": CONFIG_MAP}, "app")
    assert "not in or below" in found[0].message


def test_a_link_out_of_the_repo_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text(CONFIG_MAP)
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "l.yaml").symlink_to("../secret.yaml")
    assert problems(repo, {"kustomization.yaml": "resources: [l.yaml]\n"})


def test_a_link_to_a_directory_is_a_base(tmp_path: Path) -> None:
    files = {
        "b/kustomization.yaml": "resources: [a.yaml]\n",
        "b/a.yaml": CONFIG_MAP,
        "app/kustomization.yaml": "resources: [l]\nnamePrefix: x-\n",
    }
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "l").symlink_to("../b")
    assert "name: x-a" in text(build(tmp_path, files, "app"))


@pytest.mark.parametrize("base", ["..", ".", "../app"])
def test_a_base_at_or_above_its_own_directory_is_a_cycle(base: str, tmp_path: Path) -> None:
    files = {"app/kustomization.yaml": f"resources: [{base}]\n", "kustomization.yaml": "resources: [app]\n"}
    assert "cycle detected" in problems(tmp_path, files, "app")[0].message


def test_two_directories_that_name_each_other_are_a_cycle(tmp_path: Path) -> None:
    files = {"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a]\n"}
    assert "cycle detected" in problems(tmp_path, files, "a")[0].message


def test_a_hundred_and_ten_levels_of_bases_end_in_an_error(tmp_path: Path) -> None:
    files = {f"l{n}/kustomization.yaml": f"resources: [../l{n + 1}]\n" for n in range(110)}
    assert "levels deep" in problems(tmp_path, files, "l0")[0].message


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"app/x": ""}, "unable to find one of"),
        ({"app/kustomization.yaml": "namespace: a\n", "app/Kustomization": "namespace: b\n"}, "multiple kustomization"),
        ({"app/kustomization.yaml": ""}, "is empty"),
        ({"app/kustomization.yaml": "kind: Nope\nresources: []\n"}, "kind should be"),
        ({"app/kustomization.yaml": "apiVersion: v1\nresources: []\n"}, "apiVersion for Kustomization should be"),
        ({"app/kustomization.yaml": "- a\n"}, "must be a mapping"),
    ],
)
def test_a_kustomization_that_is_none_is_refused(files: dict[str, str], words: str, tmp_path: Path) -> None:
    assert words in problems(tmp_path, files, "app")[0].message


def test_a_component_among_resources_and_a_base_among_components_are_refused(tmp_path: Path) -> None:
    component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamespace: x\n"
    files = {"c/kustomization.yaml": component, "b/kustomization.yaml": "namespace: x\n"}
    assert "Component" in problems(tmp_path, {**files, "o/kustomization.yaml": "resources: [../c]\n"}, "o")[0].message
    assert "Component" in problems(tmp_path, {**files, "o/kustomization.yaml": "components: [../b]\n"}, "o")[0].message


def test_the_same_object_twice_names_both_places(tmp_path: Path) -> None:
    files = {"kustomization.yaml": "resources: [a.yaml, b.yaml]\n", "a.yaml": CONFIG_MAP, "b.yaml": CONFIG_MAP}
    (problem,) = problems(tmp_path, files)
    assert where(problem) == ("b.yaml", 1)
    assert "a.yaml:1" in problem.message


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("kind: A\nmetadata: {generateName: x}\n", "missing metadata.name"),
        ("metadata: {name: x}\n", "missing kind"),
        ("- 1\n", "not a mapping"),
    ],
)
def test_a_document_that_is_no_object_is_refused(manifest: str, words: str, tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, {"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": manifest})
    assert words in problem.message
    assert where(problem) == ("a.yaml", 1)


def test_patches_without_their_object_are_all_reported(tmp_path: Path) -> None:
    patch = "- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: NAME}\n"
    files = {
        "kustomization.yaml": "resources: [d.yaml]\npatches:\n"
        + patch.replace("NAME", "a")
        + patch.replace("NAME", "b"),
        "d.yaml": DEPLOYMENT,
    }
    found = problems(tmp_path, files)
    assert [where(problem)[1] for problem in found] == [4, 8]


def test_a_broken_inline_patch_is_reported_at_its_own_line(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": "resources: [d.yaml]\npatches:\n- patch: |-\n    kind: A\n    metadata: {name: [}\n",
        "d.yaml": DEPLOYMENT,
    }
    assert where(problems(tmp_path, files)[0]) == ("kustomization.yaml", 5)


def test_a_namespace_that_makes_one_of_two_objects_is_refused(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": "resources: [a.yaml, b.yaml]\nnamespace: x\n",
        "a.yaml": CONFIG_MAP,
        "b.yaml": CONFIG_MAP.replace("name: a", "name: a, namespace: other"),
    }
    assert "ID conflict" in problems(tmp_path, files)[0].message
