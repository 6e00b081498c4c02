"""What deleting a live object and creating it again brings about, beyond the fields that differ. One line each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from gitops_push.core.impact import Transition, at, live_pods, mappings_at, pods
from gitops_push.core.kinds import BUILT_IN
from gitops_push.core.objects import Body
from gitops_push.core.pod_counts import RUNNING_KINDS


def impact_of_recreation(transition: Transition) -> tuple[str, ...]:
    """Return what is gone meanwhile, what is lost, and what stays. The transition has a live object."""
    kind = (transition.ref.group, transition.ref.kind)
    rule = _RECREATIONS.get(kind, _gap if kind in BUILT_IN else _custom)
    return tuple(rule(transition))


def _workload(change: Transition) -> Iterator[str]:
    if running := live_pods(change.live or {}):
        yield f"stops {pods(running)} before it starts new ones"


def _stateful_set(change: Transition) -> Iterator[str]:
    yield from _workload(change)
    names = ", ".join(_claims(change.live))
    if not names:
        return
    if at(change.live, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted") == "Delete":
        yield "deletes the volume claims of its pods, and their data (whenDeleted: Delete)"
    else:
        yield f"the volume claims of its pods stay, and their data: {names}"
        yield from _sizes(change)


def _sizes(change: Transition) -> Iterator[str]:
    """A new template is for new claims only: those that are there keep the size that they have."""
    wanted = _claims(change.after)
    for name, size in _claims(change.live).items():
        new = wanted.get(name, size)
        if new != size:
            yield f"existing volume claims {name} keep their size of {size}: {new} holds for new ones only"


def _claims(body: Body | None) -> dict[str, str]:
    """Return the claim templates with the storage that each asks for."""
    templates = mappings_at(body, "spec", "volumeClaimTemplates")
    return {str(at(t, "metadata", "name")): str(at(t, "spec", "resources", "requests", "storage")) for t in templates}


def _job(change: Transition) -> Iterator[str]:
    if running := live_pods(change.live or {}):
        yield f"stops {pods(running)}, and runs again from the start"
    else:
        yield "runs again; the pods and logs of its last run go"


def _pod(change: Transition) -> Iterator[str]:
    yield "stops the pod and starts a new one" if live_pods(change.live or {}) else "runs again; its old log goes"


def _service(change: Transition) -> Iterator[str]:
    address = at(change.live, "spec", "clusterIP")
    if address and address not in ("None", at(change.after, "spec", "clusterIP")):
        yield f"its cluster IP {address} is given up"
    if at(change.live, "spec", "type") == "LoadBalancer":
        yield "its load balancer and address are given up"
    ports = sorted(_node_ports(change.live) - _node_ports(change.after))
    if ports:
        yield f"gives up the node ports {', '.join(map(str, ports))}"


def _node_ports(body: Body | None) -> set[int]:
    ports = mappings_at(body, "spec", "ports")
    return {port["nodePort"] for port in ports if isinstance(port.get("nodePort"), int)}


def _configuration(change: Transition) -> Iterator[str]:  # noqa: ARG001
    yield "is gone for a moment: a pod that starts meanwhile waits for it"


def _binding(change: Transition) -> Iterator[str]:  # noqa: ARG001
    yield "what it grants is denied for a moment"


def _gap(change: Transition) -> Iterator[str]:  # noqa: ARG001
    yield "is gone for a moment"


def _custom(change: Transition) -> Iterator[str]:  # noqa: ARG001
    yield "is gone for a moment, and what its controller made for it may go with it"


_OnRecreation: TypeAlias = Callable[[Transition], Iterator[str]]

_RBAC: Final = "rbac.authorization.k8s.io"
_RECREATIONS: Final[Mapping[tuple[str, str], _OnRecreation]] = {
    **dict.fromkeys((*RUNNING_KINDS, ("apps", "ReplicaSet"), ("", "ReplicationController")), _workload),
    ("", "ConfigMap"): _configuration,
    ("", "Pod"): _pod,
    ("", "Secret"): _configuration,
    ("", "Service"): _service,
    ("apps", "StatefulSet"): _stateful_set,
    ("batch", "Job"): _job,
    (_RBAC, "ClusterRoleBinding"): _binding,
    (_RBAC, "RoleBinding"): _binding,
}
