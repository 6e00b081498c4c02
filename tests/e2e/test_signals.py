"""A run that is stopped is out within seconds with its report, wherever it is and whatever hangs."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.controlplane.access import RequestError
from tests.controlplane.cluster import ControlPlane
from tests.e2e.program import PYTHON, VARIABLE, Program, config, config_map, deployment, new_program
from tests.faults.actions import swallow
from tests.faults.proxy import FaultProxy, Rule, fault_proxy

OUT_WITHIN_SECONDS = 7.0
BUSY_SECONDS = 6.0
"""What a machine that runs all of this at once may take besides."""

HAPPENS_WITHIN_SECONDS = 90.0
ITEMS = tuple(f"item-{number}" for number in range(8))


NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: NS-x}\n"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run hangs: the server does not answer the requests of a rule. `NS` stands for the namespace of the run.

    `earlier` was deployed before. `expected` are outcomes by the beginning of a name, none where nothing was written.
    """

    path: str
    method: str = ""
    nth: int = 1
    writes: bool = False
    code: int = 20
    expected: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    earlier: tuple[str, ...] = ()

    def rule(self, namespace: str) -> Rule:
        path = self.path.replace("NS", namespace)
        return Rule(swallow, nth=self.nth, times=0, method=self.method, path=path, writes=self.writes)


PLACES: dict[str, Place] = {
    "plan": Place("dryRun=All", code=143),
    "preflight": Place("selfsubjectaccessreviews", code=143),
    "inventory": Place("configmaps", "POST", writes=True, expected={"gitops-push": "unknown", "item-0": "not reached"}),
    "foundations": Place(
        "metadata.name(=|%3D)NS-x",
        "GET",
        files={"x.yaml": NAMESPACE},
        expected={"NS-x": "not ready", "item-0": "not reached"},
    ),
    "wave": Place("/configmaps/item", "PATCH", writes=True, expected={"item-0": "unknown", "item-7": "not reached"}),
    "wait": Place(
        "/deployments[?]",
        "GET",
        2,
        files={"web.yaml": deployment("web")},
        expected={"web": "not ready", "item-0": "done"},
    ),
    "prune": Place("/configmaps/old", "DELETE", earlier=("old",), expected={"old": "unknown", "item-0": "done"}),
    "last write": Place("/configmaps/gitops-push", "PUT", expected={"gitops-push": "unknown", "item-0": "done"}),
}


@dataclass(slots=True)
class Stopped:
    """A run at its place."""

    place: Place
    namespace: str
    proxy: FaultProxy
    process: subprocess.Popen[str]
    stopped_at: float = 0.0
    ended_at: float = 0.0

    def look(self) -> None:
        """Stop the run when it has come to its place, and see when it has ended."""
        rule = self.place.rule(self.namespace)
        come = sum(rule.is_about(request) for request in tuple(self.proxy.requests))
        if not self.stopped_at and come >= rule.nth:
            self.stopped_at = time.monotonic()
            self.process.send_signal(signal.SIGTERM)
        if not self.ended_at and self.process.poll() is not None:
            self.ended_at = time.monotonic()


@contextmanager
def started(place: Place, folder: Path, plane: ControlPlane) -> Iterator[Stopped]:
    """Start an apply that will hang at a place, in a namespace of its own."""
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    program = new_program(folder, plane.kubeconfig)
    program.write("gitops-push.yaml", config(namespace))
    for name in place.earlier:
        program.write(f"app/{name}.yaml", config_map(name))
    if place.earlier:
        assert program("apply", "test", "--yes").code == 0
        for name in place.earlier:
            (program.folder / f"app/{name}.yaml").unlink()
    for name in ITEMS:
        program.write(f"app/{name}.yaml", config_map(name))
    for file, text in place.files.items():
        program.write(f"app/{file}", text.replace("NS", namespace))
    with fault_proxy(plane.kubeconfig) as (proxy, kubeconfig):
        proxy.begin(place.rule(namespace))
        through = program.having(**{VARIABLE: kubeconfig})
        with through.start("apply", "test", "--yes", "-o", "json", "--concurrency", "2") as process:
            yield Stopped(place, namespace, proxy, process)
            process.kill()
    for name in (namespace, f"{namespace}-x"):
        with suppress(RequestError):
            plane.request("DELETE", f"/api/v1/namespaces/{name}")


def until(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + HAPPENS_WITHIN_SECONDS
    while not happened():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_wherever_a_run_hangs_a_signal_ends_it_in_time_with_one_document_that_tells_what_is_known(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        runs = {
            name: stack.enter_context(started(place, tmp_path / name.replace(" ", "-"), control_plane))
            for name, place in PLACES.items()
        }

        def all_over() -> bool:
            for run in runs.values():
                run.look()
            return all(run.ended_at for run in runs.values())

        until(all_over, "the runs came to their places and ended")
        for name, run in runs.items():
            out, err = run.process.communicate()
            check(name, run, json.loads(out), err)


def check(name: str, run: Stopped, document: dict[str, Any], err: str) -> None:
    assert run.stopped_at, f"{name}: {err}"
    assert run.ended_at - run.stopped_at < OUT_WITHIN_SECONDS + BUSY_SECONDS, name
    assert run.process.returncode == document["exitCode"] == run.place.code, f"{name}: {err}"
    assert document["kind"] == "Deployment"
    results = {outcome["name"]: outcome["result"] for outcome in document.get("outcomes", ())}
    for wanted, result in run.place.expected.items():
        (found,) = {each for each in results if each.startswith(wanted.replace("NS", run.namespace))}
        assert results[found] == result, name


def test_a_terminal_that_is_closed_stops_a_run_and_its_report_is_in_the_file(
    program: Program, control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    """Whoever reads the terminal is gone, and the shell passes the hangup on."""
    program.write("app/settings.yaml", "---\n".join(config_map(f"item-{number}") for number in range(150)))
    report = tmp_path / "report.json"
    screen, inside = pty.openpty()
    command = (*PYTHON, "apply", "test", "--yes", "--concurrency", "1", "-o", f"json={report}")
    environ = {"TERM": "xterm", **program.full_environ}
    with subprocess.Popen(
        command, cwd=program.folder, env=environ, stdin=inside, stdout=inside, stderr=inside, start_new_session=True
    ) as process:
        os.close(inside)
        path = f"/api/v1/namespaces/{namespace}/configmaps?labelSelector=applyset.kubernetes.io/part-of"
        until(lambda: len(control_plane.request("GET", path)["items"]) > 3, "some objects are there")
        os.close(screen)
        process.send_signal(signal.SIGHUP)
        stopped_at = time.monotonic()
        assert process.wait(60) == 20
        assert time.monotonic() - stopped_at < OUT_WITHIN_SECONDS + BUSY_SECONDS
    document = json.loads(report.read_text())
    assert document["interrupted"]
    results = Counter(outcome["result"] for outcome in document["outcomes"])
    assert results["done"] == len(control_plane.request("GET", path)["items"])
    assert results["done"] + results["not reached"] == 150
