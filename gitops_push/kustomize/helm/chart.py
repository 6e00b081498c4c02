"""`helmCharts`, `helmGlobals` and the deprecated `helmChartInflationGenerator` as frozen values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields
from gitops_push.kustomize.typed_fields import Text, TypedFields

_CHART: Final = (
    *("name", "version", "repo", "releaseName", "namespace", "additionalValuesFiles", "valuesFile", "valuesInline"),
    *("valuesMerge", "includeCRDs", "skipHooks", "apiVersions", "kubeVersion", "nameTemplate", "skipTests"),
    *("debug", "devel"),
)
_GLOBALS: Final = ("chartHome", "configHome")
_OLD_CHART: Final = (
    *("chartName", "chartVersion", "chartRepoUrl", "chartHome", "chartRepoName", "helmHome", "values", "valuesLocal"),
    *("valuesMerge", "releaseName", "releaseNamespace", "helmBin", "extraArgs"),
)
_OLD_REFUSED: Final = {
    "helmBin": "choose the program with --helm-command",
    "extraArgs": "write what they say as fields of helmCharts",
}
_MERGES: Final = ("override", "replace", "merge")
_PATTERNS: Final = {
    "name": re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*"),
    "version": re.compile(r"[A-Za-z0-9^~*<>=][-+.0-9A-Za-z^~*<>= |,]*"),
    "releaseName": re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,51}[a-z0-9])?"),
    "namespace": re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"),
    "kubeVersion": re.compile(r"v?[0-9]+(?:\.[0-9]+)*[-+.0-9A-Za-z]*"),
    "apiVersions": re.compile(r"[A-Za-z0-9][-./A-Za-z0-9]*"),
    "nameTemplate": re.compile(r"[^\x00-\x1f]+"),
}
"""What the fields may be: no argument of helm can be smuggled in (`releaseName: --post-renderer=…`)."""


@dataclass(frozen=True, slots=True)
class HelmChart:
    """A chart to render; `origin` is the place of its entry. `home` is the folder that it is in, as written."""

    name: str
    origin: Origin
    home: Text
    version: str = ""
    repo: str = ""
    release_name: str = ""
    namespace: str = ""
    values_file: Text | None = None
    additional_values_files: tuple[Text, ...] = ()
    values_inline: Fields | None = field(default=None, repr=False)
    values_merge: str = "override"
    name_template: str = ""
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    include_crds: bool = False
    skip_hooks: bool = False
    skip_tests: bool = False
    debug: bool = False
    devel: bool = False

    @property
    def directory(self) -> str:
        """Return the chart's folder, relative to the kustomization."""
        pulled = f"/{self.name}-{self.version}" if self.version and self.repo else ""
        return f"{self.home.value}{pulled}/{self.name}"


def read_charts(top: TypedFields) -> tuple[HelmChart, ...]:
    """Return the charts of a kustomization, old form last. Adds to the problems of `top`."""
    options = top.one("helmGlobals")
    if options:
        options.check_names(_GLOBALS, "helmGlobals")
    home = _home(options, top) if options else None
    old = top.many("helmChartInflationGenerator")
    for entry in old:
        home = home or _home(entry, top)
    home = home or Text("charts", top.origin)
    return (*(_chart(entry, home) for entry in top.many("helmCharts")), *(_old_chart(entry, home) for entry in old))


def read_chart_plugin(fields: TypedFields) -> HelmChart:
    """Return the chart of a HelmChartInflationGenerator: its fields are those of `helmCharts` and `helmGlobals`."""
    return _chart(fields, _home(fields, fields) or Text("charts", fields.origin))


def _home(fields: TypedFields, top: TypedFields) -> Text | None:
    home = fields.text("chartHome")
    if home and home.value.startswith("/"):
        _complain(top, f"chartHome {home.value!r} must be relative", home.origin, "keep the charts in the repo")
    return Text(home.value.rstrip("/") or ".", home.origin) if home else None


def _chart(entry: TypedFields, home: Text) -> HelmChart:
    entry.check_names(_CHART, "helmCharts")
    return HelmChart(
        name=_checked(entry, "name"),
        origin=entry.origin,
        home=home,
        version=_checked(entry, "version"),
        repo=_word(entry, "repo"),
        release_name=_checked(entry, "releaseName"),
        namespace=_checked(entry, "namespace"),
        values_file=entry.text("valuesFile"),
        additional_values_files=entry.texts("additionalValuesFiles"),
        values_inline=_inline(entry, "valuesInline"),
        values_merge=_merge(entry),
        name_template=_checked(entry, "nameTemplate"),
        kube_version=_checked(entry, "kubeVersion"),
        api_versions=_api_versions(entry),
        include_crds=entry.flag("includeCRDs"),
        skip_hooks=entry.flag("skipHooks"),
        skip_tests=entry.flag("skipTests"),
        debug=entry.flag("debug"),
        devel=entry.flag("devel"),
    )


def _old_chart(entry: TypedFields, home: Text) -> HelmChart:
    entry.check_names(_OLD_CHART, "helmChartInflationGenerator")
    for name, hint in _OLD_REFUSED.items():
        if entry.get(name):
            _complain(entry, f"{name} of helmChartInflationGenerator is not supported", entry.key_place(name), hint)
    return HelmChart(
        name=_checked(entry, "chartName", "name"),
        origin=entry.origin,
        home=home,
        version=_checked(entry, "chartVersion", "version"),
        repo=_word(entry, "chartRepoUrl"),
        release_name=_checked(entry, "releaseName"),
        values_file=entry.text("values"),
        values_inline=_inline(entry, "valuesLocal"),
        values_merge=_merge(entry),
    )


def _checked(entry: TypedFields, field_name: str, like: str = "") -> str:
    """Return a text that is of its pattern; notes a problem otherwise, and for a chart without a name."""
    text = _word(entry, field_name)
    if text and not _PATTERNS[like or field_name].fullmatch(text):
        _complain(entry, f"{field_name} {text[:80]!r} of a chart cannot be passed to helm", entry.place(field_name))
    if not text and "name" in (field_name, like):
        _complain(entry, "chart name cannot be empty", entry.origin, f"add `{field_name}:`")
    return text


def _api_versions(entry: TypedFields) -> tuple[str, ...]:
    texts = entry.texts("apiVersions")
    for text in texts:
        if not _PATTERNS["apiVersions"].fullmatch(text.value):
            _complain(entry, f"apiVersions item {text.value[:80]!r} cannot be passed to helm", text.origin)
    return tuple(text.value for text in texts)


def _merge(entry: TypedFields) -> str:
    text = _word(entry, "valuesMerge") or "override"
    if text not in _MERGES:
        _complain(entry, f"valuesMerge must be one of {', '.join(_MERGES)}", entry.place("valuesMerge"))
    return text


def _inline(entry: TypedFields, name: str) -> Fields | None:
    values = entry.one(name)
    return values.fields if values else None


def _word(entry: TypedFields, name: str) -> str:
    text = entry.text(name)
    return text.value if text else ""


def _complain(entry: TypedFields, message: str, origin: Origin, hint: str | None = None) -> None:
    entry.problems.append(Problem(Code.KUSTOMIZATION_INVALID, message, origin, hint=hint))
