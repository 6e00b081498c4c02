from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.objects import ObjectRef
from gitops_push.core.ordering import Stage, apply_key, by_stage, stage_of

RBAC = "rbac.authorization.k8s.io"
ADMISSION = "admissionregistration.k8s.io"

PLACES = {
    "a CRD": (("apiextensions.k8s.io", "CustomResourceDefinition"), Stage.FOUNDATIONS),
    "a namespace": (("", "Namespace"), Stage.FOUNDATIONS),
    "a cluster role": ((RBAC, "ClusterRole"), Stage.FOUNDATIONS),
    "a storage class": (("storage.k8s.io", "StorageClass"), Stage.CLASSES),
    "a class of an unknown group": (("example.com", "TurbineClass"), Stage.CLASSES),
    "a service account": (("", "ServiceAccount"), Stage.CONFIGURATION),
    "a role": ((RBAC, "Role"), Stage.CONFIGURATION),
    "a role binding": ((RBAC, "RoleBinding"), Stage.CONNECTIONS),
    "a service": (("", "Service"), Stage.CONNECTIONS),
    "a Knative service, which is no Service": (("serving.knative.dev", "Service"), Stage.WORKLOADS),
    "a deployment": (("apps", "Deployment"), Stage.WORKLOADS),
    "a custom resource": (("example.com", "Widget"), Stage.WORKLOADS),
    "an API service": (("apiregistration.k8s.io", "APIService"), Stage.WEBHOOKS),
    "a validating webhook": ((ADMISSION, "ValidatingWebhookConfiguration"), Stage.WEBHOOKS),
}

KINDS = [place[0] for place in PLACES.values()]
REFS = st.builds(
    lambda group_kind, namespace, name: ObjectRef(group_kind[0], group_kind[1], namespace, name),
    st.sampled_from(KINDS),
    st.sampled_from(["", "a", "b"]),
    st.sampled_from(["x", "y", "z"]),
)


@pytest.mark.parametrize(("group_kind", "stage"), PLACES.values(), ids=PLACES.keys())
def test_each_kind_has_its_stage(group_kind: tuple[str, str], stage: Stage) -> None:
    assert stage_of(ObjectRef(group_kind[0], group_kind[1], "", "name")) is stage


@given(st.sets(REFS))
def test_the_order_is_total(refs: set[ObjectRef]) -> None:
    assert len({apply_key(ref) for ref in refs}) == len(refs)


@given(st.sets(REFS))
def test_stages_hold_every_object_once_and_ascend(refs: set[ObjectRef]) -> None:
    stages = by_stage(refs)
    assert [ref for _, members in stages for ref in members] == sorted(refs, key=apply_key)
    assert [stage for stage, _ in stages] == sorted({stage_of(ref) for ref in refs})


@given(REFS)
def test_a_namespace_and_a_definition_come_before_everything_that_needs_them(member: ObjectRef) -> None:
    namespace = ObjectRef("", "Namespace", "", member.namespace)
    definition = ObjectRef("apiextensions.k8s.io", "CustomResourceDefinition", "", "widgets.example.com")
    if stage_of(member) is not Stage.FOUNDATIONS:
        assert apply_key(namespace)[0] < apply_key(member)[0]
        assert apply_key(definition)[0] < apply_key(member)[0]


def test_kinds_of_a_stage_have_a_fixed_order_before_their_names_count() -> None:
    account = ObjectRef("", "ServiceAccount", "z", "z")
    config = ObjectRef("", "ConfigMap", "a", "a")
    assert apply_key(account) < apply_key(config)
