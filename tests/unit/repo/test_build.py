from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.checkout import Checkout
from gitops_push.core.codes import Code
from gitops_push.core.environment import Cluster, DirectorySource, Environment, KustomizeSource
from gitops_push.core.errors import BuildError, ConfigError
from gitops_push.core.objects import Manifest, ManifestSet, ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.repo.build import build_manifests, digest_of, settle_scopes
from gitops_push.repo.environments import load_environment
from gitops_push.system.files import RepoFiles
from tests.unit.core.test_validation import near_objects

REAL_REPOS = Path(__file__).parents[4] / "shared" / "real-repos"

WEB = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n"
CONFIG = """\
version: 1
environments:
  prod:
    namespace: shop
    sources:
      - directory: apps
      - kustomize: overlay
"""


def repo(root: Path, **files: str) -> RepoFiles:
    content = {"apps/web.yaml": WEB, "overlay/kustomization.yaml": "namePrefix: x-\nresources: [env.yaml]\n"}
    content["overlay/env.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: env\n"
    content["gitops-push.yaml"] = CONFIG
    for path, text in {**content, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return RepoFiles(root)


def built(files: RepoFiles, name: str = "prod") -> ManifestSet:
    checkout = Checkout(files.root, commit="1" * 40)
    return build_manifests(checkout, files, load_environment(checkout, files, name))


def codes(files: RepoFiles, name: str = "prod") -> list[tuple[Code, str]]:
    with pytest.raises(BuildError) as caught:
        built(files, name)
    return [(problem.code, str(problem.origin)) for problem in caught.value.problems]


def test_sources_are_built_in_order_into_one_set(tmp_path: Path) -> None:
    manifests = built(repo(tmp_path))
    assert [str(manifest.ref) for manifest in manifests.manifests] == [
        "apps/Deployment shop/web",
        "v1/ConfigMap shop/x-env",
    ]
    assert (manifests.environment, manifests.commit, manifests.warnings) == ("prod", "1" * 40, ())


def test_every_value_points_at_its_line(tmp_path: Path) -> None:
    web, env = built(repo(tmp_path)).manifests
    assert str(web.origin) == "apps/web.yaml:1:1"
    assert str(web.origin_at(("metadata", "name"))) == "apps/web.yaml:4:9"
    assert str(web.origin_at(("metadata", "namespace"))) == "gitops-push.yaml:4:16"
    assert env.origin_at(("metadata", "name")).file == "overlay/kustomization.yaml"


def test_custom_resources_follow_the_definition_in_the_set(tmp_path: Path) -> None:
    definition = (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\n"
        "spec: {group: example.com, scope: Namespaced, names: {kind: Widget, plural: widgets}}\n---\n"
    )
    widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\n"
    unknown = widget.replace("Widget", "Gadget")
    files = repo(tmp_path, **{"apps/widget.yaml": f"{definition}{widget}---\n{unknown}"})
    found = {manifest.ref.kind: manifest.ref.namespace for manifest in built(files).manifests}
    assert (found["Widget"], found["Gadget"], found["CustomResourceDefinition"]) == ("shop", "", "")


def test_the_planner_settles_what_the_build_could_not(tmp_path: Path) -> None:
    files = repo(tmp_path, **{"apps/a.yaml": "apiVersion: example.com/v1\nkind: Gadget\nmetadata: {name: a}\n"})
    checkout = Checkout(files.root)
    environment = load_environment(checkout, files, "prod")
    manifests = build_manifests(checkout, files, environment).manifests
    settled = settle_scopes(manifests, environment, lambda group, kind: True)
    assert [manifest.ref.namespace for manifest in settled] == ["shop"] * 3


def test_a_cluster_scoped_object_loses_its_namespace_with_a_warning(tmp_path: Path) -> None:
    role = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata:\n  name: a\n  namespace: shop\n"
    manifests = built(repo(tmp_path, **{"apps/role.yaml": role}))
    [found] = [manifest for manifest in manifests.manifests if manifest.ref.kind == "StorageClass"]
    assert "namespace" not in found.body["metadata"]
    assert manifests.warnings == (
        "apps/role.yaml:5:14: storage.k8s.io/StorageClass a is cluster-scoped; its namespace 'shop' is left out",
    )


def test_who_relies_on_a_hook_or_a_wave_that_does_not_count_is_warned(tmp_path: Path) -> None:
    hook = "  annotations:\n    argocd.argoproj.io/hook: BeforeSync\n    argocd.argoproj.io/sync-wave: first\n"
    wave, phase, left_out = built(repo(tmp_path, **{"apps/web.yaml": WEB + hook})).warnings
    web = "apps/Deployment shop/web"
    assert wave == f"apps/web.yaml:7:35: {web}: argocd.argoproj.io/sync-wave: 'first' is no integer, and does not count"
    assert phase == f"apps/web.yaml:6:30: {web}: argocd.argoproj.io/hook: 'BeforeSync' is unknown, and does not count"
    assert left_out == f"apps/web.yaml:1:1: {web} is not deployed: argocd.argoproj.io/hook names no phase"


def test_a_hook_whose_name_the_server_makes_up_is_built(tmp_path: Path) -> None:
    hook = WEB.replace("name: web", "generateName: web-") + "  annotations: {argocd.argoproj.io/hook: PreSync}\n"
    manifests = built(repo(tmp_path, **{"apps/web.yaml": hook})).manifests
    assert [manifest.ref.name for manifest in manifests if manifest.ref.kind == "Deployment"] == ["web-"]


def test_ambiguous_scalars_are_warned_about(tmp_path: Path) -> None:
    [warning] = built(repo(tmp_path, **{"apps/web.yaml": WEB + "spec: {paused: on}\n"})).warnings
    assert warning.startswith("apps/web.yaml:5:16: ")


def test_the_problems_of_all_objects_are_listed_at_once(tmp_path: Path) -> None:
    files = repo(tmp_path, **{"apps/a.yaml": "kind: Pod\n---\n" + WEB + "  labels: {canary: true}\n"})
    assert codes(files) == [
        (Code.MANIFEST_INVALID, "apps/a.yaml:1:1"),
        (Code.MANIFEST_INVALID, "apps/a.yaml:1:1"),
        (Code.MANIFEST_INVALID, "apps/a.yaml:7:20"),
    ]


def test_the_problems_of_all_sources_are_listed_at_once(tmp_path: Path) -> None:
    files = repo(tmp_path, **{"apps/a.yaml": "a: [\n", "overlay/kustomization.yaml": "resources: [none.yaml]\n"})
    assert {place.partition(":")[0] for _, place in codes(files)} == {"apps/a.yaml", "overlay/kustomization.yaml"}


def test_the_same_object_in_two_sources_is_an_error(tmp_path: Path) -> None:
    files = repo(tmp_path, **{"apps/env.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x-env}\n"})
    assert [code for code, _ in codes(files)] == [Code.DUPLICATE_OBJECT]


def test_an_object_is_the_same_with_its_namespace_written_or_filled_in(tmp_path: Path) -> None:
    files = repo(tmp_path, **{"apps/again.yaml": WEB + "  namespace: shop\n"})
    assert codes(files) == [(Code.DUPLICATE_OBJECT, "apps/web.yaml:1:1")]


def test_an_unknown_namespace_is_an_error_for_an_environment_and_a_warning_for_a_path(tmp_path: Path) -> None:
    files = repo(tmp_path, **{"apps/web.yaml": WEB + "  namespace: monitoring\n"})
    assert codes(files) == [(Code.UNKNOWN_NAMESPACE, "apps/web.yaml:5:14")]
    assert built(files, "./apps").warnings == (
        "apps/web.yaml:5:14: namespace 'monitoring' is not in the set; it must exist in the cluster",
    )


def test_an_empty_set_is_refused(tmp_path: Path) -> None:
    files = repo(tmp_path, **{"apps/web.yaml": "# nothing\n", "overlay/kustomization.yaml": "namePrefix: x-\n"})
    assert [code for code, _ in codes(files)][-1] in {Code.EMPTY_SET, Code.KUSTOMIZATION_INVALID}


def test_no_secret_value_is_in_the_repr_of_a_set(tmp_path: Path) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: hunter22}\n"
    assert "hunter22" not in repr(built(repo(tmp_path, **{"apps/a.yaml": secret})))


@given(st.binary(max_size=200) | near_objects.map(lambda body: json.dumps(body).encode()))
def test_any_file_is_built_or_refused_with_its_place(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    root = tmp_path_factory.mktemp("repo")
    (root / "a.yaml").write_bytes(content)
    checkout = Checkout(root)
    files = RepoFiles(root)
    try:
        manifests = build_manifests(checkout, files, load_environment(checkout, files, "./a.yaml"))
        refused = False
    except BuildError as error:
        refused = all(problem.origin for problem in error.problems)
        manifests = None
    assert refused or (manifests is not None and manifests.manifests)


bodies = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=3)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), bodies), unique_by=lambda item: item[0]), st.randoms())
def test_the_digest_does_not_depend_on_the_order_but_on_every_value(
    items: list[tuple[str, object]], random: object
) -> None:
    manifests = [
        Manifest(ObjectRef("", "ConfigMap", "shop", name), "v1", {"data": body}, Origin("a.yaml"))
        for name, body in items
    ]
    shuffled = manifests[::-1]
    assert digest_of(manifests) == digest_of(shuffled)
    if manifests:
        other = Manifest(manifests[0].ref, "v1", {"data": None}, Origin("a.yaml"))
        assert digest_of(manifests) != digest_of([other, *manifests[1:]])


@pytest.mark.skipif(not REAL_REPOS.is_dir(), reason="the real repositories are not here")
@pytest.mark.parametrize(
    ("path", "kind", "count"),
    [
        ("podinfo/kustomize", KustomizeSource, 3),
        ("microservices-demo/kubernetes-manifests", KustomizeSource, 33),
        ("microservices-demo/kustomize", KustomizeSource, 35),
        ("flux2-kustomize-helm-example/apps/staging", KustomizeSource, 3),
        ("podinfo/kustomize/hpa.yaml", DirectorySource, 1),
    ],
)
def test_real_repositories_build_from_their_paths(path: str, kind: type, count: int) -> None:
    files = RepoFiles(REAL_REPOS)
    checkout = Checkout(REAL_REPOS)
    environment = load_environment(checkout, files, f"./{path}")
    manifests = build_manifests(checkout, files, environment)
    assert isinstance(environment.sources[0], kind)
    assert len(manifests.manifests) == count
    assert all(manifest.origin.file.startswith(path.partition("/")[0]) for manifest in manifests.manifests)


@pytest.mark.skipif(not REAL_REPOS.is_dir(), reason="the real repositories are not here")
@pytest.mark.parametrize(
    "path",
    ["argocd-application/my-app.yaml", "flux2-kustomize-helm-example/clusters/staging/infrastructure.yaml"],
)
def test_a_declared_application_is_not_supported_yet(path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_environment(Checkout(REAL_REPOS), RepoFiles(REAL_REPOS), path)
    assert [problem.code for problem in caught.value.problems] == [Code.CONFIG_NOT_SUPPORTED_YET]


@pytest.mark.skipif(not REAL_REPOS.is_dir(), reason="the real repositories are not here")
def test_the_plain_files_of_a_real_repository_build_as_a_directory(tmp_path: Path) -> None:
    source = REAL_REPOS / "microservices-demo" / "kubernetes-manifests"
    for path in source.glob("*service.yaml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    environment = Environment(
        name="demo",
        project="demo",
        cluster=Cluster(""),
        namespace="demo",
        sources=(DirectorySource(".", Origin("gitops-push.yaml", 1)),),
        origin=Origin("gitops-push.yaml", 1),
    )
    manifests = build_manifests(Checkout(tmp_path), RepoFiles(tmp_path), environment).manifests
    assert {manifest.ref.namespace for manifest in manifests} == {"demo"}
    assert len(manifests) > 20
