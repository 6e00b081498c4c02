"""The kinds of the exactness campaign: twelve of Kubernetes' own and two of our definitions, as random shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tests.cluster.exactness.pods import (
    FLAG,
    LABELS,
    METADATA,
    NAME,
    NONE,
    POD,
    PORT,
    PORT_OR_NAME,
    SELECTOR,
    TEMPLATE,
    TEXT,
    WORD,
    one_of,
)
from tests.cluster.exactness.shapes import Atomic, Keyed, Record, Shape, Strings

Body = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind and the shape of its objects, without apiVersion, kind and name. `scale`: it has that subresource."""

    api_version: str
    kind: str
    shape: Shape
    scale: bool = False


def _kind(api_version: str, kind: str, required: dict[str, Shape], optional: dict[str, Shape], **more: Any) -> Kind:
    return Kind(api_version, kind, Record({"metadata": METADATA, **required}, optional), **more)


def _with_spec(
    api_version: str, kind: str, required: dict[str, Shape], optional: dict[str, Shape], **more: Any
) -> Kind:
    return _kind(api_version, kind, {"spec": Record(required, optional)}, {}, **more)


DEPLOYMENT: Final = _with_spec(
    "apps/v1",
    "Deployment",
    {"selector": SELECTOR, "template": TEMPLATE, "replicas": NONE},
    {
        "strategy": one_of(
            {"rollingUpdate": {"maxSurge": "25%"}},
            {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            {"type": "Recreate"},
        ),
        "minReadySeconds": one_of(0, 1),
        "paused": FLAG,
        "revisionHistoryLimit": one_of(0, 3),
    },
    scale=True,
)
STATEFUL_SET: Final = _with_spec(
    "apps/v1",
    "StatefulSet",
    {"selector": SELECTOR, "template": TEMPLATE, "replicas": NONE, "serviceName": one_of("it")},
    {
        "updateStrategy": one_of({"type": "OnDelete"}, {"rollingUpdate": {"partition": 1}}),
        "minReadySeconds": one_of(0, 1),
    },
    scale=True,
)
CRON_JOB: Final = _with_spec(
    "batch/v1",
    "CronJob",
    {
        "schedule": one_of("0 3 1 1 *", "5 3 1 1 *"),
        "suspend": one_of(True),
        "jobTemplate": Record(
            {
                "spec": Record(
                    {
                        "template": Record(
                            {
                                "spec": Record(
                                    {**POD.required, "restartPolicy": one_of("Never", "OnFailure")}, POD.optional
                                )
                            },
                            {},
                        )
                    },
                    {"backoffLimit": one_of(0, 6)},
                )
            },
            {},
        ),
    },
    {
        "concurrencyPolicy": one_of("Allow", "Forbid"),
        "timeZone": one_of("Etc/UTC"),
        "failedJobsHistoryLimit": one_of(0, 1),
    },
)
SERVICE: Final = _with_spec(
    "v1",
    "Service",
    {
        "ports": Keyed(
            Record({}, {"targetPort": PORT_OR_NAME, "appProtocol": one_of("http", "grpc")}),
            [{"port": 80, "name": "a"}, {"port": 80, "protocol": "UDP", "name": "b"}, {"port": 81, "name": "c"}],
            at_least=1,
        )
    },
    {
        "selector": Strings(("a", "b"), WORD),
        "sessionAffinity": one_of("None", "ClientIP"),
        "publishNotReadyAddresses": FLAG,
        "type": one_of("ClusterIP", "NodePort"),
        "externalIPs": Atomic(one_of("1.2.3.4", "1.2.3.5"), 2),
    },
)
CONFIG_MAP: Final = _kind(
    "v1",
    "ConfigMap",
    {},
    {"data": Strings(("a", "b.yaml", "c_d"), TEXT), "binaryData": Strings(("bin",), one_of("YQ==", "Yg=="))},
)
SECRET: Final = _kind(
    "v1",
    "Secret",
    {},
    {
        "stringData": Strings(("user", "password"), one_of("hunter2-of-the-shop", "correct-horse", "")),
        "data": Strings(("key", "password"), one_of("c2VjcmV0LW9uZQ==", "c2VjcmV0LXR3bw==", "/w==")),
    },
)
INGRESS: Final = _with_spec(
    "networking.k8s.io/v1",
    "Ingress",
    {
        "rules": Atomic(
            Record(
                {
                    "http": Record(
                        {
                            "paths": Atomic(
                                Record(
                                    {
                                        "path": one_of("/", "/a"),
                                        "pathType": one_of("Prefix", "Exact"),
                                        "backend": Record(
                                            {
                                                "service": Record(
                                                    {"name": NAME, "port": one_of({"number": 80}, {"name": "a"})}, {}
                                                )
                                            },
                                            {},
                                        ),
                                    },
                                    {},
                                ),
                                2,
                                1,
                            )
                        },
                        {},
                    )
                },
                {"host": one_of("a.example.com", "b.example.com")},
            ),
            2,
            1,
        )
    },
    {
        "ingressClassName": one_of("a", "b"),
        "tls": Atomic(Record({}, {"secretName": one_of("a"), "hosts": Atomic(one_of("a.example.com"), 1)}), 2),
    },
)
NETWORK_POLICY: Final = _with_spec(
    "networking.k8s.io/v1",
    "NetworkPolicy",
    {"podSelector": one_of({}, {"matchLabels": {"a": "b"}})},
    {
        "ingress": Atomic(
            Record(
                {},
                {
                    "from": Atomic(one_of({"podSelector": {}}, {"ipBlock": {"cidr": "10.0.0.0/8"}}), 2),
                    "ports": Atomic(Record({"port": PORT}, {"protocol": one_of("TCP", "UDP")}), 2),
                },
            ),
            2,
        ),
        "egress": Atomic(one_of({}, {"ports": [{"port": 53, "protocol": "UDP"}]}), 1),
    },
)
AUTOSCALER: Final = _with_spec(
    "autoscaling/v2",
    "HorizontalPodAutoscaler",
    {
        "scaleTargetRef": one_of({"apiVersion": "apps/v1", "kind": "Deployment", "name": "elsewhere"}),
        "maxReplicas": one_of(5, 6),
    },
    {
        "minReplicas": one_of(1, 2),
        "metrics": Atomic(
            one_of(
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
                },
                {
                    "type": "Resource",
                    "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "0.5Gi"}},
                },
                {
                    "type": "Pods",
                    "pods": {"metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": 1000}},
                },
            ),
            3,
        ),
        "behavior": Record({}, {"scaleDown": Record({}, {"stabilizationWindowSeconds": one_of(0, 60)})}),
    },
)
ROLE: Final = _kind(
    "rbac.authorization.k8s.io/v1",
    "Role",
    {
        "rules": Atomic(
            Record(
                {
                    "apiGroups": one_of([""], ["apps"]),
                    "resources": Atomic(one_of("pods", "secrets", "jobs"), 2, 1),
                    "verbs": Atomic(one_of("get", "list"), 2, 1),
                },
                {},
            ),
        )
    },
    {},
)
BUDGET: Final = _with_spec(
    "policy/v1",
    "PodDisruptionBudget",
    {"selector": SELECTOR, "minAvailable": one_of(1, "50%")},
    {"unhealthyPodEvictionPolicy": one_of("AlwaysAllow", "IfHealthyBudget")},
)
ACCOUNT: Final = _kind(
    "v1",
    "ServiceAccount",
    {},
    {
        "imagePullSecrets": Keyed(Record({}, {}), [{"name": "one"}, {"name": "two"}]),
        "secrets": Keyed(Record({}, {}), [{"name": "s1"}, {"name": "s2"}]),
        "automountServiceAccountToken": FLAG,
    },
)
FREE: Final = Record(
    {},
    {
        "a": TEXT,
        "list": Atomic(one_of(1, "a", {"b": 1}, [1, 2]), 3),
        "map": Strings(("x", "y.z"), one_of(1, 1.5, True, "s", {}, [])),
        "ports": Atomic(one_of({"port": 1}, {"port": 2}), 2),
    },
)


def gadget(group: str) -> Kind:
    """Our definition with lists of every type, defaults, int-or-string and open parts, see `tests.cluster.gadgets`."""
    return _with_spec(
        f"{group}/v1",
        "Gadget",
        {},
        {
            "parts": Keyed(
                Record({}, {"size": one_of(1, 2, 3), "note": TEXT}), [{"name": "p1"}, {"name": "p2"}, {"name": "p3"}]
            ),
            "tags": Atomic(one_of("t1", "t2", "t3", "t4"), 3, distinct=True),
            "steps": Atomic(TEXT, 3),
            "labels": LABELS,
            "link": Record({"kind": NAME}, {"name": NAME}),
            "mode": one_of("auto", "manual"),
            "text": TEXT,
            "count": one_of(0, 1, 2.0, 9007199254740993),
            "ratio": one_of(0, 1, 1.5, 1e3),
            "cpu": one_of(1, "1000m", "1"),
            "free": FREE,
            "template": Record({}, {"spec": POD}),
        },
    )


def sprocket(group: str) -> Kind:
    """Our second definition: keyed lists in keyed lists, defaults at depth, an atomic list of records."""
    tooth = Record({}, {"depth": one_of(1, 2), "tags": Atomic(WORD, 2, distinct=True)})
    ring = Record({}, {"teeth": Keyed(tooth, [{"id": 1}, {"id": 2}]), "colour": one_of("red", "blue")})
    return _with_spec(
        f"{group}/v1",
        "Sprocket",
        {},
        {
            "rings": Keyed(ring, [{"name": "r1", "side": "left"}, {"name": "r1", "side": "right"}, {"name": "r2"}]),
            "route": Atomic(Record({"to": NAME}, {"weight": one_of(1, 2), "match": Strings(("m",), WORD)}), 3),
            "limits": Record({}, {"soft": one_of(1, 2), "hard": one_of(5, 6)}),
        },
    )


BUILT_IN: Final = (
    DEPLOYMENT,
    STATEFUL_SET,
    CRON_JOB,
    SERVICE,
    CONFIG_MAP,
    SECRET,
    INGRESS,
    NETWORK_POLICY,
    AUTOSCALER,
    ROLE,
    BUDGET,
    ACCOUNT,
)
