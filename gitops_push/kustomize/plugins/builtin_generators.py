"""Kustomize's built-in generators, as plugins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from gitops_push.core.tree import Fields, put
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.generators import generate
from gitops_push.kustomize.helm.chart import read_chart_plugin
from gitops_push.kustomize.helm.generator import generate_chart
from gitops_push.kustomize.kustomization import GeneratorOptions
from gitops_push.kustomize.kustomization_reader import read_generator
from gitops_push.kustomize.plugins.settings import Generator, GeneratorReader, PluginSettings
from gitops_push.kustomize.resource import Resource


def _generator(kind: str) -> GeneratorReader:
    def read(settings: PluginSettings) -> Generator:
        entry, metadata = read_generator(settings.fields, kind), settings.part("metadata")
        entry = replace(
            entry,
            name=entry.name if entry.name.value else metadata.text("name") or entry.name,
            namespace=entry.namespace or metadata.text("namespace"),
        )
        return lambda: [generate(entry, GeneratorOptions(), settings.loader)]

    return read


def _iam_policy(settings: PluginSettings) -> Generator:
    """Return the generator of a ServiceAccount that is bound to one of Google Cloud."""
    origin = settings.config.origin.by("IAMPolicyGenerator")
    cloud = settings.fields.string("cloud")
    if cloud != "gke":
        raise invalid(f"cloud provider {cloud} not supported yet", settings.fields.place("cloud"))
    account, google = settings.part("kubernetesService"), settings.part("serviceAccount")
    name, namespace = account.text("name"), account.text("namespace")
    user, project = google.string("name"), google.string("projectId")

    def make() -> list[Resource]:
        body = Fields(start=origin)
        put(body, "apiVersion", "v1", origin)
        put(body, "kind", "ServiceAccount", origin)
        metadata, annotations = Fields(start=origin), Fields(start=origin)
        put(body, "metadata", metadata, origin)
        put(metadata, "annotations", annotations, origin)
        put(annotations, "iam.gke.io/gcp-service-account", f"{user}@{project}.iam.gserviceaccount.com", origin)
        for field, text in (("name", name), ("namespace", namespace)):
            if text:
                put(metadata, field, text.value, text.origin.by(origin.step))
        return [Resource(body, origin)]

    return make


def _chart(settings: PluginSettings) -> Generator:
    chart = read_chart_plugin(settings.fields)
    return lambda: generate_chart(chart, None, settings.loader)


GENERATORS: Final[Mapping[str, GeneratorReader]] = {
    "ConfigMapGenerator": _generator("ConfigMap"),
    "SecretGenerator": _generator("Secret"),
    "IAMPolicyGenerator": _iam_policy,
    "HelmChartInflationGenerator": _chart,
}
