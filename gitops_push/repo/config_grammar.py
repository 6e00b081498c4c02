"""The grammar of gitops-push.yaml: every key, its type, and what it means. The only place where they are written."""

from __future__ import annotations

from typing import Final

from gitops_push.core.durations import DURATION_EXAMPLES, DURATION_PATTERN
from gitops_push.core.takeovers import OWNER_EXAMPLES, OWNER_FORMS, OWNER_PATTERN
from gitops_push.repo.grammar import Brief, Either, Field, Free, ListOf, Named, Number, Record, Switch, Text
from gitops_push.repo.placeholders import PLACEHOLDER

_LABEL: Final = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_VERSION: Final = r"v[0-9]+(?:(?:alpha|beta)[0-9]+)?"

DURATION = Text("a duration", DURATION_PATTERN, DURATION_EXAMPLES)
PERCENT = Text("a number of objects or a percentage", r"(?:100|[1-9]?[0-9])%", ("10", "20%"))
RELATIVE_PATH = Text("a path relative to this file", r"(?!/)[^\\\x00-\x1f]*[^\\\x00-\x20]", ("apps/web/overlays/prod",))
FILE_PATH = Text("a path", r"[^\x00-\x1f]*[^\x00-\x20]", ("kubeconfig", "~/.kube/config"))
KIND = Text("a kind", r"[A-Z][A-Za-z0-9]*", ("Namespace",))
KEYRING_NAME = Text("a name", r"[A-Za-z0-9](?:[-A-Za-z0-9._]{0,61}[A-Za-z0-9])?", ("prod",))
PROGRAM = Text("a program: its name, or its absolute path", r"/?[A-Za-z0-9][-A-Za-z0-9._/+]*", ("aws", "kubelogin"))
SERVER = Text("an https URL", r"https://[^\s/?#@\\]+(?:/[^\s?#]*)?", ("https://10.0.0.1:6443",))
VARIABLE = Text("the name of an environment variable", r"[A-Za-z_][A-Za-z0-9_]*", ("KUBECONFIG_PROD",))
PROJECT = Text("a project name", r"[A-Za-z0-9](?:[-A-Za-z0-9._/]{0,251}[A-Za-z0-9])?", ("shop-config",))
FIELD_PATH = Text("a field path", like=("spec.replicas", "spec.template.spec.containers[name=web].image"))
ANY_NAME = Text("a name; * and ? stand for anything", like=("web-*",))

FIELD_VALUE = Text("a value; * and ? stand for anything", like=("Running", "*Failed"))
CONDITION_TYPE = Text("the type of a condition", like=("Synced",))
CONDITION_STATUS = Text("True, False or Unknown, in quotes", r"[Tt]rue|[Ff]alse|[Uu]nknown", ("True", "False"))

CONFLICT_ACTION = Text("take, yield or fail", r"take|yield|fail", ("take", "yield", "fail"))
COMMIT_ORDER = Text("ancestor or off", r"ancestor|off", ("ancestor", "off"))
ADDED_FIELDS = Text("keep or remove", r"keep|remove", ("keep", "remove"))
BUILDER = Text("native, kustomize or kubectl", r"native|kustomize|kubectl", ("native", "kustomize"))
REORDER = Text("legacy or none", r"legacy|none", ("none",))
LOAD_RESTRICTOR = Text("rootOnly or none", r"rootOnly|none", ("none",))
VERSION_WORD = Text("a version", r"v?[0-9]+\.[0-9][-+.0-9A-Za-z]*", ("1.34.0",))
OWNER = Text(f"an owner: {OWNER_FORMS}", OWNER_PATTERN, OWNER_EXAMPLES)
RELEASE_NAME = Text(
    "a release name (lower-case letters, digits and '-', at most 53)", r"[a-z0-9](?:[-a-z0-9]{0,51}[a-z0-9])?", ("api",)
)
API_VERSION = Text("an API version", r"[a-z0-9][-./a-zA-Z0-9]*", ("monitoring.coreos.com/v1",))

CLUSTER_NAME = Text("a cluster name", r"[A-Za-z0-9](?:[-A-Za-z0-9._]*[A-Za-z0-9])?", ("prod-eu",))
ENVIRONMENT_NAME = Text(
    "an environment name (lower-case letters, digits, '-' and '.', at most 63)",
    r"(?!path\.)[a-z0-9](?:[-a-z0-9.]{0,61}[a-z0-9])?",
    ("prod",),
)
NAMESPACE = Text("a namespace name", _LABEL, ("shop",))
EXTERNAL = Text(
    "an object, as VERSION/KIND/NAME or VERSION/KIND/NAMESPACE/NAME",
    rf"(?:[a-z0-9][-a-z0-9.]*/)?{_VERSION}/[A-Z][A-Za-z0-9]*/(?:[-a-z0-9]+/)?[^/%?#\s]+",
    ("v1/Namespace/shop", "apps/v1/Deployment/shop/web"),
)

PATTERN_NAME = Text(
    "an environment name with placeholders",
    rf"(?!path\.)[-a-z0-9.]*{PLACEHOLDER}(?:[-a-z0-9.]|{PLACEHOLDER})*",
    ("{app}-{env}",),
)
PATTERN_CLUSTER = Text("a cluster name, maybe with placeholders", rf"(?:[-A-Za-z0-9._]|{PLACEHOLDER})+", ("{env}-eu",))
PATTERN_NAMESPACE = Text("a namespace name, maybe with placeholders", rf"(?:[-a-z0-9]|{PLACEHOLDER})+", ("{app}",))
PATTERN_DEPENDENCY = Text(
    "an environment name, maybe with placeholders", rf"(?!path\.)(?:[-a-z0-9.]|{PLACEHOLDER})+", ("infra-{env}",)
)
PATTERN_EXTERNAL = Text(
    "an object, as VERSION/KIND/NAME or VERSION/KIND/NAMESPACE/NAME",
    rf"(?:[a-z0-9][-a-z0-9.]*/)?{_VERSION}/[A-Z][A-Za-z0-9]*/(?:(?:[-a-z0-9]|{PLACEHOLDER})+/)?[^/%?#\s]+",
    ("v1/Namespace/{app}",),
)

_RULE_FIELDS: Final = (
    Field("group", ANY_NAME, 'API group; `""` cannot be written, leave the key out for all groups'),
    Field("kind", ANY_NAME, "kind"),
    Field("namespace", ANY_NAME, "namespace"),
    Field("name", ANY_NAME, "name of the object"),
)
_PATH_FIELD: Final = Field("field", FIELD_PATH, "field, list items by their key: `spec.containers[name=web].image`")

IGNORE_RULE = Record(
    (*_RULE_FIELDS, Field("manager", ANY_NAME, "field manager that set the live value"), _PATH_FIELD),
    at_least_one=("manager", "field"),
)
CONFLICT_RULE = Record(
    (
        *_RULE_FIELDS,
        Field("manager", ANY_NAME, "field manager that has the field"),
        _PATH_FIELD,
        Field("action", CONFLICT_ACTION, "make it ours, leave it to that manager, or refuse to apply", required=True),
    )
)
RECREATE_RULE = Record(_RULE_FIELDS, at_least_one=("group", "kind", "namespace", "name"))
SENSITIVE_RULE = Record((*_RULE_FIELDS, Field("field", FIELD_PATH, _PATH_FIELD.text, required=True)))

PRUNE = Record(
    (
        Field("enabled", Switch(), "delete what is no longer in the set", default="true"),
        Field("max", Either(Number(), PERCENT), "most objects of one run; three are always allowed", default="20%"),
        Field("kinds", ListOf(KIND), "kinds to delete that are kept otherwise: Namespace, CustomResourceDefinition, …"),
    )
)
WAIT_CONDITION = Record(
    (
        Field("type", CONDITION_TYPE, "which condition", required=True),
        Field("ready", ListOf(CONDITION_STATUS, minimum=1), "statuses that mean ready", default='`["True"]`'),
        Field("failed", ListOf(CONDITION_STATUS, minimum=1), "statuses that mean failed for good"),
        Field("progressing", ListOf(CONDITION_STATUS, minimum=1), "statuses that mean not ready yet"),
    )
)
_VALUES: Final = ListOf(FIELD_VALUE, minimum=1)
WAIT_RULE = Record(
    (
        *_RULE_FIELDS,
        Field("field", FIELD_PATH, "field of the live object whose value says how it is: `status.phase`"),
        Field("ready", _VALUES, "values that mean ready", default="all that are not named", needs="field"),
        Field("failed", _VALUES, "values that mean failed for good", needs="field"),
        Field("progressing", _VALUES, "values that mean not ready yet", needs="field"),
        Field("conditions", ListOf(WAIT_CONDITION, minimum=1), "conditions that say how it is; all must be ready"),
        Field("timeout", DURATION, "how long to wait for these objects", default="`wait.timeout`"),
        Field("skip", Switch(), "do not wait for these objects", default="false"),
    ),
    at_least_one=("field", "conditions", "timeout", "skip"),
)
WAIT = Record(
    (
        Field("timeout", DURATION, "how long to wait until all is healthy", default="5m"),
        Field("soak", DURATION, "how long it must stay healthy before anything is deleted", default="none"),
        Field("rules", ListOf(WAIT_RULE), "how the health of objects is read, and how long it is waited for"),
    )
)
KUSTOMIZE = Record(
    (
        Field("path", RELATIVE_PATH, "directory with a kustomization", required=True),
        Field("builder", BUILDER, "who builds; the programs are looked for on the PATH", default="native"),
        Field(
            "reorder", REORDER, "order of the objects where the kustomization has no `sortOptions`", default="legacy"
        ),
        Field(
            "loadRestrictor",
            LOAD_RESTRICTOR,
            "`none` lets a kustomization name files outside its own directory, anywhere in the repo",
            default="rootOnly",
        ),
        Field("enableHelm", Switch(), "`helmCharts` are rendered by the `helm` on the PATH", default="false"),
        Field("helmKubeVersion", VERSION_WORD, "version of Kubernetes that charts are told"),
        Field("helmApiVersions", ListOf(API_VERSION), "API versions that charts are told"),
        Field(
            "enableExec", ListOf(RELATIVE_PATH), "programs in the repo that may run as KRM functions", default="none"
        ),
        Field("gitOutside", Switch(), "`file://` bases may be git repositories outside the repo", default="false"),
    )
)
HELM = Record(
    (
        Field("chart", RELATIVE_PATH, "directory of a chart, or an archive of one", required=True),
        Field("releaseName", RELEASE_NAME, "name of the release, which charts put into names", required=True),
        Field("namespace", NAMESPACE, "namespace of the release", default="the environment's"),
        Field("values", ListOf(RELATIVE_PATH), "files of values, later ones winning"),
        Field("valuesInline", Free(), "values that win over those of the files"),
        Field("kubeVersion", VERSION_WORD, "version of Kubernetes that the chart is told", default="helm's own"),
        Field("apiVersions", ListOf(API_VERSION), "API versions that the chart is told, besides Kubernetes' own"),
        Field("crds", Switch(), "the definitions in the chart's `crds` folder belong to the set", default="true"),
        Field("hooks", Switch(), "the chart's hooks belong to the set", default="true"),
        Field("tests", Switch(), "the chart's test hooks belong to the set", default="false"),
    )
)
SOURCE = Record(
    (
        Field("kustomize", Brief(RELATIVE_PATH, KUSTOMIZE), "directory with a kustomization"),
        Field("directory", RELATIVE_PATH, "directory of plain manifests, or one file of them, read as kubectl does"),
        Field("recursive", Switch(), "also read the subdirectories", default="false", needs="directory"),
        Field("helm", HELM, "a chart of the repo, rendered by helm"),
    ),
    exactly_one=("kustomize", "directory", "helm"),
    later=(
        ("argocd", "an Argo CD Application"),
        ("flux", "a Flux Kustomization"),
    ),
)
SERVICE_ACCOUNT_TOKEN = Record(
    (
        Field("tokenEnv", VARIABLE, "environment variable that holds the token", required=True),
        Field("caEnv", VARIABLE, "environment variable that holds the cluster's CA, as PEM or base64", required=True),
    )
)
CREDENTIALS = Record(
    (
        Field("env", VARIABLE, "environment variable that holds a kubeconfig, plain or base64"),
        Field("file", FILE_PATH, "kubeconfig file; a relative path counts from this file"),
        Field("keyring", KEYRING_NAME, "a kubeconfig that `gitops-push credentials set` stored; never used in CI"),
        Field("serviceAccountToken", SERVICE_ACCOUNT_TOKEN, "a token and a CA; `server` of the cluster says where"),
        Field("inCluster", Switch(), "the service account of the pod that the job runs in", default="false"),
        Field("exec", ListOf(PROGRAM), "credential plugins that the kubeconfig may run", default="none"),
    ),
    exactly_one=("env", "file", "keyring", "serviceAccountToken", "inCluster"),
)
CLUSTER = Record(
    (
        Field("server", SERVER, "pin: a kubeconfig that points elsewhere is refused"),
        Field("clusterId", Text("a cluster id"), "pin: uid of the namespace kube-system"),
        Field("context", Text("a context"), "context of the kubeconfig", default="its current one"),
        Field("credentials", CREDENTIALS, "where the kubeconfig comes from", default="`KUBECONFIG`"),
    )
)

_LATER_IN_ENVIRONMENT: Final = (("policy", "allowed kinds and namespaces"),)


def _environment_fields(cluster: Text, namespace: Text, external: Text) -> tuple[Field, ...]:
    return (
        Field("cluster", cluster, "one of `clusters`", default="the kubeconfig decides"),
        Field(
            "namespace",
            namespace,
            "for namespaced objects that name none; the inventory lives here",
            default="required, here or in `defaults`",
        ),
        Field("external", ListOf(external), "objects that must exist and are never written"),
        Field("protected", Switch(), "apply needs `--confirm NAME`, and no dirty tree", default="false"),
        Field("commitOrder", COMMIT_ORDER, "`ancestor`: never goes back in history; `off`", default="ancestor"),
        Field("prune", PRUNE, "what may be deleted"),
        Field("wait", WAIT, "waiting for health"),
        Field("conflicts", ListOf(CONFLICT_RULE), "who gives way for fields of other managers; the first that fits"),
        Field("addedFields", ADDED_FIELDS, "what happens to fields that people added beside git's", default="keep"),
        Field("takeover", ListOf(OWNER), "owners that lose objects of the set, named as for `--takeover`"),
        Field("ignore", ListOf(IGNORE_RULE), "what never counts as a change or as drift"),
        Field("sensitive", ListOf(SENSITIVE_RULE), "what is masked, besides Secrets"),
        Field("recreate", ListOf(RECREATE_RULE), "what may be deleted and created again to change an immutable field"),
    )


def _depends_on(name: Text) -> Field:
    return Field("dependsOn", ListOf(name), "environments that must be deployed before, as this checkout has them")


RENAMED_FROM = Record(
    (
        Field("environment", ENVIRONMENT_NAME, "its name before", default="the same"),
        Field("namespace", NAMESPACE, "its namespace before", default="the same"),
        Field("project", PROJECT, "its project before", default="the same"),
    ),
    at_least_one=("environment", "namespace", "project"),
)
_SOURCES: Final = Field("sources", ListOf(SOURCE, minimum=1), "built in order into one set")

DEFAULTS = Record(_environment_fields(CLUSTER_NAME, NAMESPACE, EXTERNAL), later=_LATER_IN_ENVIRONMENT)
ENVIRONMENT = Record(
    (
        *DEFAULTS.fields[:2],
        Field("sources", _SOURCES.type, _SOURCES.text, required=True),
        *DEFAULTS.fields[2:],
        _depends_on(ENVIRONMENT_NAME),
        Field("renamedFrom", Brief(ENVIRONMENT_NAME, RENAMED_FROM), "takes over the inventory of an earlier name"),
    ),
    later=_LATER_IN_ENVIRONMENT,
)
_PATTERN_FIELDS: Final = _environment_fields(PATTERN_CLUSTER, PATTERN_NAMESPACE, PATTERN_EXTERNAL)
PATTERN_ENVIRONMENT = Record(
    (
        Field("match", RELATIVE_PATH, "directories, with placeholders; each match is an environment", required=True),
        *_PATTERN_FIELDS[:2],
        Field("sources", _SOURCES.type, _SOURCES.text, default="the matched directory"),
        *_PATTERN_FIELDS[2:],
        _depends_on(PATTERN_DEPENDENCY),
    ),
    later=_LATER_IN_ENVIRONMENT,
)
CONFIG = Record(
    (
        Field("version", Number(only=1), "version of this format", required=True),
        Field("project", PROJECT, "identifies the inventories, with the environment's name", default="the origin URL"),
        Field("include", ListOf(RELATIVE_PATH), "further files; `*`, `?` and `**` may be used"),
        Field("defaults", DEFAULTS, "for all environments of this file and of those it includes"),
        Field("clusters", Named(((CLUSTER_NAME, CLUSTER),)), "target clusters"),
        Field(
            "environments",
            Named(((ENVIRONMENT_NAME, ENVIRONMENT), (PATTERN_NAME, PATTERN_ENVIRONMENT))),
            "what can be deployed; a name with placeholders makes many environments from one entry",
        ),
    )
)
