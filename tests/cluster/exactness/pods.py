"""Random shapes of what many kinds share: texts, labels, containers, pods."""

from __future__ import annotations

from typing import Any, Final

from tests.cluster.exactness.shapes import Atomic, Keyed, OneOf, Record, Strings


def one_of(*values: Any) -> OneOf:
    return OneOf(values)


TEXT: Final = one_of("", "a", "b", "true", "1", "two words", "two\nlines\n", 'ä "y"', "x" * 300)
WORD: Final = one_of("a", "b", "c-1", "d.e")
NAME: Final = one_of("a", "b")
FLAG: Final = one_of(True, False)
PORT: Final = one_of(80, 443, 8080)
PORT_OR_NAME: Final = one_of(80, 8080, "http")
LABELS: Final = Strings(("a", "app.kubernetes.io/part", "x.y/z"), WORD)
ANNOTATIONS: Final = Strings(("a", "b.c/d", "e_f"), TEXT)
METADATA: Final = Record({}, {"labels": LABELS, "annotations": ANNOTATIONS})
REQUESTS: Final = Record({}, {"cpu": one_of("100m", 0.1, "0.25", "50m"), "memory": one_of("0.5Gi", "128Mi", "64M")})
LIMITS: Final = Record({}, {"cpu": one_of(1, "1000m", 1.5, "2"), "memory": one_of("1024Mi", "1Gi", "1.5Gi", "2G")})
PROBE: Final = Record(
    {
        "httpGet": Record(
            {"port": PORT_OR_NAME},
            {
                "path": one_of("/", "/live"),
                "httpHeaders": Atomic(Record({"name": one_of("X-A"), "value": WORD}, {}), 2),
            },
        )
    },
    {"periodSeconds": one_of(5, 10), "failureThreshold": one_of(1, 3)},
)
ANY_PROBE: Final = one_of(
    {"tcpSocket": {"port": 80}},
    {"exec": {"command": ["true"]}},
    {"httpGet": {"path": "/", "port": 8080}},
    {"exec": {"command": ["cat", "/ready"]}, "periodSeconds": 3},
)
ENV: Final = Keyed(Record({}, {"value": TEXT}), [{"name": name} for name in "ABCDE"])
CONTAINER_PORTS: Final = Keyed(
    Record({}, {"hostIP": one_of("", "127.0.0.1")}),
    [{"containerPort": 80}, {"containerPort": 81, "protocol": "UDP"}, {"containerPort": 82, "name": "three"}],
)
CONTAINER: Final = Record(
    {"image": one_of("web:1", "web:2", "example.com/web:1@sha256:" + "0" * 64)},
    {
        "args": Atomic(TEXT),
        "command": Atomic(WORD),
        "env": ENV,
        "ports": CONTAINER_PORTS,
        "resources": Record({}, {"requests": REQUESTS, "limits": LIMITS}),
        "livenessProbe": PROBE,
        "readinessProbe": ANY_PROBE,
        "imagePullPolicy": one_of("Always", "IfNotPresent"),
        "securityContext": Record(
            {},
            {
                "runAsNonRoot": FLAG,
                "capabilities": Record(
                    {}, {"drop": Atomic(one_of("ALL", "KILL"), 1), "add": Atomic(one_of("CHOWN"), 1)}
                ),
            },
        ),
        "volumeMounts": Keyed(
            Record({"name": one_of("data")}, {"readOnly": FLAG}), [{"mountPath": "/a"}, {"mountPath": "/b"}]
        ),
        "workingDir": one_of("", "/tmp"),
    },
)
INIT_CONTAINER: Final = Record(
    CONTAINER.required, {name: shape for name, shape in CONTAINER.optional.items() if "Probe" not in name}
)
POD: Final = Record(
    {
        "containers": Keyed(CONTAINER, [{"name": "web"}, {"name": "side"}, {"name": "third"}], at_least=1),
        "volumes": one_of([{"name": "data", "emptyDir": {}}], [{"name": "data", "emptyDir": {"sizeLimit": "1Gi"}}]),
    },
    {
        "initContainers": Keyed(INIT_CONTAINER, [{"name": "init-a"}, {"name": "init-b"}]),
        "nodeSelector": Strings(("zone", "disk"), WORD),
        "tolerations": Atomic(one_of({"operator": "Exists"}, {"key": "a", "operator": "Equal", "value": "b"}), 2),
        "topologySpreadConstraints": Keyed(
            Record({"maxSkew": one_of(1, 2)}, {}),
            [
                {"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"},
                {"topologyKey": "host", "whenUnsatisfiable": "ScheduleAnyway"},
            ],
        ),
        "terminationGracePeriodSeconds": one_of(0, 30, 60),
        "automountServiceAccountToken": FLAG,
        "hostAliases": Keyed(Record({}, {"hostnames": Atomic(WORD, 2)}), [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]),
        "imagePullSecrets": Keyed(Record({}, {}), [{"name": "one"}, {"name": "two"}]),
        "securityContext": Record({}, {"fsGroup": one_of(1, 2), "supplementalGroups": Atomic(one_of(1, 2, 3), 2)}),
        "affinity": one_of(
            {},
            {
                "podAntiAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {
                            "weight": 1,
                            "podAffinityTerm": {"topologyKey": "host", "labelSelector": {"matchLabels": {"a": "b"}}},
                        }
                    ]
                }
            },
        ),
    },
)
SELECTED: Final = {"app": "it"}
TEMPLATE: Final = Record(
    {
        "metadata": Record({"labels": one_of(SELECTED, {**SELECTED, "more": "yes"})}, {"annotations": ANNOTATIONS}),
        "spec": POD,
    },
    {},
)
SELECTOR: Final = one_of({"matchLabels": SELECTED})
NONE: Final = one_of(0)
"""Replicas: no pods, which would only cost time."""
