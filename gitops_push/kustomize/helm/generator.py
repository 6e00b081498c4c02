"""Renders the charts of a kustomization with helm, and adds the objects.

Values are merged here as kustomize merges them; helm gets files only. Charts are never fetched: what is deployed must
be in the reviewed commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gitops_push.core.errors import BuildError
from gitops_push.core.tree import Fields, copy_tree
from gitops_push.documents.reader import Dialect, Document, read_documents
from gitops_push.documents.writer import to_yaml
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.helm.chart import HelmChart
from gitops_push.kustomize.helm.rendered import rendered_parts
from gitops_push.kustomize.loader import Loader
from gitops_push.kustomize.manifests import resources_of
from gitops_push.kustomize.patches.strategic_merge import MergeContext, merge
from gitops_push.kustomize.programs import ChartRequest
from gitops_push.kustomize.resource import Resource
from gitops_push.kustomize.typed_fields import Text


def generate_chart(chart: HelmChart, namespace: Text | None, loader: Loader) -> list[Resource]:
    """Render a chart and return its objects. `namespace` is the kustomization's, for a chart that has none.

    Raises `BuildError`: charts are not allowed, the chart is not there, helm fails.
    """
    if namespace and not chart.namespace:
        chart = replace(chart, namespace=namespace.value)
    directory = Text(chart.directory, chart.origin)
    folder = _folder(chart, directory, loader)
    request = ChartRequest(
        chart=chart,
        files=loader.files,
        directory=folder,
        values=_values(chart, loader),
        additional_values=tuple(loader.read(file)[0] for file in chart.additional_values_files),
    )
    documents = _documents(loader.programs.render_chart(request), folder, loader)
    made = [resource for document in documents for resource in resources_of([document])]
    for resource in made:
        resource.from_helm = True
    return made


def _folder(chart: HelmChart, directory: Text, loader: Loader) -> str:
    found = loader.directory(directory)
    if found:
        return found
    if not chart.repo:
        raise invalid(f"no repo specified for pull, no chart found at '{directory.value}'", chart.origin)
    version = f" --version {chart.version}" if chart.version else ""
    target = directory.value.rpartition("/")[0]
    raise invalid(
        f"there is no chart {chart.name!r} at '{directory.value}', and a build uses no network to fetch it",
        chart.origin,
        f"vendor it: helm pull {chart.name} --repo {chart.repo}{version} --untar --untardir {target}, and commit it",
    )


def _values(chart: HelmChart, loader: Loader) -> bytes:
    """Return the values that helm gets instead of the chart's own: a file, what is written inline, or both merged."""
    file = chart.values_file or Text(f"{chart.directory}/values.yaml", chart.origin)
    inline = chart.values_inline
    if not inline:
        return loader.read(file)[0]
    if chart.values_merge == "replace":
        return to_yaml(inline).encode()
    documents = loader.documents(file, Dialect.KUSTOMIZE)
    written = documents[0].value if documents else None
    from_file = copy_tree(written) if isinstance(written, Fields) else Fields()
    context = MergeContext(loader.written, chart.origin)
    target, patch = (
        (from_file, copy_tree(inline)) if chart.values_merge == "override" else (copy_tree(inline), from_file)
    )
    merged = merge(target, patch, None, context)
    return to_yaml(merged if isinstance(merged, Fields) else Fields()).encode()


def _documents(output: bytes, folder: str, loader: Loader) -> Iterator[Document]:
    """Yield the documents of helm's output; each has places in the text that its template was rendered to.

    Helm may print messages before the first document, which are no object: they are passed over.
    """
    parts = rendered_parts(output, folder)
    for index, (file, part) in enumerate(parts):
        loader.written.hold(file, part)
        try:
            documents = read_documents(part.encode(), file, Dialect.KUSTOMIZE, usage=loader.usage)
        except BuildError:
            if index or len(parts) == 1:
                raise
            continue
        yield from (one for one in documents if index or len(parts) == 1 or isinstance(one.value, Fields))
