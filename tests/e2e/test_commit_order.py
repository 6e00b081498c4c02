"""Commits only move forward, and only one run writes at a time: as pipelines meet each other."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.judging import inventory, writes_since
from tests.e2e.program import Program, config, config_map


def commit(program: Program, value: str) -> str:
    program.write("app/settings.yaml", config_map("settings", value))
    return program.commit(f"Set {value}")


def git(program: Program, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=program.folder, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    return done.stdout.strip()


def cloned(program: Program, folder: Path, *flags: str) -> Program:
    subprocess.run(
        ["git", "clone", "-q", *flags, f"file://{program.folder}", str(folder)], check=True, stdin=subprocess.DEVNULL
    )
    return Program(folder, program.environ)


def value_in(kubectl: Kubectl, namespace: str) -> str:
    return str(kubectl.get("configmap", "settings", "-n", namespace)["data"]["key"])


def test_an_older_commit_never_overwrites_a_newer_one_and_that_is_no_failure(
    program: Program, kubectl: Kubectl, own_control_plane: ControlPlane, namespace: str
) -> None:
    old, new = commit(program, "old"), commit(program, "new")
    assert program("apply", "test", "--yes").code == 0
    git(program, "checkout", "-q", old)
    mark = own_control_plane.audit_mark()
    done = program("apply", "test", "--yes")
    assert done.code == 0, done
    assert f"superseded by {new[:7]}" in done.out
    assert "SUPERSEDED test: nothing was written" in done.out
    assert program("apply", "test", "--yes", "-o", "json").json["superseded"].startswith("superseded by")
    failed = program("apply", "test", "--yes", "--on-superseded", "fail")
    assert (failed.code, "GP0332" in failed.err) == (15, True)
    assert writes_since(own_control_plane, mark) == ()
    assert value_in(kubectl, namespace) == "new"
    assert program("apply", "test", "--yes", "--allow-rollback").code == 0
    assert value_in(kubectl, namespace) == "old"


def test_a_clone_from_before_the_deployed_commit_knows_by_the_record_that_it_is_late(
    program: Program, kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    commit(program, "old")
    early = cloned(program, tmp_path / "early")
    commit(program, "between")
    new = commit(program, "new")
    assert program("apply", "test", "--yes").code == 0
    done = early("apply", "test", "--yes")
    assert (done.code, f"superseded by {new[:7]}" in done.out) == (0, True), done
    assert value_in(kubectl, namespace) == "new"
    record = inventory(kubectl, namespace, namespace)
    assert len(record["ancestors"].split()) == 3


def test_another_line_of_history_is_refused_and_says_what_to_do(program: Program) -> None:
    start = git(program, "rev-parse", "HEAD")
    commit(program, "one")
    assert program("apply", "test", "--yes").code == 0
    git(program, "checkout", "-q", start)
    commit(program, "two")
    done = program("apply", "test", "--yes")
    assert (done.code, "GP0333" in done.err, "they are apart" in done.err) == (15, True, True), done
    assert program("apply", "test", "--yes", "--allow-rollback").code == 0


def test_a_shallow_clone_is_refused_naming_the_remedy_and_a_whole_one_is_not(program: Program, tmp_path: Path) -> None:
    commit(program, "one")
    assert program("apply", "test", "--yes").code == 0
    commit(program, "two")
    shallow = cloned(program, tmp_path / "shallow", "--depth=1")
    done = shallow("apply", "test", "--yes")
    assert done.code == 15, done
    assert "fetch-depth: 0" in done.err
    assert "nothing was written" in done.err
    assert cloned(program, tmp_path / "whole")("apply", "test", "--yes").code == 0


@pytest.mark.parametrize("off", ["off", "'off'"])
def test_the_order_can_be_switched_off(program: Program, namespace: str, off: str) -> None:
    program.write("gitops-push.yaml", config(namespace, f"    commitOrder: {off}\n"))
    start = program.commit()
    commit(program, "one")
    assert program("apply", "test", "--yes").code == 0
    git(program, "checkout", "-q", start)
    assert program("apply", "test", "--yes").code == 0


def test_the_lock_of_a_run_that_lives_is_told_and_not_taken(program: Program, kubectl: Kubectl, namespace: str) -> None:
    assert program("unlock", "test").out == "NOT LOCKED test\n"
    commit(program, "one")
    program.write("app/web.yaml", _never_ready())
    program.commit()
    running = program.having(GITHUB_ACTIONS="true", CI="true", GITHUB_ACTOR="ann", **_run("1"))
    with running.start("apply", "test", "--yes", "--timeout", "60s") as process:
        try:
            _until_locked(kubectl, namespace)
            second = program("apply", "test", "--yes")
            assert second.code == 16, second
            assert "https://github.example.com/shop/config/actions/runs/1 (ann, " in second.err
            assert "--lock-wait" in second.err
            shown = program("unlock", "test")
            assert "that run lives" in shown.out
            assert "LOCKED test" in shown.out
            released = program("unlock", "test", "--force", "--yes", "-o", "json").json
            assert (released["released"], released["holder"]["actor"]) == (True, "ann")
        finally:
            process.kill()


def _run(number: str) -> dict[str, str]:
    return {
        "GITHUB_SERVER_URL": "https://github.example.com",
        "GITHUB_REPOSITORY": "shop/config",
        "GITHUB_RUN_ID": number,
    }


def _never_ready() -> str:
    from tests.e2e.program import deployment

    return deployment("web").replace("replicas: 1", "replicas: 1\n  minReadySeconds: 500")


def _until_locked(kubectl: Kubectl, namespace: str) -> None:
    from tests.cluster.planning import until

    until(lambda: kubectl.get("leases", "-n", namespace)["items"])
    until(lambda: kubectl.get("deployments", "-n", namespace)["items"])
