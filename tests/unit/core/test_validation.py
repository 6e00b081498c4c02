from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.codes import Code
from gitops_push.core.environment import Cluster, Environment
from gitops_push.core.errors import Problem
from gitops_push.core.objects import Manifest, ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.scopes import ref_of
from gitops_push.core.validation import object_problems, set_problems
from gitops_push.documents.reader import Dialect, read_documents

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: env\n"


def problems_of(text: str) -> tuple[Problem, ...]:
    return tuple(
        problem
        for document in read_documents(text.encode(), "web.yaml", Dialect.KUBECTL)
        for problem in object_problems(document.value, Origin("web.yaml", document.start_line, 1))
    )


def manifests_of(text: str) -> list[Manifest]:
    documents = read_documents(text.encode(), "web.yaml", Dialect.KUBECTL)
    return [
        Manifest(ref_of(item.value), item.value["apiVersion"], item.value, Origin("web.yaml", item.start_line, 1))
        for item in documents
    ]


def environment(external: tuple[ObjectRef, ...] = (), declared: bool = True) -> Environment:
    return Environment(
        name="prod",
        project="shop",
        cluster=Cluster("prod-eu"),
        namespace="shop",
        sources=(),
        origin=Origin("gitops-push.yaml", 3, 3),
        external=external,
        declared=declared,
    )


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        pytest.param(
            "apiVersion: v1\nmetadata: {name: env}\n", "1:1", "the object named 'env' has no kind", None, id="no kind"
        ),
        pytest.param("kind: Pod\nmetadata: {name: a}\n", "1:1", "Pod 'a' has no apiVersion", None, id="no apiVersion"),
        pytest.param("apiVersion: v1\nkind: Pod\n", "1:1", "a Pod has no metadata", None, id="no metadata"),
        pytest.param(
            "apiVersion: v1\nkind: Pod\nmetadata: {}\n", "3:11", "a Pod has no metadata.name", None, id="no name"
        ),
        pytest.param(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: 12\n",
            "4:9",
            "a Pod: metadata.name must be a text, this is a number",
            'put it in quotes: "12"',
            id="a number as name",
        ),
        pytest.param(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  generateName: a-\n",
            "4:17",
            "a Pod has generateName and no name: every run would create another one",
            "give it a name; an object whose name the server makes up cannot be compared with the cluster",
            id="generateName",
        ),
        pytest.param(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations: {helm.sh/hook: test}\n  generateName: a-\n",
            "5:17",
            "a Pod has generateName and no name: every run would create another one",
            "give it a name; an object whose name the server makes up cannot be compared with the cluster",
            id="generateName of a hook that no deployment runs",
        ),
        pytest.param(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations: {helm.sh/hook: pre-upgrade}\n  generateName: [a]\n",
            "5:17",
            "a Pod: metadata.generateName must be a text, this is a list",
            None,
            id="generateName of a hook that is no text",
        ),
        pytest.param(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations: {helm.sh/hook: pre-upgrade}\n  generateName: A_-\n",
            "5:17",
            "v1/Pod A_-: the name 'A_-' must be lower-case letters, digits, '-' and '.', "
            "and begin and end with a letter or digit",
            None,
            id="generateName of a hook that no name begins with",
        ),
        pytest.param(
            CONFIG_MAP + "  labels:\n    canary: true\n",
            "6:13",
            "v1/ConfigMap env: metadata.labels[canary] must be a text, this is the boolean true",
            'put it in quotes: "true"',
            id="a boolean as label",
        ),
        pytest.param(
            CONFIG_MAP + "  annotations: {port: 8080}\n",
            "5:23",
            "v1/ConfigMap env: metadata.annotations[port] must be a text, this is a number",
            'put it in quotes: "8080"',
            id="a number as annotation",
        ),
        pytest.param(
            CONFIG_MAP + "data:\n  PORT: 8080\n",
            "6:9",
            "v1/ConfigMap env: data[PORT] must be a text, this is a number",
            'put it in quotes: "8080"',
            id="a number as data",
        ),
        pytest.param(
            CONFIG_MAP + "data: [a]\n",
            "5:7",
            "v1/ConfigMap env: data must be a mapping, this is a list",
            None,
            id="a list as data",
        ),
        pytest.param(
            CONFIG_MAP + "  labels: {app: two words}\n",
            "5:17",
            "v1/ConfigMap env: the value of label 'app' must be letters, digits, '-', '_' and '.', "
            "and begin and end with a letter or digit",
            None,
            id="a label with a space",
        ),
        pytest.param(
            "apiVersion: v1\nkind: Secret\nmetadata: {name: ../../../secrets/x}\n",
            "3:18",
            "v1/Secret ../../../secrets/x: the name '../../../secrets/x' must not contain '/'",
            None,
            id="a path as name",
        ),
        pytest.param(
            CONFIG_MAP + "  namespace: a#b\n",
            "5:14",
            "v1/ConfigMap a#b/env: the namespace 'a#b' must not contain '#'",
            None,
            id="a fragment as namespace",
        ),
        pytest.param(
            "apiVersion: v1\nkind: Service\nmetadata: {name: a.b}\n",
            "3:18",
            "v1/Service a.b: the name 'a.b' must be lower-case letters, digits and '-', "
            "and begin and end with a letter or digit",
            None,
            id="a dot in the name of a Service",
        ),
        pytest.param(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: My_Config}\n",
            "3:18",
            "v1/ConfigMap My_Config: the name 'My_Config' must be lower-case letters, digits, '-' and '.', "
            "and begin and end with a letter or digit",
            None,
            id="upper case in a name",
        ),
        pytest.param(
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\n"
            "spec: {jobTemplate: {spec: {template: {spec: {containers: [{env: [{name: PORT, value: 8080}]}]}}}}}\n",
            "4:87",
            "batch/CronJob a: the variable 'PORT' must be a text, this is a number",
            'put it in quotes: "8080"',
            id="a number as variable",
        ),
        pytest.param("- a\n", "1:1", "an object must be a mapping, this is a list", None, id="a list"),
    ],
)
def test_a_wrong_object_is_reported_at_its_line(text: str, place: str, message: str, hint: str | None) -> None:
    [problem] = problems_of(text)
    assert (str(problem.origin), problem.message, problem.hint) == (f"web.yaml:{place}", message, hint)
    assert problem.code is Code.MANIFEST_INVALID


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(CONFIG_MAP, id="smallest"),
        pytest.param(CONFIG_MAP + "  labels:\n  annotations:\n  namespace:\n", id="empty values"),
        pytest.param(CONFIG_MAP + "data: {a: }\n", id="empty data value"),
        pytest.param(CONFIG_MAP + '  labels: {example.com/a: "", b: a.b_c}\n', id="labels"),
        pytest.param(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: 'system:Some_Role'}\n",
            id="RBAC names are free",
        ),
        pytest.param(
            "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: 'Odd:Name_1'}\n",
            id="the server decides on names of custom resources",
        ),
        pytest.param(
            "apiVersion: example.com/v1\nkind: Secret\nmetadata: {name: a}\ndata: {n: 1}\n",
            id="another group's Secret",
        ),
    ],
)
def test_a_good_object_has_no_problems(text: str) -> None:
    assert problems_of(text) == ()


def test_all_problems_of_an_object_are_listed_at_once() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: Env\n  namespace: Shop\n  labels: {a: 1, b: no}\n"
    assert [str(problem.origin) for problem in problems_of(text)] == [
        "web.yaml:4:9",
        "web.yaml:5:14",
        "web.yaml:6:15",
        "web.yaml:6:21",
    ]


def test_the_same_object_twice_names_both_places() -> None:
    text = "---\n".join([CONFIG_MAP, CONFIG_MAP.replace("env", "other"), CONFIG_MAP])
    [problem] = set_problems(manifests_of(text), environment())
    assert problem.code is Code.DUPLICATE_OBJECT
    assert "first at web.yaml:1:1, again at web.yaml:11:1" in problem.message


def test_versions_do_not_make_two_objects() -> None:
    text = "apiVersion: apps/{}\nkind: Deployment\nmetadata: {{name: web}}\n"
    problems = set_problems(manifests_of(text.format("v1") + "---\n" + text.format("v1beta1")), environment())
    assert [problem.code for problem in problems] == [Code.DUPLICATE_OBJECT]


def test_an_empty_set_is_refused() -> None:
    [problem] = set_problems([], environment())
    assert problem.code is Code.EMPTY_SET


def test_an_unknown_namespace_is_refused_once_with_a_suggestion() -> None:
    first = CONFIG_MAP + "  namespace: shpo\n"
    [problem] = set_problems(manifests_of(first + "---\n" + first.replace("env", "other")), environment())
    assert problem.code is Code.UNKNOWN_NAMESPACE
    assert "did you mean 'shop'?" in problem.message
    assert str(problem.origin) == "web.yaml:5:14"


@pytest.mark.parametrize("name", ["shop", "kube-system", "default", "team"])
def test_namespaces_of_the_environment_the_set_and_kubernetes_are_known(name: str) -> None:
    team = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n"
    text = f"{CONFIG_MAP}  namespace: {name}\n---\n{team}"
    assert set_problems(manifests_of(text), environment()) == ()


def test_an_external_namespace_is_known() -> None:
    manifests = manifests_of(CONFIG_MAP + "  namespace: monitoring\n")
    external = (ObjectRef("", "Namespace", "", "monitoring"),)
    assert set_problems(manifests, environment(external)) == ()


def test_a_path_may_use_any_namespace() -> None:
    manifests = manifests_of(CONFIG_MAP + "  namespace: monitoring\n")
    assert set_problems(manifests, environment(declared=False)) == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
near_objects = st.fixed_dictionaries(
    {},
    optional={
        "apiVersion": json_values | st.sampled_from(["v1", "apps/v1"]),
        "kind": json_values | st.sampled_from(["ConfigMap", "Secret", "List", "Service"]),
        "metadata": json_values
        | st.fixed_dictionaries(
            {},
            optional={
                "name": json_values | st.just("web"),
                "namespace": json_values,
                "labels": json_values,
                "annotations": json_values,
                "generateName": json_values,
            },
        ),
        "data": json_values,
        "items": json_values,
    },
)


@given(near_objects | json_values)
def test_any_document_is_either_identifiable_or_refused(body: Any) -> None:
    if not object_problems(body, Origin("web.yaml", 1, 1)):
        ref = ref_of(body)
        assert ref.name
        assert "/" not in ref.name + ref.namespace
