"""KRM functions that are programs of the repo, run for real."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitops_push.core.build_options import BuildOptions
from gitops_push.core.errors import BuildError
from gitops_push.core.tree import origin_at
from gitops_push.documents.reader import Dialect, read_documents
from gitops_push.documents.writer import yaml_stream
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.functions.calls import generate_with, transform_with
from gitops_push.kustomize.functions.spec import is_function, unknown_plugin
from gitops_push.kustomize.loader import Loader
from gitops_push.kustomize.manifests import resources_of
from gitops_push.kustomize.resource import EarlierName, Resource
from gitops_push.kustomize.written import WrittenText
from gitops_push.repo.programs import LocalPrograms, private_folder
from gitops_push.system.files import RepoFiles
from tests.unit.kustomize.trees import write_tree

ALLOWED = BuildOptions(enable_exec=True, enable_alpha_plugins=True)
CONFIG = """\
apiVersion: example.com/v1
kind: Labels
metadata:
  name: demo
  annotations:
    config.kubernetes.io/function: |
      exec:
        path: ./fn.sh
spec: {a: 1}
"""
OBJECTS = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data: {k: "1"}
---
apiVersion: v1
kind: Service
metadata:
  name: b
"""
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: "


def read(text: str, file: str = "app/x.yaml") -> list[Resource]:
    return resources_of(read_documents(text.encode(), file, Dialect.KUSTOMIZE))


class Function:
    """A function in a repo. `script` is a shell script; `run` gives it objects, `make` none."""

    def __init__(self, root: Path, script: str, config: str = CONFIG, options: BuildOptions = ALLOWED) -> None:
        self.root, self.options = root, options
        write_tree(root, {"app/fn.sh": f"#!/bin/sh\n{script}\n", "app/fn.yaml": config})
        (root / "app" / "fn.sh").chmod(0o755)
        (self.config,) = read(config, "app/fn.yaml")
        self.environ = {"PATH": os.environ["PATH"], "KUBECONFIG": "/secret", "TOKEN": "secret", "GIVEN": "here"}
        self.warnings: list[str] = []

    def run(self, text: str = OBJECTS, history: dict[str, list[EarlierName]] | None = None) -> ResourceSet:
        resources = ResourceSet(read(text))
        for resource in resources:
            resource.earlier = list((history or {}).get(resource.name, []))
        with private_folder() as folder:
            transform_with(resources, self.config, self._loader(folder))
        return resources

    def make(self) -> list[Resource]:
        with private_folder() as folder:
            return generate_with(self.config, self._loader(folder))

    def _loader(self, folder: Path) -> Loader:
        files = RepoFiles(self.root)
        programs = LocalPrograms(self.options, self.root, folder, self.environ)
        return Loader(files, WrittenText(files), "app", programs=programs, warnings=self.warnings)


def text(resources: ResourceSet | list[Resource]) -> str:
    return yaml_stream([one.body for one in resources])


def test_a_function_that_passes_everything_on_changes_nothing(tmp_path: Path) -> None:
    history = {"a": [EarlierName("default", "first", "ConfigMap")]}
    resources = Function(tmp_path, "cat").run(history=history)
    assert text(resources) == text(read(OBJECTS))
    assert [resource.earlier for resource in resources] == [history["a"], []]


def test_a_function_sees_a_resource_list_with_its_configuration(tmp_path: Path) -> None:
    Function(tmp_path, "tee seen.yaml").run()
    (document,) = read_documents((tmp_path / "app/seen.yaml").read_bytes(), "seen.yaml", Dialect.KUSTOMIZE)
    seen = document.value
    assert (seen["apiVersion"], seen["kind"]) == ("config.kubernetes.io/v1", "ResourceList")
    assert [item["metadata"]["name"] for item in seen["items"]] == ["a", "b"]
    assert seen["items"][1]["metadata"]["annotations"]["config.kubernetes.io/index"] == "1"
    assert seen["functionConfig"]["spec"] == {"a": 1}


def test_objects_are_changed_in_place_added_at_the_end_and_removed(tmp_path: Path) -> None:
    printed = f"{HEAD}new\n---\n{HEAD}a\ndata: {{k: changed}}\n"
    resources = Function(tmp_path, f"cat <<'EOF'\n{printed}EOF").run()
    assert [resource.name for resource in resources] == ["a", "new"]
    assert next(iter(resources)).body["data"] == {"k": "changed"}


def test_a_rename_keeps_the_history_that_the_function_passes_on(tmp_path: Path) -> None:
    history = {"a": [EarlierName("default", "first", "ConfigMap")]}
    resources = Function(tmp_path, "sed 's/^    name: a$/    name: z/'").run(history=history)
    renamed = next(resource for resource in resources if resource.kind == "ConfigMap")
    assert (renamed.name, renamed.earlier) == ("z", history["a"])


def test_a_generator_asks_for_a_hash_and_a_behavior_by_annotations(tmp_path: Path) -> None:
    printed = (
        f"{HEAD}a\n  annotations:\n    kustomize.config.k8s.io/needs-hash: 'true'\n"
        "    kustomize.config.k8s.io/behavior: merge\n"
    )
    (made,) = Function(tmp_path, f"cat <<'EOF'\n{printed}EOF").make()
    assert (made.hashed, made.behavior) == (True, "merge")
    assert "annotations" not in made.metadata
    with pytest.raises(BuildError, match="contains an invalid value"):
        Function(tmp_path, f"cat <<'EOF'\n{printed.replace('true', 'maybe')}EOF").make()


def test_a_generator_that_passes_its_configuration_on_does_not_deploy_it(tmp_path: Path) -> None:
    (made,) = Function(tmp_path, "cat").make()
    assert made.metadata["annotations"]["config.kubernetes.io/local-config"] == "true"


def test_places_name_the_output_of_the_function(tmp_path: Path) -> None:
    (made,) = Function(tmp_path, f"printf '{HEAD}a\n'").make()
    assert str(made.origin) == "app/demo (output of the function):1:1"


def test_values_that_a_function_leaves_alone_keep_their_places(tmp_path: Path) -> None:
    resources = Function(tmp_path, 'sed \'s/k: "1"/k: "1"\\n    z: new/\'').run()
    changed = next(iter(resources))
    assert changed.body["data"] == {"k": "1", "z": "new"}
    assert str(origin_at(changed.body, ("data", "k"))) == "app/x.yaml:5:11"
    assert str(origin_at(changed.body, ("data", "z"))).startswith("app/demo (output of the function):")
    assert str(changed.origin) == "app/x.yaml:1:1"


def test_a_function_gets_no_credential_and_only_the_variables_that_are_given(tmp_path: Path) -> None:
    options = BuildOptions(enable_exec=True, enable_alpha_plugins=True, function_environment=("GIVEN", "A=b", "NONE"))
    Function(tmp_path, "env >env.txt; pwd >pwd.txt; cat", options=options).run()
    variables = (tmp_path / "app/env.txt").read_text().splitlines()
    assert {"GIVEN=here", "A=b", "KUBECONFIG=/dev/null"} <= set(variables)
    assert not any("secret" in line or line.startswith("NONE") for line in variables)
    assert (tmp_path / "app/pwd.txt").read_text().strip() == str(tmp_path / "app")


def test_results_become_warnings(tmp_path: Path) -> None:
    printed = (
        "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\nresults:\n- {message: hm, severity: w}\n"
    )
    function = Function(tmp_path, f"cat <<'EOF'\n{printed}EOF")
    assert list(function.run()) == []
    assert function.warnings == ["function: w: hm"]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo oops >&2; exit 3", "couldn't execute function: app/fn.sh: exit status 3: oops"),
        ("kill -9 $$", "exit status -9"),
        (f"printf '{HEAD}a\n---\n{HEAD}a\n'", "already registered id"),
        ("echo '[broken'", "broken|flow|expected"),
    ],
)
def test_a_function_that_fails_is_an_error(script: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=words):
        Function(tmp_path, script).run()


@pytest.mark.parametrize(
    "options",
    [
        BuildOptions(),
        BuildOptions(enable_exec=True),
        BuildOptions(enable_alpha_plugins=True),
        BuildOptions(enable_exec=True, enable_alpha_plugins=True, exec_functions=()),
        BuildOptions(enable_exec=True, enable_alpha_plugins=True, exec_functions=("app/other.sh",)),
    ],
)
def test_a_function_that_is_not_allowed_does_not_run(options: BuildOptions, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"unable to load external plugin|is not among those that may run"):
        Function(tmp_path, "touch ran; cat", options=options).run()
    assert not (tmp_path / "app/ran").exists()


def test_a_function_that_is_named_may_run(tmp_path: Path) -> None:
    named = BuildOptions(enable_exec=True, enable_alpha_plugins=True, exec_functions=("app/fn.sh",))
    assert len(Function(tmp_path, "cat", options=named).run()) == 2


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/bin/sh", "must be in the repo"),
        ("../../fn.sh", "out of the config repo"),
        ("./missing.sh", "no such file"),
        ("./link.sh", "a link leads out of the config repo"),
        ("./fn.yaml", "cannot be started|there is no such program"),
    ],
)
def test_only_a_program_inside_the_repo_runs(path: str, words: str, tmp_path: Path) -> None:
    function = Function(tmp_path, "cat", CONFIG.replace("./fn.sh", path))
    (tmp_path / "app/link.sh").symlink_to("/bin/cat")
    with pytest.raises(BuildError, match=words):
        function.run()


@pytest.mark.parametrize("spec", ["container: {image: 'gcr.io/x/y:v1'}", "starlark: {path: x.star}", "exec: {}"])
def test_functions_that_are_no_programs_are_refused_with_what_to_do(spec: str, tmp_path: Path) -> None:
    config = CONFIG.replace("      exec:\n        path: ./fn.sh\n", f"      {spec}\n")
    with pytest.raises(BuildError) as raised:
        Function(tmp_path, "cat", config).run()
    assert "exec: {path: ./program}" in f"{raised.value.problems[0]}"


def test_what_is_no_function_and_no_builtin_plugin_is_refused_in_the_words_of_kustomize() -> None:
    (config,) = read("apiVersion: example.com/v1\nkind: Fn\nmetadata: {name: x}\n")
    assert not is_function(config)
    message = str(unknown_plugin(config))
    assert "unable to load external plugin 'Fn'" in message
    assert "unable to find plugin root" in message
