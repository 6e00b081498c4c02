from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from gitops_push.core.checkout import Checkout
from gitops_push.core.codes import Code
from gitops_push.core.environment import (
    Cluster,
    ConflictAction,
    ConflictRule,
    CredentialSource,
    DirectorySource,
    FieldRule,
    KustomizeSource,
    PruneRules,
    WaitRule,
    WaitRules,
)
from gitops_push.core.errors import ConfigError, UsageError
from gitops_push.core.field_check import FieldCheck
from gitops_push.core.objects import ObjectRef
from gitops_push.repo.config import load_config
from gitops_push.repo.environments import Asked, load_environment, load_environments
from gitops_push.repo.roots import find_config
from gitops_push.system.files import RepoFiles

Writer = Callable[..., RepoFiles]


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    def write_files(config: str = "", **_: str) -> RepoFiles:
        if config:
            (tmp_path / "gitops-push.yaml").write_text(textwrap.dedent(config))
        for path in ("apps/web/overlays/prod", "apps/web/overlays/dev", "apps/api/overlays/prod"):
            (tmp_path / path).mkdir(parents=True, exist_ok=True)
            (tmp_path / path / "kustomization.yaml").write_text("resources: []\n")
        (tmp_path / "base" / "crds").mkdir(parents=True, exist_ok=True)
        return RepoFiles(tmp_path)

    return write_files


def checkout_of(files: RepoFiles) -> Checkout:
    return Checkout(files.root, commit="1" * 40, branch="main", dirty=False, origin_url="https://example.com/acme/shop")


def errors_of(files: RepoFiles, name: str = "prod") -> list[tuple[Code, str, str]]:
    with pytest.raises(ConfigError) as caught:
        load_environment(checkout_of(files), files, name)
    return [(problem.code, str(problem.origin), problem.message) for problem in caught.value.problems]


FULL = """\
    version: 1
    project: shop-config
    defaults: {wait: {timeout: 90s, rules: [{kind: Job, timeout: 1h}]}, prune: {max: 5}, conflicts: [{action: fail}],
      sensitive: [{kind: ConfigMap, field: data.token}]}
    clusters:
      prod-eu:
        server: https://10.0.0.1:6443/
        clusterId: 5f0c
        context: admin@prod
        credentials: {env: KUBECONFIG_PROD}
      dev:
        credentials: {file: kubeconfig}
    environments:
      prod:
        cluster: prod-eu
        namespace: shop
        sources:
          - kustomize: apps/web/overlays/prod
          - directory: base/crds
            recursive: true
        external: [v1/Namespace/shop, v1/ConfigMap/env, apps/v1/Deployment/other/web, example.com/v1/Widget/x]
        protected: true
        prune: {kinds: [Namespace]}
        wait:
          soak: 1m
          rules:
            - {group: db.example.com, kind: Postgres, field: status.phase, ready: [Running], failed: ["*Failed"]}
            - {kind: Widget, timeout: 20m, conditions: [{type: Ok}, {type: Bad, ready: ["False"], failed: ["true"]}]}
            - {kind: Backup, skip: true}
        ignore: [{kind: Deployment, manager: hpa*, field: "spec.template.spec.containers[name=web].image"}]
        sensitive: [{field: spec.password}]
        conflicts:
          - {manager: hpa*, kind: Deployment, field: spec.replicas, action: yield}
          - {group: apps, namespace: shop, name: web, action: take}
    """


def test_every_key_of_an_environment_arrives(write: Writer) -> None:
    files = write(FULL)
    environment = load_environment(checkout_of(files), files, "prod")
    assert (environment.name, environment.project, environment.namespace) == ("prod", "shop-config", "shop")
    assert environment.cluster == Cluster(
        "prod-eu", "https://10.0.0.1:6443", "5f0c", "admin@prod", CredentialSource(env="KUBECONFIG_PROD")
    )
    kustomize, directory = environment.sources
    assert isinstance(kustomize, KustomizeSource)
    assert (kustomize.path, str(kustomize.origin)) == ("apps/web/overlays/prod", "gitops-push.yaml:18:20")
    assert isinstance(directory, DirectorySource)
    assert (directory.path, directory.recursive) == ("base/crds", True)
    assert environment.external == (
        ObjectRef("", "Namespace", "", "shop"),
        ObjectRef("", "ConfigMap", "shop", "env"),
        ObjectRef("apps", "Deployment", "other", "web"),
        ObjectRef("example.com", "Widget", "", "x"),
    )
    assert environment.protected
    assert environment.prune == PruneRules(max_count=5, max_percent=None, kinds=("Namespace",))
    assert environment.wait == WaitRules(
        timeout_seconds=90,
        soak_seconds=60,
        rules=(
            WaitRule(
                "db.example.com",
                "Postgres",
                field="status.phase",
                checks=(FieldCheck("status.phase", ("Running",), ("*Failed",)),),
            ),
            WaitRule(
                kind="Widget",
                checks=(
                    FieldCheck("status.conditions[type=Ok].status", ("True",)),
                    FieldCheck("status.conditions[type=Bad].status", ("False",), ("True",)),
                ),
                timeout_seconds=1200,
            ),
            WaitRule(kind="Backup", skip=True),
            WaitRule(kind="Job", timeout_seconds=3600),
        ),
    )
    assert environment.ignore == (
        FieldRule(kind="Deployment", manager="hpa*", field="spec.template.spec.containers[name=web].image"),
    )
    assert environment.conflicts == (
        ConflictRule(manager="hpa*", kind="Deployment", field="spec.replicas", action=ConflictAction.YIELD),
        ConflictRule(group="apps", namespace="shop", name="web", action=ConflictAction.TAKE),
        ConflictRule(action=ConflictAction.FAIL),
    )
    assert [rule.field for rule in environment.sensitive] == ["spec.password", "data.token"]
    assert str(environment.origin) == "gitops-push.yaml:14:3"
    assert str(environment.namespace_origin) == "gitops-push.yaml:16:16"
    assert environment.declared


def test_a_small_config_has_the_documented_defaults(write: Writer) -> None:
    files = write(
        """\
        version: 1
        environments:
          prod: {namespace: shop, sources: [{kustomize: apps/web/overlays/prod}]}
        """
    )
    environment = load_environment(checkout_of(files), files, "prod")
    assert (environment.project, environment.cluster) == ("example.com/acme/shop", Cluster(""))
    assert environment.prune == PruneRules(enabled=True, max_count=None, max_percent=20, kinds=())
    assert environment.wait.timeout_seconds == 300
    assert not environment.protected


@pytest.mark.parametrize(
    ("line", "code", "place", "message"),
    [
        pytest.param(
            "namespce: a",
            Code.CONFIG_UNKNOWN_KEY,
            "5:5",
            "unknown key 'namespce' in environments.prod (did you mean 'namespace'?)",
            id="unknown key",
        ),
        pytest.param(
            "policy: {}",
            Code.CONFIG_NOT_SUPPORTED_YET,
            "5:5",
            "environments.prod.policy is not supported yet (allowed kinds and namespaces)",
            id="a later key",
        ),
        pytest.param(
            "wait: {rules: [{kind: Widget, redy: [Up], skip: true}]}",
            Code.CONFIG_UNKNOWN_KEY,
            "5:35",
            "unknown key 'redy' in environments.prod.wait.rules[0] (did you mean 'ready'?)",
            id="an unknown key further in",
        ),
        pytest.param(
            "wait: {rules: [{kind: Widget}]}",
            Code.CONFIG_INVALID_VALUE,
            "5:20",
            "environments.prod.wait.rules[0] must have field or conditions or timeout or skip",
            id="a wait rule that says nothing",
        ),
        pytest.param(
            "wait: {rules: [{kind: Widget, ready: [Up], timeout: 1m}]}",
            Code.CONFIG_INVALID_VALUE,
            "5:35",
            "environments.prod.wait.rules[0].ready needs 'field' beside it",
            id="values of no field",
        ),
        pytest.param(
            "wait: {rules: [{field: status.phase}]}",
            Code.CONFIG_INVALID_VALUE,
            "5:20",
            "environment 'prod': a rule of wait with a field needs ready, failed or progressing beside it",
            id="a field without values",
        ),
        pytest.param(
            "wait: {rules: [{kind: Widget, skip: true, timeout: 1m}]}",
            Code.CONFIG_INVALID_VALUE,
            "5:20",
            "environment 'prod': a rule of wait that skips objects says nothing else; it has timeout",
            id="a rule that skips and waits",
        ),
        pytest.param(
            "wait: {rules: [{conditions: [{type: Ok, ready: [1]}]}]}",
            Code.CONFIG_INVALID_VALUE,
            "5:53",
            "environments.prod.wait.rules[0].conditions[0].ready[0] must be True, False or Unknown, in quotes, "
            "this is the number 1",
            id="no status of a condition",
        ),
        pytest.param(
            "wait: {timeout: 300}",
            Code.CONFIG_INVALID_VALUE,
            "5:21",
            "environments.prod.wait.timeout must be a duration, this is the number 300",
            id="a duration without a unit",
        ),
        pytest.param(
            "wait: {timeout: 0s}",
            Code.CONFIG_INVALID_VALUE,
            "5:21",
            "environments.prod.wait.timeout must be a duration, this is '0s'",
            id="no time at all",
        ),
        pytest.param(
            "prune: {max: 120%}",
            Code.CONFIG_INVALID_VALUE,
            "5:18",
            "environments.prod.prune.max must be a number of objects or a percentage, this is '120%'",
            id="more than all",
        ),
        pytest.param(
            "protected: yes",
            Code.CONFIG_INVALID_VALUE,
            "5:16",
            "environments.prod.protected must be true or false, this is 'yes'",
            id="yes is a text",
        ),
        pytest.param(
            "external: v1/Namespace/shop",
            Code.CONFIG_INVALID_VALUE,
            "5:15",
            "environments.prod.external must be a list, this is 'v1/Namespace/shop'",
            id="no list",
        ),
        pytest.param(
            "external: [Namespace/shop]",
            Code.CONFIG_INVALID_VALUE,
            "5:16",
            "environments.prod.external[0] must be an object, as VERSION/KIND/NAME or VERSION/KIND/NAMESPACE/NAME, "
            "this is 'Namespace/shop'",
            id="external without a version",
        ),
        pytest.param(
            "ignore: [{kind: Secret}]",
            Code.CONFIG_INVALID_VALUE,
            "5:14",
            "environments.prod.ignore[0] must have manager or field",
            id="a rule that ignores everything",
        ),
        pytest.param(
            "ignore: [{field: 'a[b'}]",
            Code.CONFIG_INVALID_VALUE,
            "5:22",
            "environment 'prod': 'a[b' is no field path: ",
            id="a broken field path",
        ),
        pytest.param(
            "cluster: prd",
            Code.CONFIG_INVALID_VALUE,
            "5:14",
            "environment 'prod' names the cluster 'prd', which is not defined (did you mean 'prod-eu'?)",
            id="an unknown cluster",
        ),
        pytest.param(
            "protected:",
            Code.CONFIG_INVALID_VALUE,
            "5:15",
            "environments.prod.protected must be true or false, this is empty",
            id="an empty value",
        ),
    ],
)
def test_a_wrong_line_of_an_environment_is_reported_in_its_place(
    write: Writer, line: str, code: Code, place: str, message: str
) -> None:
    files = write(
        f"""\
        version: 1
        environments:
          prod:
            namespace: shop
            {line}
            sources: [{{kustomize: apps/web/overlays/prod}}]
        clusters: {{prod-eu: {{}}, dev: {{}}}}
        """
    )
    [(found_code, found_place, found_message)] = errors_of(files)
    assert (found_code, found_place) == (code, f"gitops-push.yaml:{place}")
    assert found_message.startswith(message)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{helm: {chart: charts/api}}", "environments.prod.sources[0].helm has no 'releaseName'"),
        ("{helm: {chart: none, releaseName: api}}", "environment 'prod': there is no none"),
        ("{helm: {chart: base/crds, releaseName: api}}", "environment 'prod': base/crds has no Chart.yaml"),
        ("{argocd: a.yaml}", "environments.prod.sources[0].argocd is not supported yet (an Argo CD Application)"),
        ("{flux: a.yaml}", "environments.prod.sources[0].flux is not supported yet (a Flux Kustomization)"),
        ("{}", "environments.prod.sources[0] must have exactly one of kustomize, directory, helm; it has none"),
        (
            "{kustomize: a, directory: b}",
            "environments.prod.sources[0] must have exactly one of kustomize, directory, helm; it has kustomize and",
        ),
        ("{kustomize: a, recursive: true}", "environments.prod.sources[0].recursive needs 'directory' beside it"),
        ("{kustomize: apps/none}", "environment 'prod': there is no apps/none"),
        ("{kustomize: base/crds}", "environment 'prod': base/crds has no kustomization"),
        (
            "{directory: ../secrets}",
            "environment 'prod': cannot read ./../secrets: the path leads out of the config repo",
        ),
        (
            "{directory: /etc}",
            "environments.prod.sources[0].directory must be a path relative to this file, this is '/etc'",
        ),
    ],
)
def test_a_wrong_source_is_reported(write: Writer, source: str, message: str) -> None:
    files = write(f"version: 1\nenvironments: {{prod: {{namespace: shop, sources: [{source}]}}}}\n")
    [(_, place, found)] = errors_of(files)
    assert found.startswith(message)
    assert place.startswith("gitops-push.yaml:2:")


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("{keyring: prod}", CredentialSource(keyring="prod")),
        ("{serviceAccountToken: {tokenEnv: T, caEnv: C}}", CredentialSource(token_env="T", ca_env="C")),
        ("{inCluster: true}", CredentialSource(in_cluster=True)),
        ("{inCluster: false}", None),
        ("{env: KC, exec: [aws, /opt/kubelogin]}", CredentialSource(env="KC", exec=("aws", "/opt/kubelogin"))),
    ],
)
def test_every_source_of_a_credential_is_read(write: Writer, text: str, source: CredentialSource | None) -> None:
    files = write(f"version: 1\nclusters: {{prod: {{credentials: {text}}}}}\n")
    assert load_config(files, "gitops-push.yaml").clusters["prod"].credentials == source


@pytest.mark.parametrize(
    "text", ["{serviceAccountToken: {tokenEnv: T}}", "{env: A, keyring: b}", "{exec: [aws]}", "{keyring: 'a b'}"]
)
def test_a_source_of_a_credential_that_makes_no_sense_is_refused(write: Writer, text: str) -> None:
    files = write(f"version: 1\nclusters: {{prod: {{credentials: {text}}}}}\n")
    with pytest.raises(ConfigError):
        load_config(files, "gitops-push.yaml")


def test_all_mistakes_are_listed_at_once(write: Writer) -> None:
    files = write("vresion: 1\nenvironments:\n  Prod: {}\n  dev: {sources: []}\nclusters: []\n")
    assert [place for _, place, _ in errors_of(files)] == [
        "gitops-push.yaml:1:1",
        "gitops-push.yaml:3:3",
        "gitops-push.yaml:4:18",
        "gitops-push.yaml:5:11",
        "gitops-push.yaml:1:1",
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("a: [", Code.YAML_INVALID, id="broken YAML"),
        pytest.param("version: 1\nversion: 1\n", Code.YAML_DUPLICATE_KEY, id="a key twice"),
        pytest.param("- a\n", Code.CONFIG_INVALID_VALUE, id="a list"),
    ],
)
def test_a_text_that_is_no_config_is_a_config_error(write: Writer, text: str, code: Code) -> None:
    [(found, place, _)] = errors_of(write(text))
    assert found is code
    assert place.startswith("gitops-push.yaml:")


def test_an_environment_needs_a_namespace(write: Writer) -> None:
    files = write("version: 1\nenvironments: {prod: {sources: [{kustomize: apps/web/overlays/prod}]}}\n")
    assert [message for _, _, message in errors_of(files)] == ["environment 'prod': it has no namespace"]


def test_an_unknown_environment_is_reported_with_a_suggestion(write: Writer) -> None:
    [(code, _, message)] = errors_of(write(FULL), "prdo")
    assert code is Code.ENVIRONMENT_UNKNOWN
    assert "did you mean 'prod'?" in message


def test_included_files_bring_clusters_and_environments_and_inherit(write: Writer, tmp_path: Path) -> None:
    files = write(
        """\
        version: 1
        project: shop
        include: ["teams/*/gitops-push.yaml"]
        defaults: {namespace: shared, wait: {timeout: 1m}}
        clusters: {prod: {}}
        """
    )
    team = tmp_path / "teams" / "a"
    (team / "app").mkdir(parents=True)
    (team / "gitops-push.yaml").write_text(
        textwrap.dedent(
            """\
            version: 1
            defaults: {cluster: prod}
            clusters: {dev: {credentials: {file: kubeconfig}}, test: {credentials: {file: ~/kubeconfig}}}
            environments:
              team-a: {sources: [{directory: app}]}
            """
        )
    )
    config = load_config(files, "gitops-push.yaml")
    assert config.files == ("gitops-push.yaml", "teams/a/gitops-push.yaml")
    assert config.clusters["dev"].credentials == CredentialSource(file="teams/a/kubeconfig")
    assert config.clusters["test"].credentials == CredentialSource(file="~/kubeconfig")
    environment = load_environment(checkout_of(files), files, "team-a")
    assert (environment.project, environment.namespace, environment.cluster.name) == ("shop", "shared", "prod")
    assert environment.wait.timeout_seconds == 60
    assert environment.sources[0].path == "teams/a/app"


def test_a_name_in_two_files_is_an_error_that_names_both(write: Writer, tmp_path: Path) -> None:
    files = write("version: 1\ninclude: [other.yaml]\nclusters: {prod: {}}\n")
    (tmp_path / "other.yaml").write_text("version: 1\nclusters: {prod: {}}\n")
    [(_, place, message)] = errors_of(files)
    assert place == "other.yaml:2:12"
    assert message == ("cluster 'prod' is defined twice: first at gitops-push.yaml:3:12, again at other.yaml:2:12")


@pytest.mark.parametrize(
    ("include", "message"),
    [
        ("none.yaml", "there is no file 'none.yaml' of include"),
        ("none/*.yaml", "no file matches 'none/*.yaml' of include"),
        ("../x.yaml", "cannot read ./../x.yaml: the path leads out of the config repo"),
    ],
)
def test_an_include_that_finds_nothing_is_an_error(write: Writer, include: str, message: str) -> None:
    [(_, place, found)] = errors_of(write(f"version: 1\ninclude: [{include}]\n"))
    assert place == "gitops-push.yaml:2:11"
    assert found.startswith(message)


def test_files_that_include_each_other_are_read_once(write: Writer, tmp_path: Path) -> None:
    files = write("version: 1\ninclude: ['**/*.yaml']\nenvironments: {}\n")
    for path in (tmp_path / "apps").rglob("kustomization.yaml"):
        path.unlink()
    (tmp_path / "other.yaml").write_text("version: 1\ninclude: [gitops-push.yaml, other.yaml]\n")
    assert load_config(files, "gitops-push.yaml").files == ("gitops-push.yaml", "other.yaml")


PATTERN = """\
    version: 1
    clusters: {prod-eu: {}, dev-eu: {}}
    environments:
      "{app}-{env}":
        match: apps/{app}/overlays/{env}
        cluster: "{env}-eu"
        namespace: "{app}"
        external: ["v1/Namespace/{app}"]
    """


def test_a_pattern_makes_an_environment_of_every_match(write: Writer) -> None:
    files = write(PATTERN)
    config = load_config(files, "gitops-push.yaml")
    found = load_environments(checkout_of(files), files, config)
    assert [(item.name, item.cluster.name, item.namespace, item.sources[0].path) for item in found] == [
        ("api-prod", "prod-eu", "api", "apps/api/overlays/prod"),
        ("web-dev", "dev-eu", "web", "apps/web/overlays/dev"),
        ("web-prod", "prod-eu", "web", "apps/web/overlays/prod"),
    ]
    assert found[0].external == (ObjectRef("", "Namespace", "", "api"),)


def test_a_pattern_finds_one_environment_by_name(write: Writer) -> None:
    files = write(PATTERN)
    environment = load_environment(checkout_of(files), files, "web-dev")
    assert isinstance(environment.sources[0], KustomizeSource)
    assert [code for code, _, _ in errors_of(files, "web-qa")] == [Code.ENVIRONMENT_UNKNOWN]


def test_a_pattern_may_name_its_sources(write: Writer) -> None:
    files = write(PATTERN + '    sources: [{directory: base/crds}, {kustomize: "apps/{app}/overlays/{env}"}]\n')
    environment = load_environment(checkout_of(files), files, "api-prod")
    assert [source.path for source in environment.sources] == ["base/crds", "apps/api/overlays/prod"]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"{app}-{env}":', '"{app}-{stage}":', "'{app}-{stage}' uses {stage}, which is not in its match"),
        ('namespace: "{app}"', 'namespace: "{ap}"', "environment 'web-prod': {ap} is not in its match"),
        (
            'cluster: "{env}-eu"',
            'cluster: "{env}-us"',
            "environment 'web-prod' names the cluster 'prod-us', which is not defined",
        ),
        ('"{app}-{env}":', '"{env}":', None),
    ],
)
def test_a_wrong_pattern_is_reported(write: Writer, before: str, after: str, message: str | None) -> None:
    found = errors_of(write(PATTERN.replace(before, after)), "web-prod" if message else "prod")
    expected = (
        message or "environment 'prod' is there twice: '{env}' at gitops-push.yaml:4:3 for apps/api/overlays/prod"
    )
    assert found[0][2].startswith(expected)


def test_a_name_and_a_pattern_that_meet_are_an_error(write: Writer) -> None:
    files = write(PATTERN + "  web-prod: {namespace: a, sources: [{directory: base/crds}]}\n")
    [(_, _, message)] = errors_of(files, "web-prod")
    assert message.startswith("environment 'web-prod' is there twice")
    assert load_environment(checkout_of(files), files, "web-dev").name == "web-dev"


def test_a_path_works_without_any_config(write: Writer) -> None:
    files = write()
    environment = load_environment(checkout_of(files), files, "./apps/web/overlays/prod")
    assert environment.name == "path.apps.web.overlays.prod"
    assert (environment.namespace, environment.cluster, environment.declared) == ("default", Cluster(""), False)
    assert isinstance(environment.sources[0], KustomizeSource)


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        pytest.param(Asked("apps/web/overlays/prod"), "apps/web/overlays/prod", id="without a dot"),
        pytest.param(Asked("../prod", folder="apps/web/overlays/dev"), "apps/web/overlays/prod", id="from a folder"),
        pytest.param(Asked(".", folder="apps/web/overlays/dev"), "apps/web/overlays/dev", id="the current folder"),
        pytest.param(Asked("./apps/web/overlays/prod/"), "apps/web/overlays/prod", id="with a slash at the end"),
        pytest.param(
            Asked("apps/web/overlays/prod/kustomization.yaml"), "apps/web/overlays/prod", id="the kustomization itself"
        ),
    ],
)
def test_paths_count_from_the_current_folder(write: Writer, asked: Asked, path: str) -> None:
    files = write()
    assert load_environment(checkout_of(files), files, asked).sources[0].path == path


def test_an_absolute_path_works_inside_the_repo_only(write: Writer, tmp_path: Path) -> None:
    files = write()
    environment = load_environment(checkout_of(files), files, str(tmp_path / "base" / "crds"))
    assert environment.sources[0] == DirectorySource("base/crds", environment.origin)
    with pytest.raises(ConfigError, match="is not in the repo"):
        load_environment(checkout_of(files), files, "/etc")


def test_a_name_of_the_config_wins_over_a_path(write: Writer) -> None:
    files = write("version: 1\nenvironments: {base: {namespace: a, sources: [{kustomize: apps/web/overlays/prod}]}}\n")
    assert load_environment(checkout_of(files), files, "base").declared
    assert not load_environment(checkout_of(files), files, "./base").declared


def test_the_namespace_option_holds_for_paths_only(write: Writer) -> None:
    files = write(FULL)
    checkout = checkout_of(files)
    assert load_environment(checkout, files, Asked("prod", namespace="shop")).namespace == "shop"
    with pytest.raises(UsageError, match="--namespace other cannot move it"):
        load_environment(checkout, files, Asked("prod", namespace="other"))
    assert load_environment(checkout, files, Asked("./base/crds", namespace="other")).namespace == "other"


def test_the_config_is_found_upward(write: Writer, tmp_path: Path) -> None:
    files = write(FULL)
    (tmp_path / "apps" / "web" / ".gitops-push.yaml").write_text("version: 1\n")
    assert find_config(files, "apps/web/overlays/prod") == "apps/web/.gitops-push.yaml"
    assert find_config(files, "base/crds") == "gitops-push.yaml"
    assert find_config(files, ".") == "gitops-push.yaml"


@pytest.mark.parametrize("named", ["../config/other.yaml", "{root}/config/other.yaml"])
def test_a_config_that_is_named_is_used_alone(write: Writer, tmp_path: Path, named: str) -> None:
    files = write(FULL)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "other.yaml").write_text(
        "version: 1\nenvironments: {qa: {namespace: a, sources: [{directory: ../base/crds}]}}\n"
    )
    asked = Asked("qa", folder="apps", config=named.format(root=tmp_path))
    assert load_environment(checkout_of(files), files, asked).sources[0].path == "base/crds"


@pytest.mark.parametrize("named", ["none.yaml", "../../x.yaml", "/etc/passwd"])
def test_a_config_that_is_named_must_be_in_the_repo(write: Writer, named: str) -> None:
    files = write(FULL)
    with pytest.raises(ConfigError) as caught:
        load_environment(checkout_of(files), files, Asked("prod", config=named))
    assert [problem.code for problem in caught.value.problems] == [Code.CONFIG_UNREADABLE]


def test_without_config_and_path_the_error_says_what_to_do(write: Writer) -> None:
    [(code, _, message)] = errors_of(write())
    assert (code, message) == (Code.ENVIRONMENT_UNKNOWN, "there is no gitops-push.yaml, and no path 'prod'")
