"""Charts rendered by the real helm: our output and that of the real kustomize are equal bytes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gitops_push.core.build_options import BuildOptions, HelmOptions
from gitops_push.documents.writer import yaml_stream
from gitops_push.kustomize.build import build_kustomization
from gitops_push.repo.programs import LocalPrograms, private_folder
from gitops_push.system.files import RepoFiles
from tests.controlplane.programs import helm, kustomize
from tests.unit.kustomize.trees import write_tree

CHART = {
    "charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n",
    "charts/web/values.yaml": """\
        image: "nginx:1.0"
        replicas: 1
        items: [a, b]
        nested: {x: 1, y: "2", on: 1.50}
        """,
    "charts/web/templates/all.yaml": """\
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: {{ .Release.Name }}-cm
          annotations: {v: 1.50, w: "007", x: 2001-01-01}
        data:
          namespace: {{ .Release.Namespace }}
          values: {{ toJson .Values | quote }}
          kube: {{ .Capabilities.KubeVersion.Version }}
          has: {{ .Capabilities.APIVersions.Has "foo/v1" | quote }}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: web
          namespace: {{ .Release.Namespace }}
        spec:
          replicas: {{ .Values.replicas }}
          template:
            spec:
              containers:
              - name: main
                image: {{ .Values.image | quote }}
                envFrom: [{configMapRef: {name: {{ .Release.Name }}-cm}}]
        """,
    "charts/web/templates/hooks.yaml": """\
        apiVersion: v1
        kind: Pod
        metadata: {name: hook, annotations: {helm.sh/hook: pre-install}}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: test, annotations: {helm.sh/hook: test}}
        """,
    "charts/web/crds/crd.yaml": """\
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: foos.example.com}
        """,
    "mine.yaml": "replicas: 7\nnested: {z: 1}\n",
    "more.yaml": "replicas: 8\n",
}
CHARTS = {
    "plain": "{name: web, releaseName: rel}",
    "crds": "{name: web, releaseName: rel, includeCRDs: true}",
    "a namespace": "{name: web, releaseName: rel, namespace: shop}",
    "no hooks": "{name: web, releaseName: rel, skipHooks: true}",
    "no tests": "{name: web, releaseName: rel, skipTests: true}",
    "versions": "{name: web, releaseName: rel, kubeVersion: 1.31.2, apiVersions: [foo/v1]}",
    "a name template": "{name: web, nameTemplate: 'made-{{ \"x\" | upper | lower }}'}",
    "a values file": "{name: web, releaseName: rel, valuesFile: mine.yaml}",
    "more values": "{name: web, releaseName: rel, valuesFile: mine.yaml, additionalValuesFiles: [more.yaml]}",
    "override": "{name: web, releaseName: rel, valuesInline: {replicas: 3, items: [c], nested: {x: null, z: 9}}}",
    "merge": "{name: web, releaseName: rel, valuesMerge: merge, valuesInline: {replicas: 3, nested: {x: 5, z: 9}}}",
    "replace": "{name: web, releaseName: rel, valuesMerge: replace, valuesInline: {replicas: 3, nested: {on: 'off'}}}",
    "inline over a file": "{name: web, releaseName: rel, valuesFile: mine.yaml, valuesInline: {replicas: '3'}}",
}
AROUND = {
    "alone": "",
    "transformed": "namespace: outer\nnamePrefix: p-\ncommonLabels: {app: x}\nimages: [{name: nginx, newTag: '2'}]\n",
}


def ours(root: Path, options: BuildOptions) -> str:
    with private_folder() as folder:
        programs = LocalPrograms(options, root, folder, {"PATH": os.environ["PATH"]})
        return yaml_stream([one.body for one in build_kustomization(RepoFiles(root), ".", options, programs).objects])


def theirs(root: Path, options: BuildOptions) -> str:
    command = [str(kustomize()), "build", "--enable-helm", "--helm-command", options.helm.command, str(root)]
    environ = {"HOME": "/nonexistent", "PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_gives_the_bytes_that_kustomize_gives(chart: str, around: str, tmp_path: Path) -> None:
    write_tree(tmp_path, CHART)
    (tmp_path / "kustomization.yaml").write_text(f"{AROUND[around]}helmCharts:\n- {CHARTS[chart]}\n")
    options = BuildOptions(enable_helm=True, helm=HelmOptions(str(helm())))
    assert ours(tmp_path, options) == theirs(tmp_path, options)
