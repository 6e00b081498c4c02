"""What was deployed, who holds an environment, and the way back: on the real API server."""

from __future__ import annotations

import json

from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.judging import writes_since
from tests.e2e.program import Program, config, config_map, deployment


def commit(program: Program, value: str) -> str:
    program.write("app/settings.yaml", config_map("settings", value))
    return program.commit(f"Set {value}")


def value_in(kubectl: Kubectl, namespace: str) -> str:
    return str(kubectl.get("configmap", "settings", "-n", namespace)["data"]["key"])


def in_ci(program: Program) -> Program:
    return program.having(
        CI="true",
        GITHUB_ACTIONS="true",
        GITHUB_ACTOR="ann",
        GITHUB_SERVER_URL="https://github.example.com",
        GITHUB_REPOSITORY="shop/config",
        GITHUB_RUN_ID="17",
    )


def test_each_deployment_that_writes_is_recorded_with_who_and_how_it_ended(
    program: Program, own_control_plane: ControlPlane, namespace: str
) -> None:
    assert "NOT DEPLOYED test" in program("history", "test").out
    first = commit(program, "one")
    assert in_ci(program)("apply", "test", "--yes").code == 0
    mark = own_control_plane.audit_mark()
    assert program("apply", "test", "--yes").code == 0
    assert writes_since(own_control_plane, mark) == (), "a run that changes nothing writes no history"
    program.write("app/web.yaml", deployment("web").replace("replicas: 1", "replicas: 1\n  minReadySeconds: 500"))
    second = program.commit()
    assert program("apply", "test", "--yes", "--timeout", "1s").code == 21
    found = program("history", "test", "-o", "json").json
    newest, oldest = found["deployments"]
    assert (oldest["number"], oldest["ending"], oldest["commit"]) == (1, "healthy", first)
    assert oldest["by"]["runUrl"] == "https://github.example.com/shop/config/actions/runs/17"
    assert oldest["counts"] == {"create": 1}
    assert (newest["number"], newest["ending"], newest["commit"]) == (2, "not healthy", second)
    assert newest["why"].startswith(f"apps/Deployment {namespace}/web: ")
    text = program("history", "test").out
    assert text.index(second[:7]) < text.index(first[:7])
    status = program("status", "test").out
    assert "last run: not healthy" in status


def test_a_run_that_was_killed_is_in_the_history_as_lost(program: Program, kubectl: Kubectl, namespace: str) -> None:
    program.write("app/web.yaml", deployment("web").replace("replicas: 1", "replicas: 1\n  minReadySeconds: 500"))
    killed = program.commit()
    with in_ci(program).start("apply", "test", "--yes") as process:
        from tests.cluster.planning import until

        until(lambda: kubectl.get("deployments", "-n", namespace)["items"])
        process.kill()
    (lost,) = program("history", "test", "-o", "json").json["deployments"]
    assert (lost["ending"], lost["commit"], lost["by"]["actor"]) == ("lost", killed, "ann")
    assert "last run: lost" in program("status", "test").out
    program.write("app/web.yaml", deployment("web"))
    program.commit()
    assert program("apply", "test", "--yes").code == 0
    endings = [each["ending"] for each in program("history", "test", "-o", "json").json["deployments"]]
    assert endings == ["healthy", "lost"]


def test_an_environment_on_hold_is_not_deployed_until_it_is_resumed_or_its_time_is_up(
    program: Program, kubectl: Kubectl, own_control_plane: ControlPlane, namespace: str
) -> None:
    assert program("hold", "test").code == 2
    held = in_ci(program)("hold", "test", "--reason", "fixing the database\nby hand", "--for", "4h")
    assert held.code == 0, held
    commit(program, "one")
    mark = own_control_plane.audit_mark()
    done = program("apply", "test", "--yes")
    assert (done.code, "GP0334" in done.err) == (16, True), done
    assert "fixing the database by hand" in done.err
    assert "actions/runs/17 (ann" in done.err
    assert "gitops-push resume test" in done.err
    assert writes_since(own_control_plane, mark) == ()
    assert program("diff", "test").code == 0
    assert "on hold" in program("history", "test").out
    assert "RESUMED test" in program("resume", "test").out
    assert "NOT ON HOLD test" in program("resume", "test").out
    assert program("apply", "test", "--yes").code == 0
    assert program("hold", "test", "--reason", "short", "--for", "1s").code == 0
    commit(program, "two")
    import time

    time.sleep(1.1)
    assert program("apply", "test", "--yes").code == 0
    assert value_in(kubectl, namespace) == "two"


def test_a_rollback_deploys_the_last_healthy_commit_and_holds_it(
    program: Program, kubectl: Kubectl, namespace: str
) -> None:
    good = commit(program, "good")
    assert program("apply", "test", "--yes").code == 0
    program.write("app/more.yaml", config_map("more"))
    bad = commit(program, "bad")
    assert program("apply", "test", "--yes").code == 0
    assert program("rollback", "test").code == 2, "somebody has to say yes"
    done = program("rollback", "test", "--yes", "-o", "json")
    assert done.code == 0, done
    deeds = {(each["name"], each["action"]) for each in done.json["outcomes"]}
    assert deeds == {("settings", "update"), ("more", "delete")}
    assert value_in(kubectl, namespace) == "good"
    newest = program("history", "test", "-o", "json").json["deployments"][0]
    assert (newest["commit"], newest["rolledBackFrom"]) == (good, bad)
    held = program("apply", "test", "--yes")
    assert held.code == 16
    assert f"rolled back from {bad[:7]} to {good[:7]}" in held.err
    assert program("resume", "test").code == 0
    assert program("apply", "test", "--yes").code == 0
    assert value_in(kubectl, namespace) == "bad"
    assert program("rollback", "test", "--to", "HEAD~1", "--no-hold", "--yes").code == 0
    assert value_in(kubectl, namespace) == "good"
    assert program("apply", "test", "--yes").code == 0


def test_a_rollback_that_cannot_be_says_why(program: Program, namespace: str) -> None:
    nothing = program("rollback", "test", "--yes")
    assert (nothing.code, "no healthy deployment" in nothing.err) == (10, True), nothing
    missing = program("rollback", "test", "--to", "0" * 40, "--yes")
    assert (missing.code, "GP0107" in missing.err) == (10, True), missing
    assert program("apply", "test", "--yes").code == 0
    program.write("gitops-push.yaml", config(namespace).replace(f"project: {namespace}", "project: other"))
    program.commit()
    elsewhere = program("rollback", "test", "--to", "HEAD~1", "--yes")
    assert (elsewhere.code, f"as {namespace}/test" in elsewhere.err) == (15, True), elsewhere


def test_a_damaged_history_stops_a_deployment_as_it_might_hold_it(
    program: Program, kubectl: Kubectl, namespace: str
) -> None:
    assert program("apply", "test", "--yes").code == 0
    name = f"gitops-push-{namespace}-test-history"
    patch = json.dumps({"data": {"hold": "{"}})
    kubectl("patch", "configmap", name, "-n", namespace, "--type=merge", "-p", patch)
    commit(program, "two")
    done = program("apply", "test", "--yes")
    assert (done.code, f"{namespace}/{name} is damaged" in done.err) == (13, True), done
    kubectl("delete", "configmap", name, "-n", namespace)
    assert program("apply", "test", "--yes").code == 0
