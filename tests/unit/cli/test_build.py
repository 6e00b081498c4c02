"""`gitops-push build` with kustomize's own flags, of paths inside and outside a config repo."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from gitops_push.cli.main import run
from gitops_push.repo.reach import reach_of
from tests.unit.kustomize.trees import write_tree

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\n"
BASE_AND_OVERLAY = {
    "base/kustomization.yaml": "resources: [b.yaml, a.yaml]",
    "base/b.yaml": CONFIG_MAP.replace("NAME", "b"),
    "base/a.yaml": CONFIG_MAP.replace("NAME", "a"),
    "overlays/prod/kustomization.yaml": "resources: [../../base]\nnamePrefix: p-",
}


class Build:
    """Runs `build` in this process, and keeps what it printed."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd
        self.out = self.err = ""

    def __call__(self, *arguments: str | Path) -> int:
        code = run(["build", *map(str, arguments)], {"PATH": os.environ["PATH"]})
        self.out, self.err = self._capfd.readouterr()
        return code

    @property
    def names(self) -> list[str]:
        """The names of the objects, in their order."""
        return [line.removeprefix("  name: ") for line in self.out.splitlines() if line.startswith("  name: ")]


@pytest.fixture
def build(capfd: pytest.CaptureFixture[str]) -> Build:
    return Build(capfd)


def test_a_base_beside_the_overlay_is_found_outside_git_from_anywhere(
    tmp_path: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path, BASE_AND_OVERLAY)
    overlay = tmp_path / "overlays" / "prod"
    assert build(overlay) == 0, build.err
    assert build.names == ["p-a", "p-b"]
    monkeypatch.chdir(overlay)
    for named in (".", "kustomization.yaml", str(overlay)):
        assert build(named) == 0, build.err
    assert build("overlays/prod", "-C", tmp_path) == 0, build.err


def test_a_key_that_occurs_twice_does_not_hide_the_bases(tmp_path: Path, build: Build) -> None:
    twice = "kind: Kustomization\nkind: Kustomization\nresources: [../../base]"
    write_tree(tmp_path, {**BASE_AND_OVERLAY, "overlays/prod/kustomization.yaml": twice})
    assert build(tmp_path / "overlays" / "prod") == 0, build.err


FUNCTION = {
    "app/kustomization.yaml": "resources: [a.yaml]\ntransformers: [fn.yaml]\nvalidators: [check.yaml]\n"
    "generators:\n- |-\n  kind: executable\n  metadata:\n    name: gen\n    annotations:\n"
    "      config.kubernetes.io/function: 'exec: {path: ./made.sh}'\n",
    "app/a.yaml": CONFIG_MAP.replace("NAME", "a"),
    "app/fn.yaml": "apiVersion: example.com/v1\nkind: Fn\nmetadata:\n  name: fn\n  annotations:\n"
    "    config.kubernetes.io/function: |\n      exec: {path: ./change.sh}\n",
    "app/check.yaml": "apiVersion: example.com/v1\nkind: Fn\nmetadata:\n  name: check\n  annotations:\n"
    "    config.kubernetes.io/function: |\n      exec: {path: ./check.sh}\n",
    "app/change.sh": "#!/bin/sh\nsed 's/name: a$/name: changed/'\n",
    "app/made.sh": "#!/bin/sh\ncat <<'EOF'\n" + CONFIG_MAP.replace("NAME", "made") + "EOF\n",
    "app/check.sh": "#!/bin/sh\ncat\n",
}


def write_functions(root: Path, files: Mapping[str, str]) -> None:
    write_tree(root, files)
    for script in (root / "app").glob("*.sh"):
        script.chmod(0o755)


def test_functions_generate_change_and_check_where_they_are_enabled(tmp_path: Path, build: Build) -> None:
    write_functions(tmp_path, FUNCTION)
    assert build(tmp_path / "app") == 12
    assert "external plugins disabled; unable to load external plugin" in build.err
    assert build(tmp_path / "app", "--enable-alpha-plugins", "--enable-exec") == 0, build.err
    assert build.names == ["changed", "made"]
    write_functions(tmp_path, {**FUNCTION, "app/check.sh": "#!/bin/sh\necho 'not so' >&2\nexit 1\n"})
    assert build(tmp_path / "app", "--enable-alpha-plugins", "--enable-exec") == 12
    assert "exit status 1: not so" in build.err


def test_an_environment_names_the_functions_that_may_run(tmp_path: Path, build: Build) -> None:
    write_functions(tmp_path, FUNCTION)
    written(tmp_path, {}, "{path: app, enableExec: [app/made.sh, app/check.sh]}")
    assert build("prod", "-C", tmp_path) == 12
    assert "'app/change.sh' is not among those that may run" in build.err
    written(tmp_path, {}, "{path: app, enableExec: [app/made.sh, app/check.sh, app/change.sh]}")
    assert build("prod", "-C", tmp_path) == 0, build.err


def test_outside_git_the_root_holds_what_bases_of_bases_name_and_nothing_more(tmp_path: Path) -> None:
    files = {
        "a/b/c/kustomization.yaml": "resources: [../base]\npatches: [{path: x.yaml}]",
        "a/b/base/kustomization.yaml": "configMapGenerator: [{name: x, files: [key=../../../d/file.txt]}]",
        "d/file.txt": "x",
    }
    write_tree(tmp_path / "inside", files)
    start = tmp_path / "inside" / "a" / "b" / "c"
    assert reach_of(start, start) == tmp_path / "inside"


def test_outside_git_a_base_behind_a_link_is_built_where_it_is(tmp_path: Path, build: Build) -> None:
    files = {
        "app/prod/kustomization.yaml": "resources: [../base]",
        "other/base/kustomization.yaml": "configMapGenerator: [{name: x, literals: [a=b]}]",
    }
    write_tree(tmp_path, files)
    (tmp_path / "app" / "base").symlink_to("../other/base")
    assert build(tmp_path / "app" / "prod") == 0, build.err
    assert build.names == ["x-4h2mbtbbt6"]


def test_outside_git_the_root_is_never_that_of_the_file_system(tmp_path: Path) -> None:
    climbing = "../" * len(tmp_path.parts) + "etc/passwd"
    write_tree(tmp_path, {"kustomization.yaml": f"configMapGenerator: [{{name: x, files: [{climbing}]}}]"})
    assert reach_of(tmp_path, tmp_path) == tmp_path


def test_bases_that_name_each_other_end_the_search(tmp_path: Path) -> None:
    write_tree(
        tmp_path, {"a/kustomization.yaml": "resources: [../b]", "b/kustomization.yaml": "resources: [../a, ../b, .]"}
    )
    assert reach_of(tmp_path / "a", tmp_path / "a") == tmp_path


def test_a_config_marks_the_root_and_bases_beyond_it_stay_refused(tmp_path: Path, build: Build) -> None:
    write_tree(tmp_path, {**BASE_AND_OVERLAY, "overlays/gitops-push.yaml": "version: 1"})
    assert build(tmp_path / "overlays" / "prod") == 12
    assert "out of the config repo" in build.err


@pytest.mark.parametrize(("order", "names"), [("none", ["p-b", "p-a"]), ("legacy", ["p-a", "p-b"])])
def test_reorder_chooses_the_order(order: str, names: list[str], tmp_path: Path, build: Build) -> None:
    write_tree(tmp_path, BASE_AND_OVERLAY)
    assert build(tmp_path / "overlays" / "prod", "--reorder", order) == 0
    assert build.names == names


SHARED = {
    "shared/patch.yaml": CONFIG_MAP.replace("NAME", "a") + "data: {k: v}",
    "app/kustomization.yaml": "resources: [a.yaml]\npatches: [{path: ../shared/patch.yaml}]",
    "app/a.yaml": CONFIG_MAP.replace("NAME", "a"),
}


def test_the_load_restrictor_keeps_files_inside_unless_it_is_lifted(tmp_path: Path, build: Build) -> None:
    write_tree(tmp_path, SHARED)
    assert build(tmp_path / "app") == 12
    assert "is not in or below" in build.err
    assert build(tmp_path / "app", "--load-restrictor", "LoadRestrictionsRootOnly") == 12
    assert build(tmp_path / "app", "--load-restrictor", "LoadRestrictionsNone") == 0
    assert "k: v" in build.out


def test_managedby_labels_every_object(tmp_path: Path, build: Build) -> None:
    write_tree(tmp_path, SHARED | {"app/kustomization.yaml": "resources: [a.yaml]"})
    assert build(tmp_path / "app", "--enable-managedby-label") == 0
    assert "    app.kubernetes.io/managed-by: kustomize-v5.8.2\n" in build.out


@pytest.mark.parametrize("flags", [("--network",), ("--network-name", "bridge"), ("--mount", "type=bind,src=/,dst=/x")])
def test_flags_for_containers_are_refused_with_the_reason(flags: tuple[str, ...], tmp_path: Path, build: Build) -> None:
    assert build(tmp_path, *flags) == 2
    assert f"{flags[0]} is not supported: functions in containers are not run" in build.err


@pytest.mark.parametrize("item", ["a b=c", "=x", "$(id)=y"])
def test_a_variable_for_functions_needs_a_name(item: str, tmp_path: Path, build: Build) -> None:
    assert build(tmp_path, "-e", item) == 2
    assert "is neither NAME=VALUE nor NAME" in build.err


def test_flags_of_kustomize_need_a_kustomization(tmp_path: Path, build: Build) -> None:
    write_tree(tmp_path, {"a.yaml": CONFIG_MAP.replace("NAME", "a")})
    assert build(tmp_path) == 0
    assert build(tmp_path, "--reorder", "none") == 12
    assert "unable to find one of kustomization.yaml" in build.err


INVALID = {
    "kustomization.yaml": "resources: [a.yaml]",
    "a.yaml": "kind: Widget\nmetadata: {name: theName}\n",
}


def test_a_path_is_printed_as_kustomize_prints_it_with_warnings_of_what_a_cluster_refuses(
    tmp_path: Path, build: Build
) -> None:
    write_tree(tmp_path, INVALID)
    assert build(tmp_path) == 0
    assert build.out == "kind: Widget\nmetadata:\n  name: theName\n"
    assert "warning: a.yaml:1:1: Widget 'theName' has no apiVersion" in build.err
    assert run(["validate", str(tmp_path)], {}) == 12


CONFIG = "version: 1\nenvironments: {prod: {namespace: shop, sources: [{kustomize: SOURCE}]}}"


def written(folder: Path, files: Mapping[str, str], source: str) -> Path:
    """Write a repo with one environment, prod."""
    return write_tree(folder, {**files, "gitops-push.yaml": CONFIG.replace("SOURCE", source)})


def test_an_environment_says_how_its_kustomization_is_built(tmp_path: Path, build: Build) -> None:
    written(tmp_path, BASE_AND_OVERLAY, "{path: overlays/prod, reorder: none}")
    assert build("prod", "-C", tmp_path) == 0, build.err
    assert build.names == ["p-b", "p-a"]
    assert build("prod", "-C", tmp_path, "--reorder", "legacy") == 0
    assert build.names == ["p-a", "p-b"]
    written(tmp_path, SHARED, "{path: app, loadRestrictor: none}")
    assert build("prod", "-C", tmp_path) == 0, build.err
    written(tmp_path, SHARED, "app")
    assert build("prod", "-C", tmp_path) == 12


def test_an_environment_of_the_config_must_be_fit_for_a_cluster(tmp_path: Path, build: Build) -> None:
    written(tmp_path, INVALID, ".")
    assert build("prod", "-C", tmp_path) == 12
