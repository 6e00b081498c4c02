"""Renders a chart of the repo as a source of its own: the objects of `helm template`, read as kubectl reads them."""

from __future__ import annotations

from gitops_push.core.environment import HelmSource
from gitops_push.core.errors import BuildError, Problem
from gitops_push.documents.reader import Dialect, Usage, read_documents
from gitops_push.kustomize.helm.chart import HelmChart
from gitops_push.kustomize.helm.rendered import rendered_parts
from gitops_push.kustomize.programs import ChartRequest, Programs
from gitops_push.kustomize.typed_fields import Text
from gitops_push.repo.directory import DirectoryContent, ReadObject, objects_of
from gitops_push.system.files import RepoFiles

ARCHIVES = (".tgz", ".tar.gz")


def build_chart(
    files: RepoFiles, source: HelmSource, namespace: str, programs: Programs, usage: Usage
) -> DirectoryContent:
    """Return the objects of a chart, each with the template that it comes from, in the order of helm's output.

    `namespace` is for a source that names none. Raises `BuildError`: no helm, a chart that it does not render, values
    that are not there, an output that is no manifests.
    """
    name = source.path.rpartition("/")[2]
    chart = HelmChart(
        name=next((name.removesuffix(ending) for ending in ARCHIVES if name.endswith(ending)), name),
        origin=source.origin,
        home=Text(source.path, source.origin),
        release_name=source.release_name,
        namespace=source.namespace or namespace,
        kube_version=source.kube_version,
        api_versions=source.api_versions,
        include_crds=source.crds,
        skip_hooks=not source.hooks,
        skip_tests=not source.tests,
    )
    written = [files.read(path) for path in source.values]
    inline = [source.inline.encode()] if source.inline else []
    request = ChartRequest(chart, files, source.path, b"", (*written, *inline))
    objects: list[ReadObject] = []
    warnings: list[Problem] = []
    problems: list[Problem] = []
    for index, (file, part) in enumerate(rendered_parts(programs.render_chart(request), source.path)):
        try:
            documents = read_documents(part.encode(), file, Dialect.KUBECTL, usage=usage)
        except BuildError as error:
            problems += error.problems
            continue
        for document in documents:
            if index or isinstance(document.value, dict):
                warnings.extend(document.warnings)
                objects.extend(objects_of(document))
    if problems:
        raise BuildError(problems)
    return DirectoryContent(tuple(objects), tuple(warnings))
