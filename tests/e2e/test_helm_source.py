"""Charts as sources: rendered by the real helm, deployed, and taken over from a release without a restart."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.controlplane.programs import helm
from tests.e2e.program import VARIABLE, Program

CHART = "apiVersion: v2\nname: {name}\nversion: 1.2.3\n"
HELPERS = """\
{{- define "lib.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}
"""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-web
  labels: {{- include "lib.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec: {containers: [{name: web, image: {{ .Values.image | quote }}}]}
"""
SETTINGS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-settings, namespace: {{ .Release.Namespace }}}
data:
  colour: {{ .Values.colour | default "none" | quote }}
  kube: {{ .Capabilities.KubeVersion.Version | quote }}
  monitored: {{ .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" | quote }}
  found: {{ lookup "v1" "Secret" .Release.Namespace "password" | toJson | quote }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-more}
data: {when: {{ .Values.when | quote }}}
"""
HOOK = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-before
  annotations: {helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-weight: "-5"}
---
apiVersion: v1
kind: Pod
metadata: {name: {{ .Release.Name }}-test, annotations: {helm.sh/hook: test}}
spec: {restartPolicy: Never, containers: [{name: test, image: "test:1"}]}
"""
DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: parts.SERIAL.example.com}
spec:
  group: SERIAL.example.com
  scope: Namespaced
  names: {plural: parts, singular: part, kind: Part}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
"""
PART = "apiVersion: SERIAL.example.com/v1\nkind: Part\nmetadata: {name: {{ .Release.Name }}-part}\nspec: {size: 3}\n"
LIBRARY = {
    "charts/web/charts/lib/Chart.yaml": CHART.format(name="lib") + "type: library\n",
    "charts/web/charts/lib/templates/_helpers.tpl": HELPERS,
}
CHARTS = {
    "with a library": {
        "charts/web/Chart.yaml": CHART.format(name="web"),
        "charts/web/values.yaml": "replicas: 1\nimage: 'web:1'\nwhen: 2026-01-01\n",
        "charts/web/templates/web.yaml": WEB,
        **LIBRARY,
    },
    "with lookups, hooks and capabilities": {
        "charts/web/Chart.yaml": CHART.format(name="web"),
        "charts/web/values.yaml": "when: 012\n",
        "charts/web/templates/settings.yaml": SETTINGS,
        "charts/web/templates/hook.yaml": HOOK,
    },
    "with definitions and a chart inside": {
        "charts/web/Chart.yaml": CHART.format(name="web"),
        "charts/web/values.yaml": "inner: {when: outer}\n",
        "charts/web/crds/parts.yaml": DEFINITION,
        "charts/web/templates/part.yaml": PART,
        "charts/web/charts/inner/Chart.yaml": CHART.format(name="inner"),
        "charts/web/charts/inner/values.yaml": "when: inner\ncolour: red\n",
        "charts/web/charts/inner/templates/settings.yaml": SETTINGS,
    },
}


@pytest.fixture(scope="module")
def helm_path() -> str:
    """The PATH with the real helm on it."""
    return f"{helm(os.environ).parent}:{os.environ['PATH']}"


def config(namespace: str, source: str, more: str = "") -> str:
    return f"""\
version: 1
project: charts-{namespace}
clusters: {{test: {{credentials: {{env: {VARIABLE}}}}}}}
environments:
  test:
    cluster: test
    namespace: {namespace}
    wait: {{timeout: 60s}}
{more}    sources:
      - helm: {source}
"""


def prepared(program: Program, files: dict[str, str], path: str, config_text: str, serial: str) -> Program:
    for name, text in files.items():
        program.write(name, text.replace("SERIAL", serial))
    program.write("gitops-push.yaml", config_text)
    program.commit()
    return program.having(PATH=path)


@pytest.mark.parametrize("files", CHARTS.values(), ids=CHARTS)
def test_the_set_is_what_helm_template_prints(
    program: Program, helm_path: str, namespace: str, files: dict[str, str], tmp_path: Path
) -> None:
    source = (
        "{chart: charts/web, releaseName: api, values: [values.yaml, more.yaml], valuesInline: {colour: blue}, "
        "kubeVersion: 1.31.2, apiVersions: [monitoring.coreos.com/v1]}"
    )
    files = {**files, "values.yaml": "colour: green\nreplicas: 2\n", "more.yaml": "colour: yellow\nimage: 'web:2'\n"}
    run = prepared(program, files, helm_path, config(namespace, source), namespace)
    done = run("build", "test", "-o", "json")
    assert done.code == 0, done
    printed = subprocess.run(
        [
            *("helm", "template", "api", "charts/web", "--namespace", namespace, "--include-crds", "--skip-tests"),
            *("-f", "values.yaml", "-f", "more.yaml", "--set", "colour=blue", "--kube-version", "1.31.2"),
            *("--api-versions", "monitoring.coreos.com/v1"),
        ],
        cwd=program.folder,
        env={"PATH": helm_path, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    wanted = [document for document in yaml.safe_load_all(printed) if document]
    for document in wanted:
        if document["kind"] != "CustomResourceDefinition":
            document["metadata"].setdefault("namespace", namespace)
    built = json.loads(done.out)["items"]
    assert built == wanted
    assert len(built) >= 1


def test_a_chart_is_deployed_with_its_hooks_and_definitions_and_then_nothing_is_left_to_do(
    program: Program, kubectl: Kubectl, helm_path: str, namespace: str
) -> None:
    every = {name: text for files in CHARTS.values() for name, text in files.items()}
    every["charts/web/values.yaml"] = "replicas: 2\nimage: 'web:1'\nwhen: now\n"
    del every["charts/web/charts/inner/templates/settings.yaml"]  # it makes the same objects as the outer one
    run = prepared(program, every, helm_path, config(namespace, "{chart: charts/web, releaseName: api}"), namespace)
    done = run("apply", "test", "--yes")
    assert done.code == 0, done
    assert kubectl.get("deployment", "api-web", "-n", namespace)["status"]["readyReplicas"] == 2
    assert kubectl.get(f"parts.{namespace}.example.com", "api-part", "-n", namespace)["spec"] == {"size": 3}
    assert kubectl.get("configmap", "api-before", "-n", namespace)
    assert "api-test" not in done.out
    again = run("diff", "test", "--exit-code")
    assert again.code == 0, again


def test_a_real_release_is_taken_over_without_a_restart_and_helm_forgets_it(
    program: Program, kubectl: Kubectl, control_plane: ControlPlane, helm_path: str, namespace: str, tmp_path: Path
) -> None:
    files = CHARTS["with a library"]
    more = f"    takeover: [helm:{namespace}/api]\n"
    text = config(namespace, "{chart: charts/web, releaseName: api}", more)
    run = prepared(program, files, helm_path, text, namespace)
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(control_plane.kubeconfig)
    kubeconfig.chmod(0o600)

    def helm_says(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["helm", *arguments, "--namespace", namespace, "--kubeconfig", str(kubeconfig)],
            cwd=program.folder,
            env={"PATH": helm_path, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    installed = helm_says("install", "api", "charts/web", "--wait", "--timeout", "60s")
    assert installed.returncode == 0, installed
    before = kubectl.get("pods", "-n", namespace)["items"]
    spec = kubectl.get("deployment", "api-web", "-n", namespace)["spec"]
    done = run("apply", "test", "--yes")
    assert done.code == 0, done
    assert f"kubectl -n {namespace} delete secret -l owner=helm,name=api" in done.err
    deployment = kubectl.get("deployment", "api-web", "-n", namespace)
    assert deployment["spec"] == spec
    assert "meta.helm.sh/release-name" not in deployment["metadata"].get("annotations", {})
    after = kubectl.get("pods", "-n", namespace)["items"]
    assert [pod["metadata"]["uid"] for pod in after] == [pod["metadata"]["uid"] for pod in before]
    kubectl("-n", namespace, "delete", "secret", "-l", "owner=helm,name=api")
    assert "not found" in helm_says("uninstall", "api").stderr
    assert kubectl.get("deployment", "api-web", "-n", namespace)["status"]["readyReplicas"] == 1


BROKEN = {
    "no chart": ({}, "there is no charts/web", 10),
    "no Chart.yaml": ({"charts/web/values.yaml": "a: 1\n"}, "charts/web has no Chart.yaml", 10),
    "a template that fails": (
        {"charts/web/Chart.yaml": CHART.format(name="web"), "charts/web/templates/a.yaml": '{{ fail "no colour" }}'},
        "no colour",
        12,
    ),
    "a dependency that is not there": (
        {
            "charts/web/Chart.yaml": CHART.format(name="web")
            + "dependencies: [{name: db, version: 1.0.0, repository: 'https://charts.example.com'}]\n"
        },
        "helm dependency build charts/web",
        12,
    ),
    "no YAML": (
        {"charts/web/Chart.yaml": CHART.format(name="web"), "charts/web/templates/a.yaml": "a: [\n"},
        "web/templates/a.yaml",
        12,
    ),
    "a link out of the repo": (
        {"charts/web/Chart.yaml": CHART.format(name="web"), "charts/web/values.yaml": "-> /etc/passwd"},
        "charts/web/values.yaml",
        12,
    ),
}


@pytest.mark.parametrize(("files", "shown", "code"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_with_a_chart_is_told_with_the_line_of_the_source(
    program: Program, helm_path: str, files: dict[str, str], shown: str, code: int
) -> None:
    for name, text in files.items():
        place = program.write(name, text)
        if text.startswith("-> "):
            place.unlink()
            place.symlink_to(text.removeprefix("-> "))
    program.write("gitops-push.yaml", config("shop", "{chart: charts/web, releaseName: api}"))
    done = program.having(PATH=helm_path)("validate", "test")
    assert (done.code, shown in done.err) == (code, True), done
    assert "gitops-push.yaml:" in done.err or "--> charts/web/values.yaml" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (None, "there is no helm on the PATH"),
        ("v3.19.4", "the helm on the PATH is v3.19.4; charts are rendered by 3.20 or 4.1 or later"),
        ("v4.0.1", "is v4.0.1"),
        ("v2.17.0", "is v2.17.0"),
        ("nonsense\x1b[31m", "is nonsense"),
    ],
)
def test_without_helm_or_with_an_old_one_the_build_says_so(
    program: Program, tmp_path: Path, said: str | None, shown: str
) -> None:
    folder = tmp_path / "programs"
    folder.mkdir()
    if said is not None:
        (folder / "helm").write_text(f"#!/bin/sh\nprintf '%s' '{said}'\n")
        (folder / "helm").chmod(0o755)
    program.write("charts/web/Chart.yaml", CHART.format(name="web"))
    program.write("gitops-push.yaml", config("shop", "{chart: charts/web, releaseName: api}"))
    done = program.having(PATH=f"{folder}:/usr/bin:/bin")("validate", "test")
    assert (done.code, shown in done.err) == (12, True), done


def test_no_field_of_the_source_becomes_a_flag_of_helm(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "programs"
    folder.mkdir()
    recorded, made = tmp_path / "arguments", tmp_path / "made.yaml"
    made.write_text("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    (folder / "helm").write_text(
        f'#!/bin/sh\n[ "$1" = version ] && {{ printf v3.22.0; exit; }}\nprintf "%s\\n" "$@" > {recorded}; cat {made}\n'
    )
    (folder / "helm").chmod(0o755)
    hostile = "--post-renderer=evil"
    program.write(f"charts/{hostile}/Chart.yaml", CHART.format(name="web"))
    program.write(f"{hostile}.yaml", "a: 1\n")
    run = program.having(PATH=f"{folder}:/usr/bin:/bin")
    source = f"{{chart: 'charts/{hostile}', releaseName: api, values: ['{hostile}.yaml']}}"
    program.write("gitops-push.yaml", config("shop", source))
    assert run("validate", "test").code == 0
    arguments = recorded.read_text().splitlines()
    assert not [one for one in arguments if one.startswith("--post")]
    for field in ("releaseName", "namespace", "kubeVersion"):
        program.write(
            "gitops-push.yaml", config("shop", f"{{chart: 'charts/{hostile}', releaseName: api, {field}: '{hostile}'}}")
        )
        assert run("validate", "test").code == 10
    program.write(
        "gitops-push.yaml",
        config("shop", f"{{chart: 'charts/{hostile}', releaseName: api, apiVersions: ['{hostile}']}}"),
    )
    assert run("validate", "test").code == 10
