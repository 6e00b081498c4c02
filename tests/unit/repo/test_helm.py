"""Charts of kustomizations, rendered by a helm that records what it is asked."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from gitops_push.core.build_options import BuildOptions, HelmOptions
from gitops_push.core.errors import BuildError
from gitops_push.kustomize.build import BuiltSet, build_kustomization
from gitops_push.repo.programs import LocalPrograms, private_folder
from gitops_push.system.files import RepoFiles
from tests.unit.kustomize.trees import text, write_tree

CHART = {
    "app/charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n",
    "app/charts/web/values.yaml": "replicas: 1\nlist: [a, b]\nnested: {x: 1, w: 2}\n",
    "app/charts/web/templates/svc.yaml": "{{ not read by the fake }}\n",
}
RENDERED = """\
---
# Source: web/templates/svc.yaml
apiVersion: v1
kind: Service
metadata:
  name: svc
  annotations:
    v: 1.50
---
# Source: web/templates/svc.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: cm
"""
ALLOWED = BuildOptions(enable_helm=True)


TELLS_VERSION = 'if [ "$1" = version ]; then printf v3.22.0; exit; fi\n'


@pytest.fixture
def helm(tmp_path: Path) -> Path:
    """A helm that copies what it is given beside itself, and prints RENDERED."""
    path = write_tree(tmp_path, {"bin/helm": ""}) / "bin" / "helm"
    seen = shlex.quote(str(tmp_path / "seen"))
    path.write_text(
        f"#!/bin/sh\n{TELLS_VERSION}mkdir -p {seen}\n"
        f"printf '%s\\n' \"$@\" >{seen}/argv\nenv >{seen}/env\ncp -r . {seen}/files\n"
        f"cat {shlex.quote(str(tmp_path / 'rendered'))}\n"
    )
    path.chmod(0o755)
    (tmp_path / "rendered").write_text(RENDERED)
    return path


def build(
    root: Path,
    chart: str,
    options: BuildOptions = ALLOWED,
    more: str = "",
    files: Mapping[str, str] = MappingProxyType({}),
) -> BuiltSet:
    """Build a kustomization in `app` with one chart, and be sure that nothing is left behind."""
    write_tree(root, {**CHART, "app/kustomization.yaml": f"helmCharts:\n- {chart}\n{more}", **files})
    with private_folder() as folder:
        environ = {"PATH": f"{root}/bin:{os.environ['PATH']}", "KUBECONFIG": "/secret", "TOKEN": "secret"}
        return build_kustomization(RepoFiles(root), "app", options, LocalPrograms(options, root, folder, environ))


def argv(root: Path) -> list[str]:
    """Return what helm was asked, its folder written as PLACE."""
    found = (root / "seen" / "argv").read_text().splitlines()
    place = found[-1].partition("/chart/")[0]
    return [argument.replace(place, "PLACE") for argument in found]


def values(root: Path, number: int = 0) -> str:
    return (root / "seen" / "files" / f"values-{number}.yaml").read_text()


def test_a_chart_is_rendered_and_transformed_but_keeps_its_namespaces(tmp_path: Path, helm: Path) -> None:
    built = build(tmp_path, "{name: web, releaseName: rel}", more="namespace: outer\nnamePrefix: p-\n")
    assert text(built) == (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: p-cm\n---\n"
        'apiVersion: v1\nkind: Service\nmetadata:\n  annotations:\n    v: "1.50"\n  name: p-svc\n'
    )
    assert argv(tmp_path) == [
        "template",
        "--namespace=outer",
        "--values=PLACE/values-0.yaml",
        "--",
        "rel",
        "PLACE/chart/web",
    ]
    assert (tmp_path / "seen/files/chart/web/templates/svc.yaml").read_text() == "{{ not read by the fake }}\n"


def test_places_name_the_template_and_the_line_in_what_it_was_rendered_to(tmp_path: Path, helm: Path) -> None:
    built = build(tmp_path, "{name: web}")
    places = {str(one.origin) for one in built.objects}
    assert places == {
        "app/charts/web/templates/svc.yaml (rendered):2:1",
        "app/charts/web/templates/svc.yaml (rendered, 2):2:1",
    }


def test_every_field_becomes_one_argument(tmp_path: Path, helm: Path) -> None:
    chart = (
        "{name: web, namespace: shop, nameTemplate: '--post-renderer={{1}}', kubeVersion: 1.34.1, apiVersions: [a/v1], "
        "includeCRDs: true, skipTests: true, skipHooks: true, debug: true, devel: true, valuesFile: v.yaml, "
        "additionalValuesFiles: [w.yaml], version: 0.1.0}"
    )
    build(tmp_path, chart, files={"app/v.yaml": "v: 1\n", "app/w.yaml": "w: 1\n"})
    assert argv(tmp_path) == [
        "template",
        "--generate-name",
        "--namespace=shop",
        "--name-template=--post-renderer={{1}}",
        "--values=PLACE/values-0.yaml",
        "--values=PLACE/values-1.yaml",
        "--api-versions=a/v1",
        "--kube-version=1.34.1",
        "--include-crds",
        "--skip-tests",
        "--no-hooks",
        "--debug",
        "--devel",
        "--",
        "PLACE/chart/web",
    ]
    assert (values(tmp_path), values(tmp_path, 1)) == ("v: 1\n", "w: 1\n")


def test_the_command_line_wins_over_the_chart(tmp_path: Path, helm: Path) -> None:
    options = BuildOptions(
        enable_helm=True, helm=HelmOptions(str(helm), kube_version="1.30.0", api_versions=("b/v1",), debug=True)
    )
    build(tmp_path, "{name: web, releaseName: r, kubeVersion: 1.20.0, apiVersions: [a/v1]}", options)
    assert {"--kube-version=1.30.0", "--api-versions=b/v1", "--debug"} <= set(argv(tmp_path))
    assert "--api-versions=a/v1" not in argv(tmp_path)


@pytest.mark.parametrize(
    ("merge", "expected"),
    [
        ("override", "list:\n- c\nnested:\n  w: 2\n  z: 9\nreplicas: 3\n"),
        ("merge", "list:\n- a\n- b\nnested:\n  w: 2\n  x: 1\n  z: 9\nreplicas: 1\n"),
        ("replace", "list:\n- c\nnested:\n  x: null\n  z: 9\nreplicas: 3\n"),
    ],
)
def test_inline_values_are_merged_as_kustomize_merges_them(
    merge: str, expected: str, tmp_path: Path, helm: Path
) -> None:
    inline = "{replicas: 3, list: [c], nested: {x: null, z: 9}}"
    build(tmp_path, f"{{name: web, valuesMerge: {merge}, valuesInline: {inline}}}")
    assert values(tmp_path) == expected


def test_helm_gets_a_home_of_its_own_and_no_credential(tmp_path: Path, helm: Path) -> None:
    build(tmp_path, "{name: web}")
    environment = (tmp_path / "seen" / "env").read_text()
    assert "KUBECONFIG=/dev/null" in environment
    assert "secret" not in environment
    assert f"HOME={Path.home()}\n" not in environment
    assert "HTTPS_PROXY=http://127.0.0.1:9" in environment


@pytest.mark.parametrize(
    "field",
    [
        "releaseName: --post-renderer=sh",
        "releaseName: 'a b'",
        "namespace: --kubeconfig=x",
        "kubeVersion: --set=x=y",
        "apiVersions: [-x]",
        "version: --repo=x",
        "name: ../../etc",
        "name: -x",
        "name: ''",
        "valuesMerge: both",
    ],
)
def test_a_field_that_helm_must_not_get_is_refused(field: str, tmp_path: Path, helm: Path) -> None:
    name = "" if field.startswith("name:") else "name: web, "
    with pytest.raises(BuildError):
        build(tmp_path, f"{{{name}{field}}}")
    assert not (tmp_path / "seen").exists()


def test_without_permission_no_helm_runs(tmp_path: Path, helm: Path) -> None:
    for options in (BuildOptions(), BuildOptions(enable_exec=True, enable_alpha_plugins=True)):
        with pytest.raises(BuildError, match="must specify --enable-helm"):
            build(tmp_path, "{name: web}", options)
    write_tree(tmp_path, CHART)
    with pytest.raises(BuildError, match="must specify --enable-helm"):
        build_kustomization(RepoFiles(tmp_path), "app", ALLOWED)
    assert not (tmp_path / "seen").exists()


def test_a_chart_that_is_not_there_is_not_fetched(tmp_path: Path, helm: Path) -> None:
    with pytest.raises(BuildError, match="no chart found at 'charts/api'"):
        build(tmp_path, "{name: api}")
    with pytest.raises(BuildError, match="no network to fetch it") as raised:
        build(tmp_path, "{name: api, repo: 'https://charts.example.com', version: 1.2.3}")
    hint = "helm pull api --repo https://charts.example.com --version 1.2.3 --untar --untardir charts/api-1.2.3"
    assert hint in (raised.value.problems[0].hint or "")


def test_a_chart_with_a_repo_and_a_version_is_found_where_kustomize_pulls_it_to(tmp_path: Path, helm: Path) -> None:
    files = {"app/lib/web-0.1.0/web/values.yaml": "from: lib\n"}
    build(tmp_path, "{name: web, repo: 'https://x', version: 0.1.0}", more="helmGlobals: {chartHome: lib}", files=files)
    assert values(tmp_path) == "from: lib\n"


def test_a_link_in_a_chart_cannot_show_helm_a_file_of_the_machine(tmp_path: Path, helm: Path) -> None:
    write_tree(tmp_path / "config", CHART)
    (tmp_path / "config" / "app" / "charts" / "web" / "passwd").symlink_to("/etc/passwd")
    (tmp_path / "config" / "bin").symlink_to(tmp_path / "bin")
    with pytest.raises(BuildError, match="a link leads out of the config repo"):
        build(tmp_path / "config", "{name: web}")
    assert not (tmp_path / "seen").exists()


def test_values_outside_the_kustomization_stay_restricted(tmp_path: Path, helm: Path) -> None:
    with pytest.raises(BuildError, match="is not in or below"):
        build(tmp_path, "{name: web, valuesFile: ../v.yaml}", files={"v.yaml": "a: 1\n"})
    unrestricted = BuildOptions(enable_helm=True, restricted=False)
    build(tmp_path, "{name: web, valuesFile: ../v.yaml}", unrestricted, files={"v.yaml": "a: 1\n"})
    assert values(tmp_path) == "a: 1\n"


def test_the_deprecated_form_renders_the_same_chart(tmp_path: Path, helm: Path) -> None:
    old = "helmChartInflationGenerator:\n"
    old += "- {chartName: web, releaseName: old, valuesLocal: {a: 1}, valuesMerge: replace}\n"
    built = build(tmp_path, "{name: web}", more=old, files={"app/kustomization.yaml": old})
    assert len(built.objects) == 2
    assert argv(tmp_path)[-2:] == ["old", "PLACE/chart/web"]
    assert values(tmp_path) == "a: 1\n"
    with pytest.raises(BuildError, match="helmBin of helmChartInflationGenerator is not supported"):
        build(
            tmp_path, "{name: web}", files={"app/kustomization.yaml": old.replace("{chart", "{helmBin: ./evil, chart")}
        )


def test_a_chart_can_be_the_configuration_of_a_generator(tmp_path: Path, helm: Path) -> None:
    plugin = (
        "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: x}\nname: web\nreleaseName: rel\n"
        "chartHome: lib\nvaluesInline: {a: 1}\nvaluesMerge: replace\n"
    )
    files = {
        "app/kustomization.yaml": "generators: [chart.yaml]\nnamespace: outer\n",
        "app/chart.yaml": plugin,
        "app/lib/web/Chart.yaml": CHART["app/charts/web/Chart.yaml"],
    }
    built = build(tmp_path, "{name: web}", files=files)
    assert [one.body["metadata"]["name"] for one in built.objects] == ["cm", "svc"]
    assert "namespace" not in built.objects[0].body["metadata"]
    assert argv(tmp_path)[-2:] == ["rel", "PLACE/chart/web"]
    assert not any(argument.startswith("--namespace") for argument in argv(tmp_path))


def test_messages_before_the_first_document_are_passed_over(tmp_path: Path, helm: Path) -> None:
    (tmp_path / "rendered").write_text(f"walk.go: found a link\nWARNING: [x\n{RENDERED}")
    assert len(build(tmp_path, "{name: web}").objects) == 2


def test_a_helm_that_is_missing_or_fails_is_an_error(tmp_path: Path, helm: Path) -> None:
    missing = BuildOptions(enable_helm=True, helm=HelmOptions("helm-that-is-not-there"))
    with pytest.raises(BuildError, match="there is no helm-that-is-not-there on the PATH"):
        build(tmp_path, "{name: web}", missing)
    helm.write_text(f"#!/bin/sh\n{TELLS_VERSION}echo 'Error: template: x' >&2\nexit 1\n")
    with pytest.raises(BuildError, match="helm cannot render the chart 'web': Error: template: x"):
        build(tmp_path, "{name: web}")
