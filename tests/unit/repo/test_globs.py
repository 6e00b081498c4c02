from __future__ import annotations

from pathlib import Path

import pytest

from gitops_push.core.errors import BuildError
from gitops_push.repo.globs import find_files, fits_glob
from gitops_push.repo.placeholders import fill, find_matches, placeholders_in
from gitops_push.system.files import RepoFiles


def repo(root: Path, *paths: str) -> RepoFiles:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("")
    return RepoFiles(root)


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("a/*.yaml", "a/b.yaml", True),
        ("a/*.yaml", "a/b/c.yaml", False),
        ("a/**/c.yaml", "a/c.yaml", True),
        ("a/**/c.yaml", "a/b/b/c.yaml", True),
        ("**/c.yaml", "xc.yaml", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("a.yaml", "axyaml", False),
        ("a/**", "a/b/c", True),
        ("[a]*", "ab", False),
    ],
)
def test_a_glob_stands_for_what_shells_say(pattern: str, path: str, fits: bool) -> None:
    assert fits_glob(path, pattern) is fits


def test_many_wildcards_take_no_longer_than_few() -> None:
    assert not fits_glob("/".join(["a" * 200] * 50), "/".join(["**", "*a*a*a*a*a*a*a*a*b"] * 50))


def test_files_are_found_from_the_folder_of_the_config(tmp_path: Path) -> None:
    files = repo(tmp_path, "teams/a/gitops-push.yaml", "teams/b/gitops-push.yaml", "teams/b/c/gitops-push.yaml")
    assert find_files(files, "teams", "*/gitops-push.yaml") == ("teams/a/gitops-push.yaml", "teams/b/gitops-push.yaml")
    assert find_files(files, "teams/a", "../b/gitops-push.yaml") == ("teams/b/gitops-push.yaml",)
    assert find_files(files, ".", "none/*/x.yaml") == ()
    with pytest.raises(BuildError):
        find_files(files, "teams", "../../*.yaml")


def test_a_path_with_placeholders_stands_for_all_directories_that_fit(tmp_path: Path) -> None:
    files = repo(tmp_path, "apps/web/overlays/prod/k", "apps/web/overlays/dev/k", "apps/api/overlays/prod/k", "apps/x")
    found = {item.directory: item.values for item in find_matches(files, ".", "apps/{app}/overlays/{env}")}
    assert found == {
        "apps/api/overlays/prod": {"app": "api", "env": "prod"},
        "apps/web/overlays/dev": {"app": "web", "env": "dev"},
        "apps/web/overlays/prod": {"app": "web", "env": "prod"},
    }


@pytest.mark.parametrize(
    ("pattern", "paths", "found"),
    [
        pytest.param("{a}", ["x/k", ".hidden/k", "file"], ["x"], id="no hidden directories, no files"),
        pytest.param("{a}/{a}", ["x/x/k", "x/y/k"], ["x/x"], id="twice the same"),
        pytest.param("app-{a}", ["app-x/k", "app-/k", "other/k"], ["app-x"], id="a part of a name"),
        pytest.param("{a}-{b}", ["x-y-z/k"], ["x-y-z"], id="two in one name"),
        pytest.param("x/../{a}", ["x/k"], ["x"], id="a path with dots"),
    ],
)
def test_placeholders_fit_parts_of_names(tmp_path: Path, pattern: str, paths: list[str], found: list[str]) -> None:
    files = repo(tmp_path, *paths)
    assert [match.directory for match in find_matches(files, ".", pattern)] == found


def test_placeholders_are_filled_and_unknown_ones_stay() -> None:
    assert placeholders_in("{app}-{env}") == ("app", "env")
    assert fill("{app}-{env}-{x}", {"app": "web", "env": "{app}"}) == "web-{app}-{x}"
