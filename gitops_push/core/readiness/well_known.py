"""Custom resources whose health stands in other places than the usual conditions, as a table of field checks.

What is not here is read by its conditions (`conditions.generic`), or by a rule of the config.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from typing import Final

from gitops_push.core.field_check import FieldCheck, condition_check

_TABLE: Final[tuple[tuple[str, str, tuple[FieldCheck, ...]], ...]] = (
    (
        "argoproj.io",
        "Application",
        (
            FieldCheck("status.operationState.phase", failed=("Failed", "Error"), progressing=("Running",)),
            FieldCheck("status.health.status", ("Healthy",), failed=("Degraded",), suspended=("Suspended",)),
            FieldCheck("status.sync.status", ("Synced",)),
        ),
    ),
    (
        "argoproj.io",
        "Rollout",
        (FieldCheck("status.phase", ("Healthy",), failed=("Degraded",), suspended=("Paused",)),),
    ),
    ("argoproj.io", "Workflow", (FieldCheck("status.phase", ("Succeeded",), failed=("Failed", "Error")),)),
    (
        "flagger.app",
        "Canary",
        (
            FieldCheck(
                "status.phase",
                ("Initialized", "Succeeded"),
                failed=("Failed",),
                suspended=("Waiting", "WaitingPromotion"),
            ),
        ),
    ),
    (
        "cert-manager.io",
        "Certificate",
        (
            FieldCheck("status.conditions[type=Issuing].reason", failed=("Failed",)),
            condition_check("Issuing", ready=(), progressing=("True",)),
            condition_check("Ready"),
        ),
    ),
    ("bitnami.com", "SealedSecret", (condition_check("Synced", failed=("False",)),)),
    ("tekton.dev", "*Run", (condition_check("Succeeded", failed=("False",)),)),
    ("gateway.networking.k8s.io", "Gateway", (condition_check("Accepted"), condition_check("Programmed"))),
    ("gateway.networking.k8s.io", "GatewayClass", (condition_check("Accepted"),)),
    (
        "gateway.networking.k8s.io",
        "*Route",
        (FieldCheck("status.parents[0].conditions[type=Accepted].status", ("True",)),),
    ),
    ("route.openshift.io", "Route", (FieldCheck("status.ingress[0].conditions[type=Admitted].status", ("True",)),)),
    ("snapshot.storage.k8s.io", "VolumeSnapshot", (FieldCheck("status.readyToUse", ("true",)),)),
    ("elasticsearch.k8s.elastic.co", "Elasticsearch", (FieldCheck("status.phase", ("Ready",), failed=("Invalid",)),)),
    (
        "acid.zalan.do",
        "postgresql",
        (
            FieldCheck(
                "status.PostgresClusterStatus",
                ("Running",),
                failed=("CreateFailed", "UpdateFailed", "SyncFailed", "Invalid"),
            ),
        ),
    ),
    (
        "*.services.k8s.aws",
        "*",
        (condition_check("ACK.Terminal", ready=(), failed=("True",)), condition_check("ACK.ResourceSynced")),
    ),
    ("networking.gke.io", "ManagedCertificate", (FieldCheck("status.certificateStatus", ("Active",)),)),
)


@cache
def well_known_checks(group: str, kind: str) -> tuple[FieldCheck, ...]:
    """Return the checks for a kind, () for one that is not in the table."""
    found = (checks for groups, kinds, checks in _TABLE if fnmatchcase(group, groups) and fnmatchcase(kind, kinds))
    return next(found, ())
