"""Values that the server chooses anew at every write: what a dry run says of them is not what apply will make.

Node ports and cluster addresses of Services, and the uid by which a Job selects its pods (tried on a real API server:
each dry run answers with other ones). A mark stands in their place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gitops_push.core.objects import Body

ALLOCATED: Final = "(allocated by the server)"
_OF_SERVICES: Final[Mapping[str, object]] = {
    "clusterIP": ALLOCATED,
    "clusterIPs": [ALLOCATED],
    "healthCheckNodePort": ALLOCATED,
}


def mark_allocated(merged: Body, live: Body | None, sent: Body) -> Body:
    """Return the predicted object with a mark for each value that is neither in the live object nor was sent."""
    match merged.get("apiVersion"), merged.get("kind"):
        case "v1", "Service":
            return _mark_service(merged, live or {}, sent)
        case "batch/v1", "Job" if live is None:
            marked: Body = _replaced(merged, str(merged["metadata"].get("uid") or ALLOCATED))
            return marked
        case _:
            return merged


def _mark_service(merged: Body, live: Body, sent: Body) -> Body:
    spec, *known = (body.get("spec") or {} for body in (merged, live, sent))
    chosen = {
        key: mark for key, mark in _OF_SERVICES.items() if key in spec and not any(each.get(key) for each in known)
    }
    numbers = {number for each in known for number in _node_ports(each)}
    if not chosen and numbers.issuperset(_node_ports(spec)):
        return merged
    ports = [
        {**port, "nodePort": ALLOCATED} if port.get("nodePort") and port["nodePort"] not in numbers else port
        for port in spec.get("ports") or ()
    ]
    return {**merged, "spec": {**spec, **chosen, **({"ports": ports} if ports else {})}}


def _node_ports(spec: Mapping[str, Any]) -> Iterator[object]:
    return (port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort"))


def _replaced(value: Any, uid: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _replaced(item, uid) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, uid) for item in value]
    return ALLOCATED if value == uid else value
