"""What each command asks the server, counted in the server's own audit log: docs/explanation/how-a-plan-is-proven.md.

A row a situation; a feature that asks more adds its row here and a line to the table of that page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from tests.controlplane.audit import AuditEvent
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.program import USER_AGENT, Program, config_map

ALWAYS = Counter({"discovery": 2, "get namespaces": 1, "get configmaps": 1})
"""Discovery, the identity of the cluster, the inventory."""

OBJECTS = 12
SECRET = """apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {user: admin}
"""


@dataclass(frozen=True, slots=True)
class World:
    """A deployed environment: `OBJECTS` ConfigMaps and one Secret."""

    program: Program
    kubectl: Kubectl
    namespace: str

    def edit(self) -> None:
        """Change one object by hand."""
        patch = '{"data":{"key":"by hand"}}'
        self.kubectl("patch", "configmap", "c3", "-n", self.namespace, "--type=merge", "-p", patch)


@pytest.fixture
def world(program: Program, kubectl: Kubectl, namespace: str) -> World:
    for number in range(OBJECTS):
        program.write(f"app/c{number}.yaml", config_map(f"c{number}"))
    program.write("app/login.yaml", SECRET)
    (program.folder / "app/settings.yaml").unlink()
    return World(program, kubectl, namespace)


def nothing(world: World) -> None:
    """Leave it as it is."""


def by_hand(world: World) -> None:
    world.edit()


def by_kubectl_apply(world: World) -> None:
    """Let kubectl apply three objects by hand: one as it is in git, two with a field that their take over removes."""
    for name, more in (("c1", ""), ("c2", "  more: x\n"), ("c3", "  more: x\n")):
        body = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata:\n  key: '1'\n{more}"
        world.kubectl("apply", "-n", world.namespace, "-f", "-", stdin=body)


HOLD = Counter({"get configmaps": 1})
"""Whether the environment is on hold."""

LISTS = Counter({"list configmaps": 1, "list secrets": 1})
ADMISSION = Counter({"list mutatingwebhookconfigurations": 1, "list mutatingadmissionpolicies": 1})
ALL = Counter({"dry run": OBJECTS + 1})
ONE = Counter({"dry run": 1})
REVIEWS = Counter({"review": 2})
WRITES = Counter({"get namespaces": 1, "patch configmaps": 1, "update configmaps": 3, "get configmaps": 1})
"""The cluster's id once more, the object, the inventory before and after it, and the history."""

LOCK = Counter({"review": 4, "get leases": 1, "update leases": 2, "get configmaps": 1})
"""The rights to it, what it is, taking and releasing it, and the inventory once more under it."""

SITUATIONS: dict[str, tuple[Callable[[World], None], tuple[str, ...], Counter[str]]] = {
    "diff, nothing changed": (nothing, ("diff",), LISTS + ALL),
    "diff, one edited": (by_hand, ("diff",), LISTS + ALL),
    "diff of what changed": (by_hand, ("diff", "--verify", "changed"), LISTS + ADMISSION + ONE),
    "drift of what changed, nothing did": (nothing, ("drift", "--verify", "changed"), LISTS + ADMISSION),
    "drift of what changed, one edited": (
        by_hand,
        ("drift", "--verify", "changed"),
        LISTS + ADMISSION + ONE + Counter({"review": 1}),
    ),
    "drift, nothing changed": (nothing, ("drift",), LISTS + ALL + REVIEWS),
    "diff, three to be taken over, of which two lose a field": (
        by_kubectl_apply,
        ("diff",),
        LISTS + ALL + Counter({"dry run": 2}),
    ),
    "apply, nothing changed": (nothing, ("apply", "--yes"), LISTS + ALL + HOLD),
    "apply, one edited": (
        by_hand,
        ("apply", "--yes"),
        LISTS + ALL + HOLD + REVIEWS + LOCK + HOLD + WRITES,
    ),
    "diff without dry runs": (nothing, ("diff", "--no-dry-run"), LISTS),
}


def asked(event: AuditEvent) -> str:
    """Return what a request was, in the words of this table."""
    if urlsplit(event.uri).path in {"/api", "/apis"}:
        return "discovery"
    if event.is_dry_run:
        return "dry run"
    return "review" if event.resource == "selfsubjectaccessreviews" else f"{event.verb} {event.resource}"


def requests_of(control_plane: ControlPlane, program: Program, *arguments: str) -> Counter[str]:
    mark = control_plane.audit_mark()
    done = program(*arguments)
    assert done.code == 0, done
    return Counter(asked(e) for e in control_plane.audit_events(mark) if e.user_agent.startswith(USER_AGENT))


@pytest.mark.parametrize(("prepare", "command", "expected"), SITUATIONS.values(), ids=SITUATIONS)
def test_a_command_asks_exactly_what_the_docs_say(
    own_control_plane: ControlPlane,
    world: World,
    prepare: Callable[[World], None],
    command: tuple[str, ...],
    expected: Counter[str],
) -> None:
    done = world.program("apply", "test", "--yes")
    assert done.code == 0, done
    prepare(world)
    name, *flags = command
    assert requests_of(own_control_plane, world.program, name, "test", *flags) == ALWAYS + expected


def test_before_the_first_deploy_an_inventory_elsewhere_is_looked_for(
    own_control_plane: ControlPlane, world: World
) -> None:
    found = requests_of(own_control_plane, world.program, "diff", "test")
    assert found == ALWAYS + LISTS + ALL + Counter({"list configmaps": 1})
