"""CustomResourceDefinitions, Namespaces, APIServices: what other objects stand on."""

from __future__ import annotations

from gitops_push.core.objects import Body
from gitops_push.core.readiness.conditions import conditions, section
from gitops_push.core.readiness.values import Failed, Progressing, Readiness, Ready


def definition(body: Body) -> Readiness:
    """Return the readiness of a CustomResourceDefinition: its names are accepted and its resources are served."""
    found = conditions(body)
    names, established = found.get("NamesAccepted"), found.get("Established")
    if names and names.is_false:
        return Failed(names.describe("its names are taken"))
    if established and established.is_true:
        return Ready()
    if established and established.is_false and established.reason != "Installing":
        return Failed(established.describe("it cannot be established"))
    return Progressing("not Established yet")


def namespace(body: Body) -> Readiness:
    """Return the readiness of a Namespace: it is Active."""
    phase = section(body, "status").get("phase")
    return Ready() if phase == "Active" else Progressing(f"phase {phase or 'not set'}")


def api_service(body: Body) -> Readiness:
    """Return the readiness of an APIService: its server answers."""
    available = conditions(body).get("Available")
    if available and available.is_true:
        return Ready()
    return Progressing(available.describe("not Available") if available else "not Available yet")
