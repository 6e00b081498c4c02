"""Builds the manifest set of an environment from its sources. No network, no cluster; pure given the files.

The namespace of objects that name none is settled here as far as that is possible offline, with the built-in table of
kinds and the CustomResourceDefinitions of the set. An object of any other kind without a namespace keeps an empty
`ref.namespace`; the planner settles it with the server's discovery (`core.scopes.settle_scope`) before it looks the
object up.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

from gitops_push.core.build_options import BuildOptions
from gitops_push.core.checkout import Checkout
from gitops_push.core.codes import Code
from gitops_push.core.environment import DirectorySource, Environment, HelmSource, KustomizeSource, Source
from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.hooks import role_of
from gitops_push.core.kinds import scopes_of
from gitops_push.core.objects import Manifest, ManifestSet
from gitops_push.core.origin import Origin
from gitops_push.core.redaction import Redactor
from gitops_push.core.scopes import IsNamespaced, ref_of, settle_scope
from gitops_push.core.secret_values import secret_values_of
from gitops_push.core.sizes import whole_size_problem
from gitops_push.core.tree import Node
from gitops_push.core.validation import first_in_unknown_namespaces, object_problems, set_problems
from gitops_push.core.wait_annotations import annotation_problems
from gitops_push.documents.json_text import canonical_json
from gitops_push.documents.reader import Usage
from gitops_push.kustomize.build import build_kustomization
from gitops_push.kustomize.programs import NO_PROGRAMS, Programs
from gitops_push.repo.directory import kustomization_of, read_directory
from gitops_push.repo.programs import LocalPrograms, private_folder
from gitops_push.system.files import RepoFiles

MAX_OBJECTS = 10_000


@dataclass(frozen=True, slots=True)
class _Raw:
    """An object that came out of a source, before anything in it was checked."""

    body: Node = field(repr=False)
    origin: Origin
    unhashed_name: str = ""


def build_manifests(
    checkout: Checkout,
    files: RepoFiles,
    environment: Environment,
    environ: Mapping[str, str] | None = None,
    *,
    lenient: bool = False,
) -> ManifestSet:
    """Return the whole manifest set of an environment, in the order of its sources.

    Raises `BuildError` with all problems that were found: those of every source, of every object, and of the set. With
    `lenient`, for a set that is only looked at, what a cluster would refuse is a warning as long as each object can be
    told from the others. `environ` are the variables that programs are made to run with where the environment allows
    them; without it none is started.
    """
    with private_folder() as folder:
        workshop = _Workshop(checkout, files, environ, folder, environment.namespace)
        raw, warnings = _build_sources(workshop, environment.sources)
    judged = _refuse if not lenient or any(not _is_named(item.body) for item in raw) else _warn
    problems = tuple(problem for item in raw for problem in object_problems(item.body, item.origin))
    warnings.extend(judged(problems, raw))
    written = tuple(_manifest(item) for item in raw)
    scopes = scopes_of(manifest.body for manifest in written)
    manifests = settle_scopes(written, environment, lambda group, kind: scopes.get((group, kind)))
    digest, too_large = _digest_and_sizes(manifests)
    warnings.extend(judged((*set_problems(manifests, environment), *too_large, *annotation_problems(manifests)), raw))
    return ManifestSet(
        environment=environment.name,
        commit=checkout.commit,
        manifests=manifests,
        digest=digest,
        warnings=(
            *warnings,
            *_dropped_namespaces(written, manifests),
            *_foreign_namespaces(manifests, environment),
            *_remarks(manifests),
        ),
    )


def settle_scopes(
    manifests: Iterable[Manifest], environment: Environment, is_namespaced: IsNamespaced
) -> tuple[Manifest, ...]:
    """Return the manifests in the namespaces they will be sent with; see `core.scopes`."""
    if not environment.fills_namespace:
        return tuple(manifests)
    origin = environment.namespace_origin or environment.origin
    return tuple(settle_scope(manifest, environment.namespace, origin, is_namespaced) for manifest in manifests)


def digest_of(manifests: Iterable[Manifest]) -> str:
    """Return the SHA-256 (hex) over the canonical JSON of all bodies, one a line, sorted by ref."""
    digest, _ = _digest_and_sizes(manifests)
    return digest


def _digest_and_sizes(manifests: Iterable[Manifest]) -> tuple[str, tuple[Problem, ...]]:
    """Return the digest, and what is too large, in one encoding of the set."""
    digest = hashlib.sha256()
    too_large: list[Problem] = []
    for manifest in sorted(manifests, key=lambda manifest: manifest.ref):
        line = canonical_json(manifest.body)
        digest.update(line)
        digest.update(b"\n")
        problem = whole_size_problem(manifest, len(line))
        too_large += [problem] if problem else []
    return digest.hexdigest(), tuple(too_large)


@dataclass(frozen=True, slots=True)
class _Workshop:
    """What sources are built with; see `build_manifests`."""

    checkout: Checkout
    files: RepoFiles
    environ: Mapping[str, str] | None = field(repr=False)
    folder: Path
    namespace: str
    usage: Usage = field(default_factory=Usage)

    def programs(self, options: BuildOptions) -> Programs:
        """Return the programs that a kustomization may use."""
        if self.environ is None:
            return NO_PROGRAMS
        return LocalPrograms(options, Path(self.checkout.root), self.folder, self.environ)

    def built_elsewhere(self, source: KustomizeSource) -> list[_Raw]:
        """Return the objects of a kustomization that another program builds."""
        from gitops_push.repo.foreign_builder import build_elsewhere, objects_of

        output = build_elsewhere(
            source, source.builder, Path(self.checkout.root), self.folder, {} if self.environ is None else self.environ
        )
        file = kustomization_of(self.files, source.path) or source.path
        return [_Raw(body, origin) for body, origin in objects_of(source, output, file)]


def _build_sources(workshop: _Workshop, sources: Sequence[Source]) -> tuple[list[_Raw], list[str]]:
    raw: list[_Raw] = []
    warnings: list[str] = []
    problems: list[Problem] = []
    for source in sources:
        try:
            objects, more = _build_source(workshop, source)
        except BuildError as error:
            problems.extend(error.problems)
            continue
        raw.extend(objects)
        warnings.extend(more)
    _refuse(problems)
    if len(raw) > MAX_OBJECTS:
        raise BuildError(Problem(Code.BUDGET_EXCEEDED, f"the set has {len(raw)} objects, more than {MAX_OBJECTS:,}"))
    return raw, warnings


def _build_source(workshop: _Workshop, source: Source) -> tuple[list[_Raw], tuple[str, ...]]:
    match source:
        case KustomizeSource() if source.builder:
            return workshop.built_elsewhere(source), ()
        case KustomizeSource():
            built = build_kustomization(workshop.files, source.path, source.options, workshop.programs(source.options))
            objects = [_Raw(item.body, item.origin, item.unhashed_name) for item in built.objects]
            return objects, tuple(str(warning) for warning in built.warnings)
        case DirectorySource():
            content = read_directory(workshop.files, source, workshop.usage)
            return [_Raw(item.body, item.origin) for item in content.objects], tuple(map(_line, content.warnings))
        case HelmSource():
            from gitops_push.repo.charts import build_chart

            programs = workshop.programs(BuildOptions(enable_helm=True))
            content = build_chart(workshop.files, source, workshop.namespace, programs, workshop.usage)
            return [_Raw(item.body, item.origin) for item in content.objects], tuple(map(_line, content.warnings))
        case _:
            assert_never(source)


def _line(warning: Problem) -> str:
    place = f"{warning.origin}: " if warning.origin else ""
    return f"{place}{warning.message}" + (f" ({warning.hint})" if warning.hint else "")


def _manifest(item: _Raw) -> Manifest:
    return Manifest(ref_of(item.body), item.body.get("apiVersion") or "", item.body, item.origin, item.unhashed_name)


def _dropped_namespaces(written: Iterable[Manifest], settled: Iterable[Manifest]) -> list[str]:
    return [
        f"{before.origin_at(('metadata', 'namespace'))}: {after.ref} is cluster-scoped; "
        f"its namespace {before.ref.namespace!r} is left out"
        for before, after in zip(written, settled, strict=True)
        if before.ref.namespace and not after.ref.namespace
    ]


def _foreign_namespaces(manifests: Sequence[Manifest], environment: Environment) -> list[str]:
    if environment.declared:
        return []
    return [
        f"{manifest.origin_at(('metadata', 'namespace'))}: namespace {manifest.ref.namespace!r} is not in the set; "
        "it must exist in the cluster"
        for manifest in first_in_unknown_namespaces(manifests, environment)
    ]


def _remarks(manifests: Iterable[Manifest]) -> Iterator[str]:
    """Yield what people should hear of the annotations by which hooks and waves are asked for."""
    for manifest in manifests:
        role = role_of(manifest)
        for remark in role.remarks:
            place = manifest.origin_at(("metadata", "annotations", remark.annotation))
            yield f"{place}: {manifest.ref}: {remark.annotation}: {remark.text}"
        if role.left_out:
            yield f"{manifest.origin}: {manifest.ref} is not deployed: {role.left_out}"


def _is_named(body: Node) -> bool:
    """Return whether an object has what a ref is made of, right or wrong."""
    metadata = body.get("metadata") if isinstance(body, dict) else None
    if not isinstance(metadata, dict):
        return False
    texts = (body.get("apiVersion") or "", body.get("kind"), metadata.get("name"), metadata.get("namespace") or "")
    return all(isinstance(text, str) for text in texts)


def _refuse(problems: Sequence[Problem], raw: Iterable[_Raw] = ()) -> tuple[str, ...]:
    """Raise the problems, if there are any."""
    if problems:
        raise BuildError(_masked(problems, raw))
    return ()


def _warn(problems: Sequence[Problem], raw: Iterable[_Raw]) -> tuple[str, ...]:
    return tuple(map(_line, _masked(problems, raw))) if problems else ()


def _masked(problems: Iterable[Problem], raw: Iterable[_Raw]) -> tuple[Problem, ...]:
    """Return the problems without values of Secrets in `raw`, which other objects may repeat and messages quote."""
    values = (value for item in raw if isinstance(item.body, dict) for value in secret_values_of(item.body))
    redactor = Redactor(secrets.token_bytes(32), values)
    return tuple(map(redactor.mask_problem, problems))
