from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.checkout import Checkout
from gitops_push.core.codes import Code
from gitops_push.core.environment import DirectorySource, KustomizeSource
from gitops_push.core.errors import ConfigError
from gitops_push.core.names import wrong_subdomain
from gitops_push.repo.config import load_config
from gitops_push.repo.config_grammar import ENVIRONMENT_NAME
from gitops_push.repo.config_reader import matches
from gitops_push.repo.discovery import CandidateKind, find_candidates, path_environment, path_name
from gitops_push.repo.environments import load_environments
from gitops_push.repo.initial_config import initial_config
from gitops_push.system.files import RepoFiles

OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


def repo(root: Path, files: dict[str, str]) -> RepoFiles:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return RepoFiles(root)


def kustomization(*resources: str, namespace: str = "", kind: str = "Kustomization") -> str:
    lines = [f"kind: {kind}", "resources:", *(f"- {path}" for path in resources)]
    return "\n".join([*lines, f"namespace: {namespace}"] if namespace else lines) + "\n"


TWO_APPS = {
    "apps/web/base/kustomization.yaml": kustomization("web.yaml"),
    "apps/web/base/web.yaml": OBJECT,
    "apps/web/overlays/dev/kustomization.yaml": kustomization("../../base", namespace="web"),
    "apps/web/overlays/prod/kustomization.yaml": kustomization("../../base", namespace="web"),
    "apps/web/overlays/prod/patches/scale.yaml": OBJECT,
    "apps/api/overlays/prod/kustomization.yaml": kustomization("../../../web/base", namespace="api"),
    "components/tls/kustomization.yaml": kustomization(kind="Component"),
    "charts/db/Chart.yaml": "name: db\n",
    "charts/db/templates/a.yaml": OBJECT,
    "crds/a.yaml": OBJECT,
    ".github/workflows/ci.yaml": "on: push\n",
    "values/prod.yaml": "replicas: 3\n",
}


def test_overlays_bases_components_charts_and_directories_are_told_apart(tmp_path: Path) -> None:
    found = {item.path: (item.kind, item.namespace, item.is_base) for item in find_candidates(repo(tmp_path, TWO_APPS))}
    assert found == {
        "apps/api/overlays/prod": (CandidateKind.KUSTOMIZATION, "api", False),
        "apps/web/base": (CandidateKind.KUSTOMIZATION, "", True),
        "apps/web/overlays/dev": (CandidateKind.KUSTOMIZATION, "web", False),
        "apps/web/overlays/prod": (CandidateKind.KUSTOMIZATION, "web", False),
        "charts/db": (CandidateKind.CHART, "", False),
        "components/tls": (CandidateKind.COMPONENT, "", False),
        "crds": (CandidateKind.DIRECTORY, "", False),
    }


def test_a_path_takes_the_namespace_of_its_kustomization(tmp_path: Path) -> None:
    environment = path_environment(repo(tmp_path, TWO_APPS), "apps/api/overlays/prod", "", "shop")
    assert (environment.namespace, str(environment.namespace_origin)) == (
        "api",
        "apps/api/overlays/prod/kustomization.yaml:4:12",
    )
    assert isinstance(environment.sources[0], KustomizeSource)


def test_a_path_to_manifests_is_a_directory_in_the_default_namespace(tmp_path: Path) -> None:
    files = repo(tmp_path, TWO_APPS)
    for path in ("crds", "crds/a.yaml"):
        environment = path_environment(files, path, "", "shop")
        assert isinstance(environment.sources[0], DirectorySource)
        assert (environment.namespace, environment.sources[0].path) == ("default", path)


def test_a_path_to_a_chart_is_not_supported_yet(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        path_environment(repo(tmp_path, TWO_APPS), "charts/db", "", "shop")
    assert caught.value.problems[0].code is Code.CONFIG_NOT_SUPPORTED_YET


@pytest.mark.parametrize("namespace", ["Shop", "a/b", "a#b", "-"])
def test_a_namespace_that_cannot_be_one_is_refused(tmp_path: Path, namespace: str) -> None:
    with pytest.raises(ConfigError):
        path_environment(repo(tmp_path, TWO_APPS), "crds", namespace, "shop")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("apps/web/overlays/prod", "path.apps.web.overlays.prod"),
        ("crds", "path.crds"),
        (".", r"path\.[0-9a-f]{10}"),
        ("Apps/Web", r"path\.apps.web-[0-9a-f]{10}"),
        ("a.b/c", r"path\.a-b.c-[0-9a-f]{10}"),
        ("apps/" + "x" * 80, r"path\.x{40}-[0-9a-f]{10}"),
    ],
)
def test_a_path_gives_a_readable_name(path: str, name: str) -> None:
    assert re.fullmatch(name, path_name(path))


paths = st.lists(st.text(alphabet="aB.-_ ü", min_size=1, max_size=4), min_size=1, max_size=4).map("/".join)


@given(paths, paths)
def test_names_of_paths_are_dns_names_and_never_meet(one: str, other: str) -> None:
    assert wrong_subdomain(path_name(one)) is None
    assert len(path_name(one)) <= 63
    assert not matches(path_name(one), ENVIRONMENT_NAME.pattern)
    assert (path_name(one) == path_name(other)) == (one == other)


def loaded(files: RepoFiles, text: str) -> dict[str, tuple[str, str, str]]:
    (Path(files.root) / "gitops-push.yaml").write_text(text)
    with_config = RepoFiles(files.root)
    checkout = Checkout(files.root)
    found = load_environments(checkout, with_config, load_config(with_config, "gitops-push.yaml"))
    return {item.name: (item.sources[0].path, item.namespace, item.cluster.name) for item in found}


def test_several_apps_become_one_pattern(tmp_path: Path) -> None:
    files = repo(tmp_path, TWO_APPS)
    text = initial_config(Checkout(tmp_path, origin_url="https://example.com/acme/shop.git"), files)
    assert 'match: "apps/{app}/overlays/{env}"' in text
    assert "project: example.com/acme/shop" in text
    assert "KUBECONFIG_PROD" in text
    assert "charts/db" in text
    assert loaded(files, text) == {
        "api-prod": ("apps/api/overlays/prod", "api", "prod"),
        "crds": ("crds", "default", "default"),
        "web-dev": ("apps/web/overlays/dev", "web", "dev"),
        "web-prod": ("apps/web/overlays/prod", "web", "prod"),
    }


def test_the_overlays_of_one_app_become_environments_of_their_names(tmp_path: Path) -> None:
    files = repo(tmp_path, {path: text for path, text in TWO_APPS.items() if path.startswith("apps/web")})
    text = initial_config(Checkout(tmp_path), files)
    assert loaded(files, text) == {
        "dev": ("apps/web/overlays/dev", "web", "dev"),
        "prod": ("apps/web/overlays/prod", "web", "prod"),
    }
    assert "protected: true" in text


def test_an_odd_directory_beside_the_overlays_keeps_the_apps_apart(tmp_path: Path) -> None:
    files = repo(tmp_path, {**TWO_APPS, "apps/web/overlays/Old/readme.txt": "old"})
    found = loaded(files, initial_config(Checkout(tmp_path), files))
    assert sorted(found) == ["api-prod", "crds", "web-dev", "web-prod"]


def test_namespaces_that_must_be_there_already_are_declared(tmp_path: Path) -> None:
    files = repo(tmp_path, {"crds/a.yaml": OBJECT.replace("name: a", "name: a, namespace: monitoring")})
    text = initial_config(Checkout(tmp_path), files)
    assert "- v1/Namespace/monitoring" in text
    assert loaded(files, text) == {"crds": ("crds", "default", "default")}


def test_a_source_that_does_not_build_is_marked(tmp_path: Path) -> None:
    files = repo(tmp_path, {"web/kustomization.yaml": kustomization("none.yaml")})
    assert "does not build yet" in initial_config(Checkout(tmp_path), files)


def test_declared_applications_are_mentioned_and_left_out(tmp_path: Path) -> None:
    declared = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\n"
    files = repo(tmp_path, {"argocd/a.yaml": declared, "crds/a.yaml": OBJECT})
    text = initial_config(Checkout(tmp_path), files)
    assert "# Declared applications were found, and are not supported yet: argocd" in text
    assert sorted(loaded(files, text)) == ["crds"]


def test_a_kustomization_without_objects_is_mentioned_and_left_out(tmp_path: Path) -> None:
    files = repo(tmp_path, {"web/kustomization.yaml": kustomization("none.yaml"), "web/none.yaml": "# later\n"})
    text = initial_config(Checkout(tmp_path), files)
    assert "# Left out, because there are no objects in them: web" in text
    assert loaded(files, text) == {}


def test_a_stage_anywhere_in_a_path_chooses_the_cluster(tmp_path: Path) -> None:
    paths = ("clusters/production/monitoring/kustomization.yaml", "clusters/staging/monitoring/kustomization.yaml")
    tree = {path: kustomization("a.yaml") for path in paths}
    files = repo(tmp_path, tree | {path.replace("kustomization", "a"): OBJECT for path in paths})
    found = loaded(files, initial_config(Checkout(tmp_path), files))
    assert sorted(cluster for _, _, cluster in found.values()) == ["production", "staging"]


def test_folders_of_one_name_are_named_by_their_paths(tmp_path: Path) -> None:
    files = repo(tmp_path, {"a/crds/a.yaml": OBJECT, "b/crds/a.yaml": OBJECT})
    assert sorted(loaded(files, initial_config(Checkout(tmp_path), files))) == ["a-crds", "b-crds"]


def test_an_empty_repo_gives_a_config_that_says_so(tmp_path: Path) -> None:
    files = RepoFiles(tmp_path)
    text = initial_config(Checkout(tmp_path), files)
    assert "Nothing to deploy was found" in text
    assert loaded(files, text) == {}


segments = st.sampled_from(
    ["apps", "web", "api", "overlays", "prod", "dev", "Old", "a b", "1", "true", "{x}", 'q"', "base", "ü"]
)
trees = st.dictionaries(
    st.lists(segments, max_size=4).map(lambda parts: "/".join((*parts, ""))),
    st.sampled_from(["kustomization", "plain", "chart", "component"]),
    max_size=6,
)
CONTENT = {
    "kustomization": {"kustomization.yaml": kustomization("a.yaml", namespace="shop"), "a.yaml": OBJECT},
    "plain": {"a.yaml": OBJECT},
    "chart": {"Chart.yaml": "name: x\n"},
    "component": {"kustomization.yaml": kustomization(kind="Component")},
}


@given(trees)
def test_what_init_writes_loads(tmp_path_factory: pytest.TempPathFactory, tree: dict[str, str]) -> None:
    root = tmp_path_factory.mktemp("repo")
    files = repo(root, {f"{path}{name}": text for path, kind in tree.items() for name, text in CONTENT[kind].items()})
    deployable = {item.path for item in find_candidates(files) if item.kind in {"kustomization", "directory"}}
    found = loaded(files, initial_config(Checkout(root), files))
    assert {path for path, _, _ in found.values()} == deployable
