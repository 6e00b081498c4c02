"""Renders a chart with the user's helm: offline, without a cluster, on a copy of the chart.

The copy is read through the same gate as every file of the repo, so a link in a chart cannot show helm a file of the
machine. Helm gets a home of its own (no plugins, no repositories, no registry login) and no kubeconfig. Each setting is
one `--flag=value`, so that no value can be taken for a flag.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from gitops_push.core.build_options import HelmOptions
from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.untrusted import clean_line
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.programs import ChartRequest
from gitops_push.repo.offline import offline_environment
from gitops_push.system.files import RepoFiles
from gitops_push.system.process import ProcessError, ProgramMissingError, run

_TIMEOUT_SECONDS: Final = 120.0
_OUTPUT_LIMIT_BYTES: Final = 64 * 1024 * 1024
_VERSION_LIMIT_BYTES: Final = 64 * 1024
_MEMORY_LIMIT_BYTES: Final = 4 * 1024 * 1024 * 1024
_DEPTH: Final = 20
_VERSION: Final = re.compile(r"v?([0-9]+)\.([0-9]+)")
_OLDEST: Final = {3: 20, 4: 1}
"""The oldest minor version of each major one without a known hole in how charts are read."""


def render_chart(request: ChartRequest, options: HelmOptions, folder: Path, environ: Mapping[str, str]) -> bytes:
    """Return what `helm template` prints. `folder` is private; what is written there is removed again.

    Raises `BuildError`: no helm, a chart that cannot be read or rendered.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix="helm-") as place:
        chart = Path(place) / "chart" / request.directory.rpartition("/")[2]
        if request.files.is_file(request.directory):
            chart.parent.mkdir(mode=0o700)
            chart.write_bytes(request.files.read(request.directory))
        else:
            _copy(request.files, request.directory, chart, request)
        argv = [options.command, "template", *_flags(request, options, Path(place)), "--"]
        argv += [request.chart.release_name] if request.chart.release_name else []
        environment = _environment(Path(place), environ)
        try:
            _check_version(options.command, environ.get("PATH", ""), request)
            done = run(
                [*argv, str(chart)],
                cwd=Path(place),
                environment=environment,
                timeout_seconds=_TIMEOUT_SECONDS,
                output_limit_bytes=_OUTPUT_LIMIT_BYTES,
                memory_limit_bytes=_MEMORY_LIMIT_BYTES,
            )
        except ProgramMissingError as error:
            hint = "install helm, or name it with --helm-command"
            raise invalid(f"there is no {options.command} on the PATH", request.chart.origin, hint) from error
        except ProcessError as error:
            raise _failed(request, error.reason) from error
    if done.returncode:
        raise _failed(request, done.stderr.decode("utf-8", "replace").replace(f"{place}/", "").strip())
    return done.stdout


def _check_version(command: str, path: str, request: ChartRequest) -> None:
    """Raise `BuildError` for a helm that is too old, `ProcessError` for one that does not run."""
    said = _version(command, path)
    found = _VERSION.match(said)
    major, minor = (int(found[1]), int(found[2])) if found else (0, 0)
    if (major in _OLDEST and minor < _OLDEST[major]) or major < min(_OLDEST):
        wanted = " or ".join(f"{each}.{oldest}" for each, oldest in _OLDEST.items())
        shown = clean_line(said.strip()[:40]) or "of no version that it tells"
        message = f"the helm on the PATH is {shown}; charts are rendered by {wanted} or later"
        raise invalid(message, request.chart.origin, "install a newer one, or name it with --helm-command")


@cache
def _version(command: str, path: str) -> str:
    """Return what helm says of its version; asked once a run."""
    with tempfile.TemporaryDirectory(prefix="gitops-push-") as folder:
        done = run(
            [command, "version", "--template={{.Version}}"],
            cwd=Path(folder),
            environment=_environment(Path(folder), {"PATH": path}),
            timeout_seconds=_TIMEOUT_SECONDS,
            output_limit_bytes=_VERSION_LIMIT_BYTES,
        )
    return done.stdout.decode("utf-8", "replace")


def _flags(request: ChartRequest, options: HelmOptions, place: Path) -> Iterator[str]:
    """Yield the flags, values files in the order in which later ones win. What the command line says goes first."""
    chart = request.chart
    if not chart.release_name:
        yield "--generate-name"
    yield from _with_values(namespace=chart.namespace, name_template=chart.name_template)
    for number, content in enumerate((request.values, *request.additional_values)):
        file = place / f"values-{number}.yaml"
        file.write_bytes(content)
        yield f"--values={file}"
    yield from (f"--api-versions={version}" for version in options.api_versions or chart.api_versions)
    yield from _with_values(kube_version=options.kube_version or chart.kube_version)
    switches = {
        "--include-crds": chart.include_crds,
        "--skip-tests": chart.skip_tests,
        "--no-hooks": chart.skip_hooks,
        "--debug": chart.debug or options.debug,
        "--devel": chart.devel,
    }
    yield from (flag for flag, wanted in switches.items() if wanted)


def _with_values(**values: str) -> Iterator[str]:
    yield from (f"--{name.replace('_', '-')}={value}" for name, value in values.items() if value)


def _environment(place: Path, environ: Mapping[str, str]) -> dict[str, str]:
    homes = {f"HELM_{name}_HOME": str(place / "home" / name.lower()) for name in ("CONFIG", "CACHE", "DATA")}
    nothing = str(place / "home" / "nothing")
    return {
        **offline_environment(place / "home", environ),
        **homes,
        "HELM_PLUGINS": nothing,
        "HELM_REPOSITORY_CONFIG": f"{nothing}.yaml",
        "HELM_REGISTRY_CONFIG": f"{nothing}.json",
        "HELM_NO_PLUGINS": "1",
    }


def _copy(files: RepoFiles, source: str, target: Path, request: ChartRequest, depth: int = 0) -> None:
    """Write a copy of a directory; links inside the repo are followed, all others are errors."""
    if depth > _DEPTH:
        raise invalid(f"the chart {request.chart.name!r} is nested too deep", request.chart.origin)
    target.mkdir(parents=True, mode=0o700)
    for entry in files.entries(source):
        path = files.resolve(source, entry.name)
        if entry.is_dir:
            _copy(files, path, target / entry.name, request, depth + 1)
        else:
            (target / entry.name).write_bytes(files.read(path))


def _failed(request: ChartRequest, reason: str) -> BuildError:
    message = f"helm cannot render the chart {request.chart.name!r}: {reason}"
    hint = f"try it: helm template {request.directory}"
    if "missing in charts/ directory" in reason:
        hint = f"put them there, and commit them: helm dependency build {request.directory}"
    return BuildError(Problem(Code.KUSTOMIZATION_INVALID, message, request.chart.origin, hint=hint))
